"""Which outcome of a POST is kept, frees its key, or leaves it in doubt (docs/guarantees.md#g5)."""

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
KEPT = {400, 404, 409, 422}
OF_A_TOKEN = {401, 403}
NOT_KEPT = {429, 503}

WAYS = pytest.mark.parametrize(
    ("by_token", "is_double_click"),
    [(False, False), (True, False), (False, True), (True, True)],
    ids=["key", "key-and-token", "click", "click-and-token"],
)


def refused(status: int) -> VideskResponseError:
    return VideskResponseError(status, b"{}", "application/json", {})


def test_a_request_is_not_a_double_click_by_default() -> None:
    assert disposition_of(refused(409), by_token=False) is KEEP


@WAYS
def test_a_success_is_kept(by_token: bool, is_double_click: bool) -> None:
    assert disposition_of(None, by_token=by_token, is_double_click=is_double_click) is KEEP


@pytest.mark.parametrize(
    ("by_token", "is_double_click", "kept"),
    [
        (False, False, KEPT),
        (True, False, KEPT | OF_A_TOKEN),
        # After a refusal the same body without a key is a new attempt.
        (False, True, set()),
        (True, True, set()),
    ],
)
def test_what_videsk_refuses_is_kept_or_forgotten_and_any_other_5xx_in_doubt(
    by_token: bool, is_double_click: bool, kept: set[int]
) -> None:
    fates = {
        status: disposition_of(refused(status), by_token=by_token, is_double_click=is_double_click)
        for status in range(400, 600)
    }
    in_doubt = set(range(500, 600)) - NOT_KEPT
    assert {status for status in fates if fates[status] is KEEP} == kept
    assert {status for status in fates if fates[status] is DOUBT} == in_doubt


@WAYS
@pytest.mark.parametrize(
    "kind",
    [VideskBrokenError, VideskTimeoutError, VideskInvalidResponseError, VideskUnreachableError],
)
@pytest.mark.parametrize("outcome_unknown", [True, False])
def test_without_an_answer_it_is_in_doubt_if_the_request_may_have_left(
    kind: type[VideskFailedError], outcome_unknown: bool, by_token: bool, is_double_click: bool
) -> None:
    error = kind(outcome_unknown=outcome_unknown)
    expected = DOUBT if outcome_unknown else FORGET
    assert disposition_of(error, by_token=by_token, is_double_click=is_double_click) is expected


@WAYS
@pytest.mark.parametrize(
    "error",
    [
        VideskRateLimitError(1), VideskCircuitOpenError(1), ValidationError("no"), BadRequest(),
        UnsupportedMediaType(), HTTPException(), CaptchaError(), CaptchaMissingError(),
        CaptchaRejectedError("invalid"), CaptchaUnavailableError(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_was_refused_here_never_left(
    error: Exception, by_token: bool, is_double_click: bool
) -> None:
    assert disposition_of(error, by_token=by_token, is_double_click=is_double_click) is FORGET


@WAYS
@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), ValueError(), KeyError("id")])
def test_an_unexpected_exception_is_in_doubt(
    error: Exception, by_token: bool, is_double_click: bool
) -> None:
    assert disposition_of(error, by_token=by_token, is_double_click=is_double_click) is DOUBT
