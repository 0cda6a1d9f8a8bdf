"""The faults, in the order in which they happen, with what begins and ends each of them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import time
from typing import NamedTuple
from urllib.parse import urlencode

from redis import Redis

from bench import crowd
from bench.game_day.scene import Scene
from bench.game_day.visitors import Request
from tests.client import JOHN
from tests.days import YEAR
from tests.e2e import attacks
from tests.e2e.fleet import wait_until

CROWD = 500


class Fault(NamedTuple):
    """`alert`: the one that has to fire. Others may."""

    name: str
    happen: Callable[[Scene], AbstractContextManager[None]]
    seconds: float
    alert: str = ""


@contextmanager
def calm(_scene: Scene) -> Iterator[None]:
    yield


@contextmanager
def fail_redis_over(scene: Scene) -> Iterator[None]:
    """Kill the primary. It comes back as a replica of the other one."""
    old = scene.redis.primary()
    scene.kill_redis(old)
    yield
    scene.start_redis(old.port, scene.redis.primary().port)
    wait_until(scene.redis.is_replicated, seconds=30)


@contextmanager
def kill_redis(scene: Scene) -> Iterator[None]:
    """Kill both servers. They come back empty."""
    primary = scene.redis.primary()
    others = [server for server in scene.redis.servers if server is not primary]
    scene.kill_redis(primary, *others)
    yield
    scene.start_redis(primary.port)
    for server in others:
        scene.start_redis(server.port, primary.port)
    wait_until(scene.redis.is_replicated, seconds=30)


@contextmanager
def fill_redis(scene: Scene) -> Iterator[None]:
    """Allow it less memory than it uses, so that it rejects writes."""
    with Redis(port=scene.redis.primary().port) as redis:
        before = redis.config_get("maxmemory")
        redis.config_set("maxmemory", "1")
        yield
        redis.config_set("maxmemory", before["maxmemory"])


@contextmanager
def fail_videsk(*faults: dict[str, object], scene: Scene) -> Iterator[None]:
    for fault in faults:
        scene.sandbox.control("POST", "faults", fault)
    yield
    scene.sandbox.control("DELETE", "faults")


def videsk(*faults: dict[str, object]) -> Callable[[Scene], AbstractContextManager[None]]:
    """These faults of the sandbox, of which the first that matches applies."""
    return lambda scene: fail_videsk(*faults, scene=scene)


@contextmanager
def kill_a_worker(scene: Scene) -> Iterator[None]:
    for instance in scene.instances:
        os.kill(instance.workers()[0], signal.SIGKILL)
    yield


@contextmanager
def deploy(scene: Scene, key: str = "") -> Iterator[None]:
    """Restart one instance after the other, with another key if given."""
    for instance in scene.instances:
        if key:
            instance.environ["VIDESK_API_KEY"] = scene.sandbox.keys[key]
        instance.restart()
    yield


@contextmanager
def meet_a_crowd(scene: Scene) -> Iterator[None]:
    """Many clients read the same day at the same time, which is not cached. Then another day."""
    for day in range(20, 25):
        query = urlencode({"date": f"{YEAR}-05-{day}", "timezone": "UTC"})
        began, port = time(), scene.instances[day % 2].port
        for result in crowd.send_all(port, [f"/api/users/{JOHN}/hours?{query}"] * CROWD):
            is_stale = result.cache_status.endswith("stale")
            scene.crowd.append(Request(began, result.seconds, result.status, True, is_stale, None))
    yield


@contextmanager
def attack(scene: Scene, seconds: float) -> Iterator[None]:
    with attacks.run_attack(attacks.slow_bodies, scene.instances[0].port, seconds):
        yield


SECONDS = 20
ATTACK_SECONDS = 25
GARBAGE = {"fault": "nan", "method": "POST", "after": True}
"""The booking is made, but its response is no JSON."""
UNANSWERED = {"fault": "hang", "method": "POST", "after": True, "seconds": 10}

FAULTS = (
    Fault("none", calm, SECONDS),
    Fault("a deploy, one instance after the other", deploy, 0),
    Fault("a rotation of the key", partial(deploy, key="rotated"), 0),
    Fault(f"a crowd: 5 times {CROWD} clients", meet_a_crowd, 0),
    Fault(
        f"a slow-client attack: {attacks.OPEN_CONNECTIONS} slow bodies",
        partial(attack, seconds=ATTACK_SECONDS),
        ATTACK_SECONDS - 1,
    ),
    Fault("a worker of each instance killed", kill_a_worker, 5, "WorkerCrashed"),
    Fault("Redis failed over: primary killed", fail_redis_over, SECONDS),
    Fault("Redis killed: primary and replica", kill_redis, SECONDS, "RedisUnavailable"),
    Fault("Redis filled", fill_redis, SECONDS, "RedisUnavailable"),
    Fault(
        "Videsk rejects the key",
        videsk({"fault": "status", "status": 401, "body": {}}),
        SECONDS,
        "KeyRejected",
    ),
    Fault(
        "Videsk refuses: 503",
        videsk({"fault": "status", "status": 503, "body": {}}),
        SECONDS,
        "CircuitOpen",
    ),
    Fault("Videsk lies: HTML and NaN", videsk(GARBAGE, {"fault": "html"}), SECONDS, "ErrorShare"),
    Fault("Videsk hangs", videsk(UNANSWERED, {"fault": "hang", "seconds": 10}), 25, "CircuitOpen"),
)
