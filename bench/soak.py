"""Ten minutes of mixed traffic, with Redis and a worker killed in turn every 30 s.

Not part of `python -m bench` without a name: `python -m bench soak`. SOAK_SECONDS makes it shorter.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import requests

from bench.figures import Row
from bench.memory import proportional_megabytes
from tests.client import JOHN, MARK, Client, bearer, working_day
from tests.processes import (
    ServerProcess,
    free_port,
    local_redis_url,
    proxy_server,
    redis_server,
    sandbox_server,
)

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
KILL_EVERY_SECONDS = 30
REDIS_AWAY_SECONDS = 4
READERS = 12
PAUSE_SECONDS = 0.02


def measure() -> list[Row]:
    """Errors, memory and connections, at the start (after the first 30 s) and at the end."""
    redis_port = free_port()
    redis_url = local_redis_url(redis_port)
    seen: Counter[str] = Counter()
    over = threading.Event()
    with sandbox_server() as sandbox, ExitStack() as redis:
        redis.enter_context(redis_server(redis_port))
        with proxy_server(sandbox, REDIS_URL=redis_url, VIDESK_RATE_LIMIT="20") as proxy:
            users = [
                threading.Thread(target=use, args=(Client(proxy.url), seed, over, seen))
                for seed in range(READERS)
            ]
            for user in users:
                user.start()
            time.sleep(KILL_EVERY_SECONDS)
            first = state(proxy)
            _kill_in_turn(proxy, redis, redis_port, time.monotonic() + SECONDS)
            last = state(proxy)
            over.set()
            for user in users:
                user.join()
    reads = seen["read"]
    return [
        Row(
            f"Soak, {SECONDS} s: cached reads",
            f"{reads}, {seen['5xx']} with a 5xx",
            "0",
        ),
        Row("Soak: reads cut off by a worker's death", str(seen["cut"])),
        Row("Soak: bookings made and canceled", f"{seen['booked']}, {seen['canceled']}"),
        Row("Soak: PSS of the workers, first and last", f"{first[0]}; {last[0]}", "flat"),
        Row("Soak: open sockets of the workers, first and last", f"{first[1]}; {last[1]}", "flat"),
    ]


def use(client: Client, seed: int, over: threading.Event, seen: Counter[str]) -> None:
    """Read what is cached; sometimes book and cancel."""
    chance = random.Random(seed)
    day = working_day()
    while not over.wait(PAUSE_SECONDS):
        user = chance.choice((JOHN, MARK))
        try:
            if chance.random() < 0.003:
                _book_and_cancel(client, user, day, chance, seen)
                continue
            seen["read"] += 1
            seen["5xx"] += _read(client, user, day, chance).status_code >= 500
        except requests.RequestException:
            seen["cut"] += 1


def _read(client: Client, user: str, day: str, chance: random.Random) -> requests.Response:
    match chance.randrange(3):
        case 0:
            return client.get("/api/services")
        case 1:
            return client.dates("users", user, day[:7])
        case _:
            return client.hours("users", user, day)


def _book_and_cancel(
    client: Client, user: str, day: str, chance: random.Random, seen: Counter[str]
) -> None:
    hours = client.hours("users", user, day).json()
    booked = client.book("users", user, chance.choice(hours))
    if booked.status_code == 201:
        seen["booked"] += 1
        token = bearer(booked.json()["actionToken"])
        response = client.post("/api/appointment/cancel", {}, headers=token)
        seen["canceled"] += response.status_code == 200


def _kill_in_turn(proxy: ServerProcess, redis: ExitStack, redis_port: int, end: float) -> None:
    """A worker, then Redis, which is away for a moment, and so on until the end."""
    kills_redis = False
    while time.monotonic() < end:
        if kills_redis:
            redis.close()
            time.sleep(REDIS_AWAY_SECONDS)
            redis.enter_context(redis_server(redis_port))
        else:
            os.kill(_workers(proxy)[0], signal.SIGKILL)
        kills_redis = not kills_redis
        time.sleep(max(0.0, min(KILL_EVERY_SECONDS, end - time.monotonic())))


def state(proxy: ServerProcess) -> tuple[str, str]:
    """The PSS and the number of open sockets of each worker."""
    sockets = [
        sum("socket:" in str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir())
        for pid in _workers(proxy)
    ]
    return ", ".join(proportional_megabytes(proxy.process.pid)), ", ".join(map(str, sockets))


def _workers(proxy: ServerProcess) -> list[int]:
    pid = proxy.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
