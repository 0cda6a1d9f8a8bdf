"""The API key is in no response, log line, error or Redis value (docs/guarantees.md#g1)."""

from pathlib import Path

import pytest
from redis import Redis

from tests.client import AUTOMATIC_SERVICE, JOHN, Client, bearer, working_day
from tests.processes import Sandbox, dump_all, proxy_server

FAULTS = [
    "leak",
    "leak-twice",
    "leak-escaped",
    "html",
    "nan",
    "cut",
    "reset",
    "close",
    "redirect",
    "huge",
]
PERSONAL_DATA = ["s3cr3t-token", "s3cr3t-name", "s3cr3t-query", "s3cr3t-page"]


@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_key_and_personal_data_are_not_logged_or_stored(
    sandbox: Sandbox, redis: Redis, redis_url: str, level: str
) -> None:
    with proxy_server(sandbox, REDIS_URL=redis_url, LOG_LEVEL=level, VIDESK_TIMEOUT="1") as server:
        texts = list(exercise_all_routes(Client(server.url), sandbox, redis))
        held = dump_all(redis)
        texts += [*held.keys(), *held.values()]
        log = server.output().encode()
    assert held
    assert log.count(b'"request"') >= 90, "each call has a log line"
    secret = sandbox.keys["backend"].encode()
    assert all(secret not in text for text in [*texts, log])
    assert all(customer.encode() not in log for customer in PERSONAL_DATA)


def exercise_all_routes(client: Client, sandbox: Sandbox, redis: Redis) -> list[bytes]:
    """Call each route successfully, with an invalid request, and with each fault of Videsk."""
    responses = []
    token, name, query, page = PERSONAL_DATA
    for fault in (None, *FAULTS):
        if fault:
            sandbox.fault(fault, seconds=2)
        headers = bearer(token) | {"Referer": f"https://shop.example/{page}"}
        day = working_day()
        responses += [
            client.get("/api/services"),
            client.dates("users", JOHN, day[:7]),
            client.hours("services", AUTOMATIC_SERVICE, day),
            client.get(f"/api/users/{JOHN}/dates?date={query}&timezone={query}"),
            client.get(f"/{query}?{query}"),
            client.book("users", JOHN, f"{day}T12:00:00Z", headers=headers),
            client.book("users", JOHN, name, form=[{"_id": name, "value": name}], token=name),
            client.get("/api/appointment", headers=headers),
            client.post("/api/appointment/cancel", {"cancelReason": name}, headers=headers),
            client.call("POST", "/api/appointment/reschedule", data=name, headers=headers),
        ]
        sandbox.control("DELETE", "faults")
        redis.delete(*redis.scan_iter("*gate:state"))  # wait until the circuit is closed again
    return [str(response.headers).encode() + response.content for response in responses]


def test_the_key_and_tokens_are_sent_only_to_their_endpoints(
    cached_proxy: Client, sandbox: Sandbox, redis: Redis
) -> None:
    exercise_all_routes(cached_proxy, sandbox, redis)
    request_log = sandbox.request_log()
    assert len(request_log) > 30
    for entry in request_log:
        headers = entry["headers"]
        assert isinstance(headers, dict)
        own = str(entry["path"]).endswith(("/info", "/cancel", "/reschedule"))
        expected = "s3cr3t-token" if own else sandbox.keys["backend"]
        assert headers["authorization"] == f"Bearer {expected}"
        assert "referer" not in headers


def test_environment_variables_do_not_change_the_upstream_or_its_credentials(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    proxy_url = "http://127.0.0.1:1"
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")
    environ = dict.fromkeys(names, proxy_url) | {
        "HOME": str(tmp_path),
        "NETRC": str(tmp_path / ".netrc"),
    }
    sandbox.clear_request_log()
    with proxy_server(sandbox, **environ) as server:
        assert Client(server.url).get("/api/services").status_code == 200
    headers = sandbox.request_log()[0]["headers"]
    assert isinstance(headers, dict)
    assert headers["authorization"] == f"Bearer {sandbox.keys['backend']}"
