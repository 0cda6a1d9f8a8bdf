"""Redis Sentinel: which primary is used, and how configuration errors are reported."""

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from common.resilient_redis import RedisUnavailableError, ResilientRedis
from tests.e2e.fleet import wait_until
from tests.e2e.redis.topologies import SERVICE, Sentinels, run, sentinels
from tests.e2e.test_redis_commands import documented_user
from tests.forwarder import Forwarder
from tests.timing import SERIAL, TIMING

pytestmark = [TIMING, SERIAL]

PASSWORD = "s3cr3t"


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    with sentinels(tmp_path_factory.mktemp("redis")) as topology:
        yield topology


def recovered(topology: Sentinels) -> Sentinels:
    topology.restore_replication()
    wait_until(topology.is_replicated, seconds=20)
    return topology


def connect(url: str) -> ResilientRedis:
    return ResilientRedis(url, verify_tls=True)


def used_server(resilient_redis: ResilientRedis) -> str | None:
    """Return the run_id of the server that a call reaches, or None while Redis is unavailable."""
    try:
        return str(resilient_redis.call(lambda: resilient_redis.client.info("server")["run_id"]))
    except RedisUnavailableError:
        return None


def test_no_two_processes_use_two_primaries(topology: Sentinels) -> None:
    """The old primary accepts writes for about ten seconds after a promotion by hand."""
    recovered(topology)
    redis_clients = [connect(topology.url) for _ in range(3)]
    (old,) = {used_server(resilient_redis) for resilient_redis in redis_clients}
    topology.fail_over()
    calls: list[tuple[float, str | None]] = []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        calls += [
            (time.monotonic(), used_server(resilient_redis)) for resilient_redis in redis_clients
        ]
    to_old = [at for at, server in calls if server == old]
    to_new = [at for at, server in calls if server not in {None, old}]
    assert to_old
    assert to_new
    assert max(to_old) < min(to_new)
    assert [resilient_redis.outages for resilient_redis in redis_clients] == [1, 1, 1]
    roles = {Redis(port=server.port).info("replication")["role"] for server in topology.servers}
    assert roles == {"master"}, "the old primary still accepts writes, so the test is meaningful"


def test_a_process_cut_off_with_the_old_primary_does_not_use_it(topology: Sentinels) -> None:
    recovered(topology)
    old, port = topology.primary(), topology.sentinels[0].port
    with ExitStack() as stack:
        forwarders = [Forwarder(sentinel.port) for sentinel in topology.sentinels[1:]]
        for forwarder in forwarders:
            stack.callback(forwarder.close)
        hosts = ",".join(
            f"127.0.0.1:{number}" for number in (port, forwarders[0].port, forwarders[1].port)
        )
        resilient_redis = connect(f"redis+sentinel://{hosts}/{SERVICE}")
        first = used_server(resilient_redis)
        assert first
        for forwarder in forwarders:
            forwarder.stalled = True
        wait_until(lambda: resilient_redis.unavailable, seconds=2)
        topology.fail_over()
        wait_until(lambda: set(topology.primary_ports()) != {old.port})
        assert Redis(port=old.port).set("tests:k", "v"), "it accepts writes"
        time.sleep(1)
        assert resilient_redis.unavailable
        for forwarder in forwarders:
            forwarder.stalled = False
        wait_until(lambda: not resilient_redis.unavailable, seconds=5)
        assert used_server(resilient_redis) not in {None, first}


def test_without_a_majority_of_sentinels_no_primary_is_used(topology: Sentinels) -> None:
    """The others may have promoted a replica. After being suspended, Sentinels promote none for 30 s."""
    resilient_redis = connect(recovered(topology).url)
    assert resilient_redis.outages == 0
    paused = topology.sentinels[:2]
    try:
        paused[0].process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        assert (resilient_redis.unavailable, resilient_redis.outages) == (False, 0), (
            "two of three are a majority"
        )
        paused[1].process.send_signal(signal.SIGSTOP)
        wait_until(lambda: resilient_redis.unavailable, seconds=2)
    finally:
        for sentinel in paused:
            sentinel.process.send_signal(signal.SIGCONT)
    wait_until(lambda: not resilient_redis.unavailable, seconds=5)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (f"/{SERVICE}", "/other", "no primary of that name"),
        ("redis+sentinel", "redis", "leads to a Sentinel: use redis+sentinel://"),
        ("redis+sentinel://", "redis+cluster://", "outside a Redis Cluster"),
    ],
)
def test_a_wrong_url_is_logged_with_its_reason(
    topology: Sentinels, caplog: pytest.LogCaptureFixture, old: str, new: str, reason: str
) -> None:
    url = topology.url.replace(old, new)
    if not url.startswith("redis+sentinel"):
        url = url.partition(",")[0]
    with caplog.at_level(logging.ERROR, "videsk_proxy.redis"):
        resilient_redis = connect(url)
        wait_until(lambda: caplog.messages)
    assert resilient_redis.unavailable
    assert reason in caplog.text


def test_redis_and_sentinel_can_have_different_passwords(tmp_path: Path) -> None:
    with sentinels(tmp_path) as topology:
        for server in topology.servers:
            redis = Redis(port=server.port)
            redis.config_set("masterauth", PASSWORD)
            redis.config_set("requirepass", PASSWORD)
        for sentinel in topology.sentinels:
            run(sentinel, *documented_user(1))
            run(sentinel, "ACL", "SETUSER", "default", "resetpass", f">{PASSWORD}-of-sentinel")
        url = topology.url.replace("//", f"//:{PASSWORD}@")
        assert connect(url).unavailable
        resilient_redis = connect(f"{url}?sentinel_password={PASSWORD}-of-sentinel")
        assert used_server(resilient_redis)
        resilient_redis = connect(f"{url}?sentinel_username=videsk&sentinel_password=PASSWORD")
        assert used_server(resilient_redis)
