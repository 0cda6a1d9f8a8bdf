"""Which of identical requests runs, and which ones get its response."""

import json
from typing import Any

import pytest
from flask import Response
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from idempotency.attempt import REPLAYED
from idempotency.protocol import Idempotency
from tests.unit.idempotency.setup import (
    BODY,
    PATH,
    Action,
    Send,
    app,
    idempotency,
    rejection,
    send,
    send_click,
    shared,
)
from videsk.errors import VideskTimeoutError

__all__ = ["app", "idempotency", "send", "shared"]


def test_a_second_request_with_the_same_key_gets_the_first_response(
    idempotency: Idempotency, send: Send
) -> None:
    action = Action()
    first, again = send(idempotency, action), send(idempotency, action)
    assert action.times == 1
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers.getlist("Content-Type") == ["text/x"]
    assert (again.headers["Link"], again.headers["Retry-After"]) == ("</a>", "5")
    assert "X-Other" not in again.headers


def test_a_response_without_a_content_type_is_replayed_without_one(
    idempotency: Idempotency, send: Send
) -> None:
    def respond() -> Response:
        response = Response("x")
        del response.headers["Content-Type"]
        return response

    send(idempotency, respond)
    assert "Content-Type" not in send(idempotency, respond).headers


@pytest.mark.parametrize("key", ["!", "~" * 255])
def test_a_key_has_1_to_255_visible_characters(
    idempotency: Idempotency, send: Send, key: str
) -> None:
    action = Action()
    for _ in range(2):
        send(idempotency, action, headers={"Idempotency-Key": key})
    assert action.times == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "\x7f", "ñ", "a" * 256])
def test_any_other_key_is_rejected(idempotency: Idempotency, send: Send, key: str) -> None:
    action = Action()
    with pytest.raises(BadRequest) as caught:
        send(idempotency, action, headers={"Idempotency-Key": key})
    message = "An Idempotency-Key must be 1 to 255 visible ASCII characters."
    assert (caught.value.description, action.times) == (message, 0)


@pytest.mark.parametrize(
    "value", [{"form": [1.0, {"a": None}], "startAt": "noon"}, json.loads(json.dumps(BODY))]
)
def test_an_equal_json_value_is_the_same_request(
    idempotency: Idempotency, send: Send, value: Any
) -> None:
    action = Action()
    send(idempotency, action)
    assert send(idempotency, action, value, path=PATH.upper()).headers[REPLAYED] == "true"


@pytest.mark.parametrize(
    "change",
    [
        {"path": f"{PATH}/b"}, {"token": "a-token"}, {"value": None}, {"value": BODY | {"a": 1}},
        {"value": BODY | {"form": [1.5, {"a": None}]}}, {"value": BODY | {"form": [{"a": None}, 1]}},
        {"value": BODY | {"form": [1, {"a": False}]}}, {"value": BODY | {"form": ["1", {"a": None}]}},
    ],
)  # fmt: skip
def test_another_request_with_the_same_key_is_rejected(
    idempotency: Idempotency, send: Send, change: dict[str, Any]
) -> None:
    action = Action()
    send(idempotency, action)
    with pytest.raises(UnprocessableEntity) as caught:
        send(idempotency, action, **change)
    message = "This Idempotency-Key was already used with a different request."
    assert (caught.value.description, action.times) == (message, 1)


def test_another_key_is_another_request(idempotency: Idempotency, send: Send) -> None:
    action = Action()
    for key in "ab":
        send(idempotency, action, headers={"Idempotency-Key": key})
    assert action.times == 2


def test_without_a_key_every_call_runs(idempotency: Idempotency, send: Send) -> None:
    action = Action()
    for _ in range(3):
        assert REPLAYED not in send(idempotency, action, headers={}).headers
    assert action.times == 3


def test_final_rejections_are_kept_and_temporary_ones_are_not(
    idempotency: Idempotency, send: Send
) -> None:
    store, free = Action(rejection(409), rejection(409)), Action(rejection(429))
    assert [send(idempotency, store).status_code for _ in range(2)] == [409, 409]
    assert store.times == 1
    other = {"Idempotency-Key": "another"}
    assert [send(idempotency, free, headers=other).status_code for _ in range(3)] == [429, 201, 201]
    assert free.times == 2


def test_a_rejected_appointment_token_is_stored(idempotency: Idempotency, send: Send) -> None:
    unkeyed, keyed = Action(rejection(401)), Action(rejection(401))
    for _ in range(2):
        assert send(idempotency, unkeyed, token="a.b.c").status_code == 401
    other = {"Idempotency-Key": "another"}
    assert [send(idempotency, keyed, headers=other).status_code for _ in range(2)] == [401, 201]


@pytest.mark.parametrize("error", [VideskTimeoutError(outcome_unknown=True), rejection(500)])
def test_a_request_in_doubt_never_runs_again(
    idempotency: Idempotency, send: Send, error: Exception
) -> None:
    action = Action(error)
    assert send(idempotency, action).status_code in {504, 500}
    for _ in range(2):
        with pytest.raises(VideskTimeoutError) as caught:
            send(idempotency, action)
        assert caught.value.outcome_unknown
    assert action.times == 1


# Double clicks


def test_a_double_click_has_the_same_body_path_and_address(
    idempotency: Idempotency, send: Send
) -> None:
    action = Action()
    for _ in range(2):
        send_click(send, idempotency, action)
    assert action.times == 1
    changes: list[dict[str, Any]] = [{"address": "10.0.0.2"}, {"value": {}}, {"path": f"{PATH}/b"}]
    for change in changes:
        send_click(send, idempotency, action, **change)
    assert action.times == 4
    send(idempotency, action)
    assert action.times == 5, "with a key, it is not a double click"


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429])
def test_the_same_body_after_a_rejection_is_a_new_attempt(
    idempotency: Idempotency, send: Send, status: int
) -> None:
    action = Action(rejection(status))
    assert [send_click(send, idempotency, action).status_code for _ in range(3)] == [
        status,
        201,
        201,
    ]
    assert action.times == 2


def test_after_a_cancellation_or_move_the_hour_can_be_booked_again(
    idempotency: Idempotency, send: Send
) -> None:
    action = Action()
    send_click(send, idempotency, action)
    idempotency.end_double_click("another-token")
    send_click(send, idempotency, action)
    assert action.times == 1
    idempotency.end_double_click("token-1")
    send_click(send, idempotency, action)
    assert action.times == 2
    send(idempotency, action)
    idempotency.end_double_click("token-3")
    send(idempotency, action)
    assert action.times == 3, "a key cannot be used again"


@pytest.mark.parametrize("body", ["[]", "{}", '{"actionToken": 1}', '"text"'])
def test_a_booking_without_a_token_causes_no_error(
    idempotency: Idempotency, send: Send, body: str
) -> None:
    def response() -> Response:
        return Response(body, 201)

    for _ in range(2):
        assert send(idempotency, response, headers={}, detect_double_click=True).status_code == 201
