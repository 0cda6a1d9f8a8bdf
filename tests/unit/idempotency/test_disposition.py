"""Which outcomes of a POST are kept, forgotten or in doubt (docs/guarantees.md#g5)."""

import pytest
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType

from idempotency.disposition import Disposition, disposition_of
from videsk.errors import (
    VideskBrokenError,
    VideskCircuitOpenError,
    VideskFailedError,
    VideskInvalidResponseError,
    VideskRateLimitError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)
from web.captcha import (
    CaptchaError,
    CaptchaMissingError,
    CaptchaRejectedError,
    CaptchaUnavailableError,
)

KEEP, FORGET, DOUBT = Disposition.KEEP, Disposition.FORGET, Disposition.DOUBT
KEPT_STATUSES = {400, 404, 409, 422}
TOKEN_STATUSES = {401, 403}
RETRYABLE_STATUSES = {429, 503}

ALL_ATTEMPTS = pytest.mark.parametrize(
    ("by_token", "is_double_click"),
    [(False, False), (True, False), (False, True), (True, True)],
    ids=["key", "key-and-token", "click", "click-and-token"],
)


def rejection(status: int) -> VideskResponseError:
    return VideskResponseError(status, b"{}", "application/json", {})


def test_a_request_is_not_a_double_click_by_default() -> None:
    assert disposition_of(rejection(409), by_token=False) is KEEP


@ALL_ATTEMPTS
def test_a_success_is_kept(by_token: bool, is_double_click: bool) -> None:
    assert disposition_of(None, by_token=by_token, is_double_click=is_double_click) is KEEP


@pytest.mark.parametrize(
    ("by_token", "is_double_click", "kept"),
    [
        (False, False, KEPT_STATUSES),
        (True, False, KEPT_STATUSES | TOKEN_STATUSES),
        # After a rejection, the same body without a key is a new attempt.
        (False, True, set()),
        (True, True, set()),
    ],
)
def test_errors_of_videsk_are_kept_forgotten_or_in_doubt_by_status(
    by_token: bool, is_double_click: bool, kept: set[int]
) -> None:
    dispositions = {
        status: disposition_of(
            rejection(status), by_token=by_token, is_double_click=is_double_click
        )
        for status in range(400, 600)
    }
    in_doubt = set(range(500, 600)) - RETRYABLE_STATUSES
    assert {status for status in dispositions if dispositions[status] is KEEP} == kept
    assert {status for status in dispositions if dispositions[status] is DOUBT} == in_doubt


@ALL_ATTEMPTS
@pytest.mark.parametrize(
    "kind",
    [VideskBrokenError, VideskTimeoutError, VideskInvalidResponseError, VideskUnreachableError],
)
@pytest.mark.parametrize("outcome_unknown", [True, False])
def test_without_a_response_it_is_in_doubt_if_the_request_may_have_been_sent(
    kind: type[VideskFailedError], outcome_unknown: bool, by_token: bool, is_double_click: bool
) -> None:
    error = kind(outcome_unknown=outcome_unknown)
    expected = DOUBT if outcome_unknown else FORGET
    assert disposition_of(error, by_token=by_token, is_double_click=is_double_click) is expected


@ALL_ATTEMPTS
@pytest.mark.parametrize(
    "error",
    [
        VideskRateLimitError(1), VideskCircuitOpenError(1), ValidationError("no"), BadRequest(),
        UnsupportedMediaType(), HTTPException(), CaptchaError(), CaptchaMissingError(),
        CaptchaRejectedError("invalid"), CaptchaUnavailableError(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_requests_that_the_proxy_rejected_are_forgotten(
    error: Exception, by_token: bool, is_double_click: bool
) -> None:
    assert disposition_of(error, by_token=by_token, is_double_click=is_double_click) is FORGET


@ALL_ATTEMPTS
@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), ValueError(), KeyError("id")])
def test_an_unexpected_exception_is_in_doubt(
    error: Exception, by_token: bool, is_double_click: bool
) -> None:
    assert disposition_of(error, by_token=by_token, is_double_click=is_double_click) is DOUBT
