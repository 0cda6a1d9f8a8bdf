"""Changes to a valid call that provoke the documented responses."""

from collections.abc import Callable
from typing import Any

import requests

from openapi.errors import ERROR_EXAMPLES
from openapi.examples import DAY, REQUEST_EXAMPLES, USER
from tests.client import MARK, bearer
from tests.e2e.openapi.setup import Call, Stage
from web.shared_secrets import MAX_WRONG_PER_MINUTE

LONG_AGO = "2023-02-07T04:24:00.000Z"
NEW_DATE = REQUEST_EXAMPLES["reschedule"][1]["date"]
Provocation = Callable[[Stage, Call], requests.Response | None]
"""Changes the call or the stage; or sends the call, and returns the response."""


def valid(_stage: Stage, _call: Call) -> None:
    """Change nothing."""


def with_query(**query: Any) -> Provocation:
    return lambda _, call: call.query.update(query)


def with_path(**placeholders: str) -> Provocation:
    return lambda _, call: call.placeholders.update(placeholders)


def with_fields(**fields: Any) -> Provocation:
    return lambda _, call: call.body.update(fields)


def with_headers(**headers: str) -> Provocation:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda _, call: call.headers.update(named)


def with_body(body: bytes) -> Provocation:
    def change(_: Stage, call: Call) -> None:
        call.body = body

    return change


def through(proxy: str) -> Provocation:
    def change(_: Stage, call: Call) -> None:
        call.proxy = proxy

    return change


def with_fault(fault: str, **options: Any) -> Provocation:
    return lambda stage, _: stage.sandbox.fault(fault, **options)


def videsk_responds(name: str) -> Provocation:
    """Let the sandbox respond with an example that it never produces otherwise."""
    refusal = ERROR_EXAMPLES[name]
    return with_fault("status", status=refusal.status, body=refusal.body())


def form_element(index: int, **changes: Any) -> Provocation:
    return lambda _, call: call.body["form"][index].update(changes)


def token_or_key(token: str | None, name: str) -> Provocation:
    """Use this token; if the operation needs the API key, let Videsk respond with the example."""

    def change(stage: Stage, call: Call) -> None:
        if call.operation["security"] and token:
            call.headers |= bearer(token)
        else:
            videsk_responds(name)(stage, call)

    return change


def signed_by_another(stage: Stage, call: Call) -> None:
    token_or_key(stage.sandbox.keys["public"], "signatureInvalid")(stage, call)


def no_token(_: Stage, call: Call) -> None:
    del call.headers["Authorization"]


def invalidated_token(stage: Stage, call: Call) -> None:
    """Use a token of a canceled appointment."""
    booking = stage.book_soon()
    call.headers |= bearer(booking["accessToken" if call.method == "GET" else "actionToken"])
    canceled = stage.proxy("plain").post(
        "/api/appointment/cancel", {}, headers=bearer(booking["actionToken"])
    )
    assert canceled.status_code == 200


def hour_in_past(_: Stage, call: Call) -> None:
    call.body["startAt" if "startAt" in call.body else "date"] = LONG_AGO


def hour_taken(stage: Stage, call: Call) -> None:
    if "startAt" in call.body:
        stage.book(USER)
        stage.book(MARK)
    else:
        stage.book(USER, NEW_DATE)


def key_reused(stage: Stage, call: Call) -> None:
    stage.book(MARK, f"{DAY}T20:00:00.000Z", key=call.headers["Idempotency-Key"])


def without_honeypot(_: Stage, call: Call) -> None:
    del call.body["form"][0]


def unknown_element(_: Stage, call: Call) -> None:
    call.body["form"].append({"_id": "a" * 24, "value": "x"})


def without_service(_: Stage, call: Call) -> None:
    del call.body["service"]


def captcha_rejected(stage: Stage, call: Call) -> None:
    stage.provider.refuses("invalid-input-response")
    call.proxy, call.body["token"] = "captcha", "x"


def captcha_unavailable(stage: Stage, call: Call) -> None:
    stage.provider.respond_with({}, 500)
    call.proxy, call.body["token"] = "captcha", "x"


def too_many(stage: Stage, call: Call) -> requests.Response:
    call.proxy = "limited"
    return stage.until(call, 429)


def too_many_guesses(stage: Stage, call: Call) -> None:
    """Use a proxy of its own, because it rejects this machine's address for a minute."""
    call.proxy = "guessed"
    wrong = {"X-Webhook-Secret": "a-guess", **bearer("a-guess")}
    for _ in range(MAX_WRONG_PER_MINUTE):
        refused = stage.proxy("guessed").call(call.method, call.path, headers=wrong)
        assert refused.status_code in {401, 429}


def rate_limit_exhausted(stage: Stage, call: Call) -> None:
    """Let Videsk request a pause that is longer than reads wait."""
    call.proxy = "paused"
    options = {"status": 429, "body": {}, "headers": {"Retry-After": "60"}, "times": 1}
    services = Call(call.operation, "GET", "/api/services", proxy="paused")
    stage.until(services, 503, lambda: stage.sandbox.fault("status", **options))


def circuit_open(stage: Stage, call: Call) -> requests.Response:
    call.proxy = "unreachable"
    return stage.until(call, 503)


def unreachable(stage: Stage, call: Call) -> None:
    call.proxy = stage.proxy_without_videsk()


def degraded(stage: Stage, call: Call) -> None:
    circuit_open(stage, Call(call.operation, "GET", "/api/services"))
    call.proxy = "unreachable"


def key_rejected(stage: Stage, call: Call) -> None:
    videsk_responds("jwtExpired")(stage, call)
    assert stage.proxy(call.proxy).get("/api/services").status_code == 401


def key_accepted(stage: Stage, call: Call) -> None:
    assert stage.proxy(call.proxy).get("/api/services").status_code == 200


def not_modified(stage: Stage, call: Call) -> None:
    call.proxy = "caching"
    call.headers["If-None-Match"] = stage.send(call).headers["ETag"]


def too_slow(stage: Stage, call: Call) -> None:
    call.proxy = "impatient_with_videsk"
    stage.sandbox.fault("hang")


def body_timeout(stage: Stage, call: Call) -> requests.Response:
    call.proxy = "impatient"
    return stage.send_incomplete_body(call)


def not_found(_: Stage, call: Call) -> None:
    call.proxy = "without_secrets"
    if call.placeholders:
        call.placeholders = {"name": "index.html"}
