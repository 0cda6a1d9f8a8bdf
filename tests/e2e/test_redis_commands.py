"""The commands that a user of Redis must be allowed to run are the ones that the proxy runs."""

from redis import Redis

from common.redis_probe import REQUIRED_COMMANDS
from tests.client import FIRST_SERVICE, JOHN, Client, bearer, working_day
from tests.processes import Sandbox, proxy_server, redis_server

OF_EVERY_CONNECTION = {"auth", "client", "config", "eval", "evalsha", "hello", "info", "script"}


def used(redis: Redis) -> set[str]:
    """The commands that this server has run, without the subcommand."""
    stats = redis.info("commandstats")
    return {name.removeprefix("cmdstat_").partition("|")[0] for name in stats}


def test_every_command_that_is_used_is_tried_before_redis_is_used(sandbox: Sandbox) -> None:
    tried = {str(command[0]).lower() for command in REQUIRED_COMMANDS}
    with redis_server() as server:
        redis = Redis(port=server.port)
        with proxy_server(
            sandbox, REDIS_URL=server.redis_url, HOURS_TTL="1", WEBHOOK_SECRET="a-long-secret"
        ) as it:
            client = Client(it.url)
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
            ran = used(redis)
    assert {"get", "set", "mget", "evalsha", "time"} <= ran, (
        "the test has seen the proxy's commands"
    )
    assert ran - OF_EVERY_CONNECTION - tried == set()
