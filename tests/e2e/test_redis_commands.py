"""The documented Redis ACL covers exactly the commands that the proxy runs."""

import re

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from common.redis_probe import REQUIRED_COMMANDS
from tests.client import FIRST_SERVICE, JOHN, Client, bearer, working_day
from tests.processes import ROOT, Sandbox, proxy_server, redis_server

CONNECTION_COMMANDS = {"auth", "client", "config", "eval", "evalsha", "hello", "info", "script"}


def used_commands(redis: Redis) -> set[str]:
    """Return the commands that this server has run, without subcommands."""
    stats = redis.info("commandstats")
    return {name.removeprefix("cmdstat_").partition("|")[0] for name in stats}


def test_the_probe_tries_every_command_that_the_proxy_uses(sandbox: Sandbox) -> None:
    tried = {str(command[0]).lower() for command in REQUIRED_COMMANDS}
    with redis_server() as server:
        redis = Redis(port=server.port)
        with proxy_server(
            sandbox, REDIS_URL=server.redis_url, HOURS_TTL="1", WEBHOOK_SECRET="a-long-secret"
        ) as proxy:
            client = Client(proxy.url)
            redis.config_resetstat()
            start = client.hours("users", JOHN, working_day()).json()[0]
            client.get("/api/services")
            client.get(f"/api/services/{FIRST_SERVICE}/next", params={"timezone": "UTC"})
            booked = client.book("users", JOHN, start).json()
            client.book("users", JOHN, start, headers={"X": "1"})
            sandbox.fault("status", status=503, times=1)
            client.hours("users", JOHN, working_day(9))
            client.hours("users", JOHN, working_day())
            client.post("/api/appointment/cancel", {}, headers=bearer(booked["actionToken"]))
            client.post("/hooks/videsk", {}, headers={"X-Webhook-Secret": "a-long-secret"})
            client.get("/readyz")
            ran = used_commands(redis)
    assert {"get", "set", "mget", "evalsha", "time"} <= ran, (
        "the test has recorded the proxy's commands"
    )
    assert ran - CONNECTION_COMMANDS - tried == set()


def documented_user(number: int) -> list[str]:
    """Return the words of the ACL SETUSER line with this index in docs/deploy.md."""
    lines = re.findall("^ACL SETUSER .*", (ROOT / "docs/deploy.md").read_text(), re.M)
    words: list[str] = lines[number].split()
    return words


def test_the_documented_user_has_permission_for_every_command(sandbox: Sandbox) -> None:
    with redis_server() as server:
        redis = Redis(port=server.port)
        redis.execute_command(*documented_user(0))  # type: ignore[no-untyped-call]
        url = server.redis_url.replace("//", "//videsk:PASSWORD@")
        captcha = {"CAPTCHA_PROVIDER": "turnstile", "CAPTCHA_SECRET": "the-captcha-s-secret"}
        dead = "http://127.0.0.1:1"
        with proxy_server(sandbox, REDIS_URL=url, CAPTCHA_VERIFY_URL=dead, **captcha) as proxy:
            client = Client(proxy.url)
            start = client.hours("users", JOHN, working_day()).json()[0]
            client.book("users", JOHN, start, token="a-token")
            client.get(f"/api/services/{FIRST_SERVICE}/next", params={"timezone": "UTC"})
            assert client.get("/readyz").json()["redis"] == "ok"
            assert "Redis is unavailable" not in proxy.output()
        assert "eval" in used_commands(redis), "the script of the captcha confirmations"
        for command in ("WAIT 0 1", "INFO", "SELECT 1", "GET videsk-proxy:1"):
            run_as_user(server.port, command)
        for command in ("GET other", "KEYS *", "FLUSHALL", "CONFIG GET *"):
            with pytest.raises(NoPermissionError):
                run_as_user(server.port, command)


def run_as_user(port: int, command: str) -> None:
    with Redis(port=port, username="videsk", password="PASSWORD") as redis:
        redis.execute_command(*command.split())
