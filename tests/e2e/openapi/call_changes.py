"""Changes to a valid call that provoke the documented responses."""

from collections.abc import Callable
from typing import Any

import requests

from openapi.errors import ERROR_EXAMPLES
from openapi.examples import DAY, REQUEST_EXAMPLES, USER
from tests.client import MARK, bearer
from tests.e2e.openapi.setup import Call, Servers
from web.shared_secrets import MAX_WRONG_PER_MINUTE

LONG_AGO = "2023-02-07T04:24:00.000Z"
NEW_DATE = REQUEST_EXAMPLES["reschedule"][1]["date"]
Provocation = Callable[[Servers, Call], requests.Response | None]
"""Changes the call or the servers, or sends the call and returns the response."""


def valid(_stage: Servers, _call: Call) -> None:
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
    def change(_: Servers, call: Call) -> None:
        call.body = body

    return change


def through(proxy: str) -> Provocation:
    def change(_: Servers, call: Call) -> None:
        call.proxy = proxy

    return change


def with_fault(fault: str, **options: Any) -> Provocation:
    return lambda servers, _: servers.sandbox.fault(fault, **options)


def videsk_responds(name: str) -> Provocation:
    """Make the sandbox respond with an example that it does not produce otherwise."""
    example = ERROR_EXAMPLES[name]
    return with_fault("status", status=example.status, body=example.body())


def form_element(index: int, **changes: Any) -> Provocation:
    return lambda _, call: call.body["form"][index].update(changes)


def token_or_key(token: str | None, name: str) -> Provocation:
    """Use this token. If the operation needs the API key, make Videsk respond with the example."""

    def change(servers: Servers, call: Call) -> None:
        if call.operation["security"] and token:
            call.headers |= bearer(token)
        else:
            videsk_responds(name)(servers, call)

    return change


def signed_with_other_key(servers: Servers, call: Call) -> None:
    token_or_key(servers.sandbox.keys["public"], "signatureInvalid")(servers, call)


def no_token(_: Servers, call: Call) -> None:
    del call.headers["Authorization"]


def invalidated_token(servers: Servers, call: Call) -> None:
    """Use a token of a canceled appointment."""
    booking = servers.book_soon()
    call.headers |= bearer(booking["accessToken" if call.method == "GET" else "actionToken"])
    canceled = servers.proxy("plain").post(
        "/api/appointment/cancel", {}, headers=bearer(booking["actionToken"])
    )
    assert canceled.status_code == 200


def hour_in_past(_: Servers, call: Call) -> None:
    call.body["startAt" if "startAt" in call.body else "date"] = LONG_AGO


def hour_taken(servers: Servers, call: Call) -> None:
    if "startAt" in call.body:
        servers.book(USER)
        servers.book(MARK)
    else:
        servers.book(USER, NEW_DATE)


def key_reused(servers: Servers, call: Call) -> None:
    servers.book(MARK, f"{DAY}T20:00:00.000Z", key=call.headers["Idempotency-Key"])


def without_honeypot(_: Servers, call: Call) -> None:
    del call.body["form"][0]


def unknown_element(_: Servers, call: Call) -> None:
    call.body["form"].append({"_id": "a" * 24, "value": "x"})


def without_service(_: Servers, call: Call) -> None:
    del call.body["service"]


def captcha_rejected(servers: Servers, call: Call) -> None:
    servers.provider.reject("invalid-input-response")
    call.proxy, call.body["token"] = "captcha", "x"


def captcha_unavailable(servers: Servers, call: Call) -> None:
    servers.provider.respond_with({}, 500)
    call.proxy, call.body["token"] = "captcha", "x"


def too_many(servers: Servers, call: Call) -> requests.Response:
    call.proxy = "limited"
    return servers.until(call, 429)


def too_many_guesses(servers: Servers, call: Call) -> None:
    """Use a separate proxy, because it rejects this machine's address for a minute."""
    call.proxy = "guessed"
    wrong = {"X-Webhook-Secret": "a-guess", **bearer("a-guess")}
    for _ in range(MAX_WRONG_PER_MINUTE):
        response = servers.proxy("guessed").call(call.method, call.path, headers=wrong)
        assert response.status_code in {401, 429}


def rate_limit_exhausted(servers: Servers, call: Call) -> None:
    """Make Videsk request a pause that is longer than reads wait."""
    call.proxy = "paused"
    options = {"status": 429, "body": {}, "headers": {"Retry-After": "60"}, "times": 1}
    services = Call(call.operation, "GET", "/api/services", proxy="paused")
    servers.until(services, 503, lambda: servers.sandbox.fault("status", **options))


def circuit_open(servers: Servers, call: Call) -> requests.Response:
    call.proxy = "unreachable"
    return servers.until(call, 503)


def unreachable(servers: Servers, call: Call) -> None:
    call.proxy = servers.proxy_without_videsk()


def degraded(servers: Servers, call: Call) -> None:
    circuit_open(servers, Call(call.operation, "GET", "/api/services"))
    call.proxy = "unreachable"


def key_rejected(servers: Servers, call: Call) -> None:
    videsk_responds("jwtExpired")(servers, call)
    assert servers.proxy(call.proxy).get("/api/services").status_code == 401


def key_accepted(servers: Servers, call: Call) -> None:
    assert servers.proxy(call.proxy).get("/api/services").status_code == 200


def not_modified(servers: Servers, call: Call) -> None:
    call.proxy = "caching"
    call.headers["If-None-Match"] = servers.send(call).headers["ETag"]


def too_slow(servers: Servers, call: Call) -> None:
    call.proxy = "impatient_with_videsk"
    servers.sandbox.fault("hang")


def body_timeout(servers: Servers, call: Call) -> requests.Response:
    call.proxy = "short_body_timeout"
    return servers.send_incomplete_body(call)


def not_found(_: Servers, call: Call) -> None:
    call.proxy = "without_secrets"
    if call.placeholders:
        call.placeholders = {"name": "index.html"}
