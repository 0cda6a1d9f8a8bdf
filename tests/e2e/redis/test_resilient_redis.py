"""A Redis that may die, be slow or be refused: every call ends soon or immediately."""

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
from tests.timing import SERIAL, TIMING

pytestmark = [TIMING, SERIAL]

AT_ONCE_SECONDS = 0.05
BACK_SECONDS = 5


def link_to(port: int) -> ResilientRedis:
    return ResilientRedis(local_redis_url(port), verify_tls=True)


def until(what: Callable[[], object], seconds: float = BACK_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def is_away_at_once(link: ResilientRedis) -> bool:
    started = time.monotonic()
    with pytest.raises(RedisUnavailableError):
        link.call(link.client.ping)
    return time.monotonic() - started < AT_ONCE_SECONDS


@pytest.fixture
def road(redis_process: ServerProcess) -> Iterator[Forwarder]:
    with closing(Forwarder(redis_process.port)) as forwarder:
        yield forwarder


@contextmanager
def frozen(redis: Redis, milliseconds: int) -> Iterator[None]:
    """Redis does not respond for so many seconds."""
    redis.client_pause(milliseconds)
    try:
        yield
    finally:
        redis.client_unpause()


def test_a_call_answers_what_its_action_returns(redis_process: ServerProcess) -> None:
    link = link_to(redis_process.port)
    assert link.call(lambda: link.client.set("tests:k", b"v")) is True
    assert link.call(lambda: link.client.get("tests:k")) == b"v"
    assert (link.unavailable, link.outages) == (False, 0)


def test_a_refused_port_at_the_start_costs_nothing_and_is_picked_up_once_it_is_there() -> None:
    port = free_port()
    started = time.monotonic()
    link = link_to(port)
    with pytest.raises(RedisUnavailableError):
        link.call(link.client.ping)
    assert time.monotonic() - started < 1, (
        "docs/guarantees.md#g6: after the first second it costs nothing"
    )
    assert link.unavailable
    assert is_away_at_once(link)
    with redis_server(port):
        until(lambda: not link.unavailable)
        assert link.call(link.client.ping) is True
    assert link.outages == 1


def test_no_action_starts_while_redis_is_unavailable(redis_process: ServerProcess) -> None:
    link = link_to(free_port())
    until(lambda: link.unavailable)
    begun: list[int] = []
    with pytest.raises(RedisUnavailableError):
        link.call(lambda: begun.append(1))
    assert not begun


def test_a_redis_that_dies_is_unavailable_immediately_and_reconnects() -> None:
    port = free_port()
    with redis_server(port):
        link = link_to(port)
        assert link.call(link.client.ping) is True
    started = time.monotonic()
    with pytest.raises(RedisUnavailableError):
        link.call(link.client.ping)
    assert time.monotonic() - started < 1
    assert all(is_away_at_once(link) for _ in range(20))
    with redis_server(port):
        until(lambda: not link.unavailable)
        assert link.call(link.client.ping) is True
    assert link.outages == 1


def test_a_write_waits_for_a_redis_that_restarts_and_not_for_one_that_is_gone() -> None:
    port = free_port()
    with redis_server(port):
        link = link_to(port)
        assert link.call(link.client.ping) is True
    with pytest.raises(RedisUnavailableError):
        link.call(link.client.ping)
    with redis_server(port):
        assert link.wait_for_reconnect()
    until(lambda: link.unavailable)
    started = time.monotonic()
    assert not link.wait_for_reconnect()
    assert not link.wait_for_reconnect(), "a later write in the same outage does not wait"
    assert time.monotonic() - started < 1


def test_an_idle_connection_that_broke_costs_no_loss(
    redis: Redis, redis_process: ServerProcess
) -> None:
    link = link_to(redis_process.port)
    link.call(link.client.ping)
    redis.client_kill_filter(_type="normal", skipme=True)
    assert link.call(link.client.ping) is True
    assert link.outages == 0


def test_an_outage_ends_after_all_reconnect_actions(
    redis_process: ServerProcess,
) -> None:
    link = link_to(redis_process.port)
    seen: list[tuple[str, bool]] = []
    may_go_on = threading.Event()

    def slowly(redis: Redis) -> None:
        assert may_go_on.wait(5)
        assert redis.ping()
        seen.append(("second", link.unavailable))

    link.on_reconnect(lambda redis: seen.append(("first", link.unavailable)))
    link.on_reconnect(slowly)
    time.sleep(2 * CHECK_SECONDS)
    assert not seen, "there has been no loss yet"
    link._mark_unavailable("a test")
    until(lambda: seen)
    assert is_away_at_once(link)
    may_go_on.set()
    until(lambda: not link.unavailable)
    until(lambda: len(seen) == 4)
    assert seen == [("first", True), ("second", True), ("first", False), ("second", False)]


def test_a_failed_reconnect_action_is_retried_before_redis_is_used(
    redis_process: ServerProcess,
) -> None:
    link = link_to(redis_process.port)
    tries: list[bool] = []

    def fail_once(redis: Redis) -> None:
        tries.append(link.unavailable)
        if len(tries) == 1:
            raise ResponseError("no")

    link.on_reconnect(fail_once)
    link._mark_unavailable("a test")
    until(lambda: not link.unavailable)
    until(lambda: len(tries) == 3)
    assert tries == [True, True, False]


def test_an_error_of_redis_s_is_a_loss(redis_process: ServerProcess) -> None:
    link = link_to(redis_process.port)
    link.call(lambda: link.client.set("tests:k", b"no list"))
    with pytest.raises(RedisUnavailableError):
        link.call(lambda: link.client.lpush("tests:k", b"x"))
    assert link.outages == 1
    until(lambda: not link.unavailable)


def test_a_fault_of_the_proxy_is_not_counted(redis_process: ServerProcess) -> None:
    link = link_to(redis_process.port)
    with pytest.raises(ZeroDivisionError):
        link.call(lambda: 1 / 0)
    assert (link.unavailable, link.outages) == (False, 0)


def test_a_slow_redis_is_unavailable_until_it_is_fast_again(road: Forwarder) -> None:
    link = link_to(road.port)
    link.call(link.client.ping)
    road.delay = 0.1
    assert not link.unavailable
    until(lambda: link.unavailable, SLOW_FOR_SECONDS + 2)
    assert is_away_at_once(link)
    time.sleep(3 * (CHECK_SECONDS + 0.1))
    assert link.unavailable, "as long as it is slow"
    road.delay = 0.0
    until(lambda: not link.unavailable)
    assert link.call(link.client.ping) is True
    assert link.outages == 1


CHECKING = """
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
"""Nearly always in a health check. The argument: threads that compute without a pause."""


@contextmanager
def checking(server: ServerProcess, threads: int) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", CHECKING, server.redis_url, str(threads)],
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


def test_a_suspended_process_is_no_outage(redis_process: ServerProcess) -> None:
    """A host may suspend it for some time. The response of a health check is late then."""
    with checking(redis_process, 0) as process:
        for _ in range(10):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.6)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.1)


def test_a_busy_process_is_no_outage(redis_process: ServerProcess) -> None:
    """Each system call of a health check then waits for the other threads."""
    with checking(redis_process, 8):
        time.sleep(5)


def test_a_mute_redis_holds_a_call_up_for_less_than_a_second_and_no_second_one(
    road: Forwarder,
) -> None:
    link = link_to(road.port)
    link.call(link.client.ping)
    road.mute = True
    started = time.monotonic()
    with pytest.raises(RedisUnavailableError):
        link.call(link.client.ping)
    assert time.monotonic() - started < 1
    assert all(is_away_at_once(link) for _ in range(20))
    road.mute = False
    until(lambda: not link.unavailable)


def test_of_many_calls_at_a_mute_redis_none_waits_longer_than_a_second(road: Forwarder) -> None:
    """There are fewer connections than calls: calls that wait for one fail with the others."""
    link = link_to(road.port)
    link.call(link.client.ping)
    road.mute = True
    took: list[float] = []

    def call() -> None:
        started = time.monotonic()
        with pytest.raises(RedisUnavailableError):
            link.call(link.client.ping)
        took.append(time.monotonic() - started)

    threads = [threading.Thread(target=call) for _ in range(4 * CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    road.mute = False
    assert len(took) == len(threads)
    assert max(took) < 1
    until(lambda: not link.unavailable)


def test_a_redis_that_takes_no_writes_is_of_no_use(redis: Redis) -> None:
    with redis_server() as server:
        own = Redis(port=server.port)
        link = link_to(server.port)
        own.config_set("min-replicas-to-write", 1)
        until(lambda: link.unavailable)
        own.config_set("min-replicas-to-write", 0)
        until(lambda: not link.unavailable)


def test_a_redis_that_pauses_a_moment_is_not_lost(
    redis: Redis, redis_process: ServerProcess
) -> None:
    link = link_to(redis_process.port)
    link.call(link.client.ping)
    with frozen(redis, 200):
        assert link.call(link.client.ping) is True
    assert link.outages == 0


def test_another_server_behind_the_same_address_is_a_loss(road: Forwarder) -> None:
    """A failover whose connections break and come back within one call."""
    link = link_to(road.port)
    dropped: list[bool] = []
    link.on_reconnect(lambda _: dropped.append(link.unavailable))
    link.call(lambda: link.client.set("tests:k", b"of the first"))
    with redis_server() as promoted:
        road.target = promoted.port
        road.break_connections()
        until(lambda: link.outages == 1)
        until(lambda: not link.unavailable)
        assert link.call(lambda: link.client.get("tests:k")) is None
        until(lambda: len(dropped) == 2)
    assert dropped == [True, False]


def test_a_connection_to_the_server_of_before_is_not_used_again(road: Forwarder) -> None:
    """The old primary still answers; only the watch has found the new one."""
    link = link_to(road.port)
    link.call(link.client.ping)
    with redis_server() as promoted:
        road.target = promoted.port
        until(lambda: link._is_probed)
        link._check_client.connection_pool.disconnect()
        until(lambda: link.outages == 1)
        until(lambda: not link.unavailable)
        link.call(lambda: link.client.set("tests:k", b"v"))
        assert Redis(port=promoted.port).get("tests:k") == b"v"
    assert link.outages == 1


def test_a_broken_connection_to_the_same_server_is_no_loss(road: Forwarder) -> None:
    link = link_to(road.port)
    link.call(link.client.ping)
    road.break_connections()
    assert link.call(link.client.ping) is True
    time.sleep(2 * CHECK_SECONDS)
    assert link.outages == 0


def test_a_loss_counts_from_the_last_answer(road: Forwarder) -> None:
    link = link_to(road.port)
    link.call(link.client.ping)
    road.mute = True
    answered = time.monotonic()
    until(lambda: link.unavailable)
    road.mute = False
    assert answered - CHECK_SECONDS - 0.1 < link.last_response_at <= answered + 0.1
    until(lambda: not link.unavailable)


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
        link = ResilientRedis(f"redis://app:pass@127.0.0.1:{server.port}", verify_tls=True)
        until(lambda: link.unavailable)
        time.sleep(5 * CHECK_SECONDS)
        assert (link.unavailable, link.outages) == (True, 1)
        reasons = [text for text in caplog.messages if "has no permission to run" in text]
        assert len(reasons) == 1
        assert missing in reasons[0]
        admin.acl_setuser("app", enabled=True, keys="*", commands=[f"+{missing}"])
        until(lambda: not link.unavailable)


def test_a_node_of_a_cluster_is_refused_with_a_reason(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with redis_server(None, "--cluster-enabled", "yes", "--dir", str(tmp_path)) as server:
        link = link_to(server.port)
        until(lambda: link.unavailable)
        time.sleep(3 * CHECK_SECONDS)
        assert (link.unavailable, link.outages) == (True, 1)
    assert sum("use redis+cluster://" in text for text in caplog.messages) == 1


def test_no_maintenance_notification_makes_a_call_wait_longer(redis_process: ServerProcess) -> None:
    """redis-py would raise the timeout of 0.7 s to 10 s."""
    link = link_to(redis_process.port)
    pool = link.client.connection_pool
    assert not pool.maint_notifications_enabled()  # type: ignore[no-untyped-call]  # redis-py's
