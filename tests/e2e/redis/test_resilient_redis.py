"""Redis may crash, be slow or reject commands: every call still returns or fails quickly."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from redis import Redis, ResponseError

from common.resilient_redis import (
    CHECK_SECONDS,
    CONNECTIONS,
    SLOW_FOR_SECONDS,
    RedisUnavailableError,
    ResilientRedis,
)
from tests.forwarder import Forwarder
from tests.processes import ServerProcess, free_port, local_redis_url, redis_server
from tests.timing import TIMING

pytestmark = TIMING

IMMEDIATE_SECONDS = 0.05
RECONNECT_SECONDS = 5


def connect(port: int) -> ResilientRedis:
    return ResilientRedis(local_redis_url(port), verify_tls=True)


def wait_until(condition: Callable[[], object], seconds: float = RECONNECT_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def fails_immediately(resilient_redis: ResilientRedis) -> bool:
    started = time.monotonic()
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(resilient_redis.client.ping)
    return time.monotonic() - started < IMMEDIATE_SECONDS


@pytest.fixture
def forwarder(redis_process: ServerProcess) -> Iterator[Forwarder]:
    with closing(Forwarder(redis_process.port)) as forwarder:
        yield forwarder


@contextmanager
def paused(redis: Redis, milliseconds: int) -> Iterator[None]:
    """Stop Redis from responding for `milliseconds`."""
    redis.client_pause(milliseconds)
    try:
        yield
    finally:
        redis.client_unpause()


def test_call_returns_the_result_of_its_action(redis_process: ServerProcess) -> None:
    resilient_redis = connect(redis_process.port)
    assert resilient_redis.call(lambda: resilient_redis.client.set("tests:k", b"v")) is True
    assert resilient_redis.call(lambda: resilient_redis.client.get("tests:k")) == b"v"
    assert (resilient_redis.unavailable, resilient_redis.outages) == (False, 0)


def test_redis_may_be_down_at_startup_and_is_used_when_it_comes_up() -> None:
    port = free_port()
    started = time.monotonic()
    resilient_redis = connect(port)
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(resilient_redis.client.ping)
    assert time.monotonic() - started < 1, (
        "docs/guarantees.md#g6: an outage delays only the first call, by at most a second"
    )
    assert resilient_redis.unavailable
    assert fails_immediately(resilient_redis)
    with redis_server(port):
        wait_until(lambda: not resilient_redis.unavailable)
        assert resilient_redis.call(resilient_redis.client.ping) is True
    assert resilient_redis.outages == 1


def test_no_action_starts_while_redis_is_unavailable(redis_process: ServerProcess) -> None:
    resilient_redis = connect(free_port())
    wait_until(lambda: resilient_redis.unavailable)
    begun: list[int] = []
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(lambda: begun.append(1))
    assert not begun


def test_a_redis_that_dies_is_unavailable_immediately_and_reconnects() -> None:
    port = free_port()
    with redis_server(port):
        resilient_redis = connect(port)
        assert resilient_redis.call(resilient_redis.client.ping) is True
    started = time.monotonic()
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(resilient_redis.client.ping)
    assert time.monotonic() - started < 1
    assert all(fails_immediately(resilient_redis) for _ in range(20))
    with redis_server(port):
        wait_until(lambda: not resilient_redis.unavailable)
        assert resilient_redis.call(resilient_redis.client.ping) is True
    assert resilient_redis.outages == 1


def test_a_write_waits_for_a_redis_that_restarts_and_not_for_one_that_is_gone() -> None:
    port = free_port()
    with redis_server(port):
        resilient_redis = connect(port)
        assert resilient_redis.call(resilient_redis.client.ping) is True
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(resilient_redis.client.ping)
    with redis_server(port):
        assert resilient_redis.wait_for_reconnect()
    wait_until(lambda: resilient_redis.unavailable)
    started = time.monotonic()
    assert not resilient_redis.wait_for_reconnect()
    assert not resilient_redis.wait_for_reconnect(), (
        "a later write in the same outage does not wait"
    )
    assert time.monotonic() - started < 1


def test_a_broken_idle_connection_is_not_an_outage(
    redis: Redis, redis_process: ServerProcess
) -> None:
    resilient_redis = connect(redis_process.port)
    resilient_redis.call(resilient_redis.client.ping)
    redis.client_kill_filter(_type="normal", skipme=True)
    assert resilient_redis.call(resilient_redis.client.ping) is True
    assert resilient_redis.outages == 0


def test_an_outage_ends_after_all_reconnect_actions(
    redis_process: ServerProcess,
) -> None:
    resilient_redis = connect(redis_process.port)
    seen: list[tuple[str, bool]] = []
    may_go_on = threading.Event()

    def ping_slowly(redis: Redis) -> None:
        assert may_go_on.wait(5)
        assert redis.ping()
        seen.append(("second", resilient_redis.unavailable))

    resilient_redis.on_reconnect(lambda redis: seen.append(("first", resilient_redis.unavailable)))
    resilient_redis.on_reconnect(ping_slowly)
    time.sleep(2 * CHECK_SECONDS)
    assert not seen, "there has been no outage yet"
    resilient_redis._mark_unavailable("a test")
    wait_until(lambda: seen)
    assert fails_immediately(resilient_redis)
    may_go_on.set()
    wait_until(lambda: not resilient_redis.unavailable)
    wait_until(lambda: len(seen) == 4)
    assert seen == [("first", True), ("second", True), ("first", False), ("second", False)]


def test_a_failed_reconnect_action_is_retried_before_redis_is_used(
    redis_process: ServerProcess,
) -> None:
    resilient_redis = connect(redis_process.port)
    tries: list[bool] = []

    def fail_once(redis: Redis) -> None:
        tries.append(resilient_redis.unavailable)
        if len(tries) == 1:
            raise ResponseError("no")

    resilient_redis.on_reconnect(fail_once)
    resilient_redis._mark_unavailable("a test")
    wait_until(lambda: not resilient_redis.unavailable)
    wait_until(lambda: len(tries) == 3)
    assert tries == [True, True, False]


def test_an_error_response_of_redis_is_an_outage(redis_process: ServerProcess) -> None:
    resilient_redis = connect(redis_process.port)
    resilient_redis.call(lambda: resilient_redis.client.set("tests:k", b"no list"))
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(lambda: resilient_redis.client.lpush("tests:k", b"x"))
    assert resilient_redis.outages == 1
    wait_until(lambda: not resilient_redis.unavailable)


def test_an_exception_in_the_action_is_not_an_outage(redis_process: ServerProcess) -> None:
    resilient_redis = connect(redis_process.port)
    with pytest.raises(ZeroDivisionError):
        resilient_redis.call(lambda: 1 / 0)
    assert (resilient_redis.unavailable, resilient_redis.outages) == (False, 0)


def test_a_slow_redis_is_unavailable_until_it_is_fast_again(forwarder: Forwarder) -> None:
    resilient_redis = connect(forwarder.port)
    resilient_redis.call(resilient_redis.client.ping)
    forwarder.delay = 0.1
    assert not resilient_redis.unavailable
    wait_until(lambda: resilient_redis.unavailable, SLOW_FOR_SECONDS + 2)
    assert fails_immediately(resilient_redis)
    time.sleep(3 * (CHECK_SECONDS + 0.1))
    assert resilient_redis.unavailable, "still slow"
    forwarder.delay = 0.0
    wait_until(lambda: not resilient_redis.unavailable)
    assert resilient_redis.call(resilient_redis.client.ping) is True
    assert resilient_redis.outages == 1


HEALTH_CHECK_SCRIPT = """
import sys, time
from gevent import monkey
monkey.patch_all()
from gevent.threadpool import ThreadPool
from common import resilient_redis
resilient_redis.CHECK_SECONDS = 0.002
redis = resilient_redis.ResilientRedis(sys.argv[1], verify_tls=True)
redis.call(redis.client.ping)
def compute():
    while True:
        pass
computing = ThreadPool(10)
for _ in range(int(sys.argv[2])):
    computing.spawn(compute)
print("started", flush=True)
sys.stdin.readline()
print(redis.outages, flush=True)
"""
"""Runs a health check nearly all the time. Arguments: URL, and the number of busy greenlet threads."""


@contextmanager
def busy_health_checks(server: ServerProcess, threads: int) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", HEALTH_CHECK_SCRIPT, server.redis_url, str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "started\n"
        yield process
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0\n"
        process.kill()


def test_a_suspended_process_is_not_an_outage(redis_process: ServerProcess) -> None:
    """A host may suspend the process for a while, so that the response to a health check is late."""
    with busy_health_checks(redis_process, 0) as process:
        for _ in range(10):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.6)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.1)


def test_a_busy_process_is_not_an_outage(redis_process: ServerProcess) -> None:
    """Each system call of a health check then has to wait for the other threads."""
    with busy_health_checks(redis_process, 8):
        time.sleep(5)


def test_a_stalled_redis_delays_the_first_call_by_less_than_a_second_and_no_later_one(
    forwarder: Forwarder,
) -> None:
    resilient_redis = connect(forwarder.port)
    resilient_redis.call(resilient_redis.client.ping)
    forwarder.stalled = True
    started = time.monotonic()
    with pytest.raises(RedisUnavailableError):
        resilient_redis.call(resilient_redis.client.ping)
    assert time.monotonic() - started < 1
    assert all(fails_immediately(resilient_redis) for _ in range(20))
    forwarder.stalled = False
    wait_until(lambda: not resilient_redis.unavailable)


def test_no_concurrent_call_to_a_stalled_redis_takes_longer_than_a_second(
    forwarder: Forwarder,
) -> None:
    """There are more calls than connections. Calls that wait for a connection fail with the others."""
    resilient_redis = connect(forwarder.port)
    resilient_redis.call(resilient_redis.client.ping)
    forwarder.stalled = True
    durations: list[float] = []

    def call() -> None:
        started = time.monotonic()
        with pytest.raises(RedisUnavailableError):
            resilient_redis.call(resilient_redis.client.ping)
        durations.append(time.monotonic() - started)

    threads = [threading.Thread(target=call) for _ in range(4 * CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    forwarder.stalled = False
    assert len(durations) == len(threads)
    assert max(durations) < 1
    wait_until(lambda: not resilient_redis.unavailable)


def test_a_redis_that_rejects_writes_is_unavailable(redis: Redis) -> None:
    with redis_server() as server:
        own = Redis(port=server.port)
        resilient_redis = connect(server.port)
        own.config_set("min-replicas-to-write", 1)
        wait_until(lambda: resilient_redis.unavailable)
        own.config_set("min-replicas-to-write", 0)
        wait_until(lambda: not resilient_redis.unavailable)


def test_a_short_pause_of_redis_is_not_an_outage(
    redis: Redis, redis_process: ServerProcess
) -> None:
    resilient_redis = connect(redis_process.port)
    resilient_redis.call(resilient_redis.client.ping)
    with paused(redis, 200):
        assert resilient_redis.call(resilient_redis.client.ping) is True
    assert resilient_redis.outages == 0


def test_another_server_behind_the_same_address_is_an_outage(forwarder: Forwarder) -> None:
    """A failover in which connections break and reconnect within one call."""
    resilient_redis = connect(forwarder.port)
    dropped: list[bool] = []
    resilient_redis.on_reconnect(lambda _: dropped.append(resilient_redis.unavailable))
    resilient_redis.call(lambda: resilient_redis.client.set("tests:k", b"old server"))
    with redis_server() as promoted:
        forwarder.target = promoted.port
        forwarder.break_connections()
        wait_until(lambda: resilient_redis.outages == 1)
        wait_until(lambda: not resilient_redis.unavailable)
        assert resilient_redis.call(lambda: resilient_redis.client.get("tests:k")) is None
        wait_until(lambda: len(dropped) == 2)
    assert dropped == [True, False]


def test_a_connection_to_the_previous_server_is_not_used_again(forwarder: Forwarder) -> None:
    """The old primary still responds. Only the health check has reached the new one."""
    resilient_redis = connect(forwarder.port)
    resilient_redis.call(resilient_redis.client.ping)
    with redis_server() as promoted:
        forwarder.target = promoted.port
        wait_until(lambda: resilient_redis._is_probed)
        resilient_redis._check_client.connection_pool.disconnect()
        wait_until(lambda: resilient_redis.outages == 1)
        wait_until(lambda: not resilient_redis.unavailable)
        resilient_redis.call(lambda: resilient_redis.client.set("tests:k", b"v"))
        assert Redis(port=promoted.port).get("tests:k") == b"v"
    assert resilient_redis.outages == 1


def test_a_broken_connection_to_the_same_server_is_not_an_outage(forwarder: Forwarder) -> None:
    resilient_redis = connect(forwarder.port)
    resilient_redis.call(resilient_redis.client.ping)
    forwarder.break_connections()
    assert resilient_redis.call(resilient_redis.client.ping) is True
    time.sleep(2 * CHECK_SECONDS)
    assert resilient_redis.outages == 0


def test_an_outage_starts_at_the_last_response(forwarder: Forwarder) -> None:
    resilient_redis = connect(forwarder.port)
    resilient_redis.call(resilient_redis.client.ping)
    forwarder.stalled = True
    stalled_at = time.monotonic()
    wait_until(lambda: resilient_redis.unavailable)
    forwarder.stalled = False
    assert stalled_at - CHECK_SECONDS - 0.1 < resilient_redis.last_response_at <= stalled_at + 0.1
    wait_until(lambda: not resilient_redis.unavailable)


@pytest.mark.parametrize("missing", ["mget", "evalsha", "info", "lpop"])
def test_a_missing_redis_permission_is_logged_once_and_redis_stays_unavailable(
    missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server() as server:
        admin = Redis(port=server.port)
        everything_else = ["+@all", f"-{missing}"]
        admin.acl_setuser(
            "app", enabled=True, passwords="+pass", keys="*", commands=everything_else
        )
        resilient_redis = ResilientRedis(
            f"redis://app:pass@127.0.0.1:{server.port}", verify_tls=True
        )
        wait_until(lambda: resilient_redis.unavailable)
        time.sleep(5 * CHECK_SECONDS)
        assert (resilient_redis.unavailable, resilient_redis.outages) == (True, 1)
        reasons = [text for text in caplog.messages if "has no permission to run" in text]
        assert len(reasons) == 1
        assert missing in reasons[0]
        admin.acl_setuser("app", enabled=True, keys="*", commands=[f"+{missing}"])
        wait_until(lambda: not resilient_redis.unavailable)


def test_a_cluster_node_is_rejected_with_a_reason(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with redis_server(None, "--cluster-enabled", "yes", "--dir", str(tmp_path)) as server:
        resilient_redis = connect(server.port)
        wait_until(lambda: resilient_redis.unavailable)
        time.sleep(3 * CHECK_SECONDS)
        assert (resilient_redis.unavailable, resilient_redis.outages) == (True, 1)
    assert sum("use redis+cluster://" in text for text in caplog.messages) == 1


def test_maintenance_notifications_do_not_extend_timeouts(redis_process: ServerProcess) -> None:
    """With them, redis-py would raise the timeout from 0.7 s to 10 s."""
    resilient_redis = connect(redis_process.port)
    pool = resilient_redis.client.connection_pool
    assert not pool.maint_notifications_enabled()  # type: ignore[no-untyped-call]  # redis-py's
