"""Ten minutes of mixed traffic. Every 30 s, either a worker or Redis is killed, alternately.

Run it with `python -m bench soak`. SOAK_SECONDS sets a shorter duration.
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

from bench.memory import proportional_megabytes
from bench.report import Row
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
    """Measure errors, and memory and connections after the first 30 s and at the end."""
    redis_port = free_port()
    redis_url = local_redis_url(redis_port)
    counts: Counter[str] = Counter()
    stop = threading.Event()
    with sandbox_server() as sandbox, ExitStack() as redis:
        redis.enter_context(redis_server(redis_port))
        with proxy_server(sandbox, REDIS_URL=redis_url, VIDESK_RATE_LIMIT="20") as proxy:
            users = [
                threading.Thread(target=run_client, args=(Client(proxy.url), seed, stop, counts))
                for seed in range(READERS)
            ]
            for user in users:
                user.start()
            time.sleep(KILL_EVERY_SECONDS)
            first = state(proxy)
            _kill_in_turn(proxy, redis, redis_port, time.monotonic() + SECONDS)
            last = state(proxy)
            stop.set()
            for user in users:
                user.join()
    reads = counts["read"]
    return [
        Row(
            f"Soak, {SECONDS} s: cached reads",
            f"{reads}, {counts['5xx']} with a 5xx",
            "0",
        ),
        Row("Soak: reads cut off by a worker's death", str(counts["cut"])),
        Row("Soak: bookings made and canceled", f"{counts['booked']}, {counts['canceled']}"),
        Row("Soak: PSS of the workers, first and last", f"{first[0]}; {last[0]}", "flat"),
        Row("Soak: open sockets of the workers, first and last", f"{first[1]}; {last[1]}", "flat"),
    ]


def run_client(client: Client, seed: int, stop: threading.Event, counts: Counter[str]) -> None:
    """Send cached reads, and sometimes book and cancel."""
    rng = random.Random(seed)
    day = working_day()
    while not stop.wait(PAUSE_SECONDS):
        user = rng.choice((JOHN, MARK))
        try:
            if rng.random() < 0.003:
                _book_and_cancel(client, user, day, rng, counts)
                continue
            counts["read"] += 1
            counts["5xx"] += _read(client, user, day, rng).status_code >= 500
        except requests.RequestException:
            counts["cut"] += 1


def _read(client: Client, user: str, day: str, rng: random.Random) -> requests.Response:
    match rng.randrange(3):
        case 0:
            return client.get("/api/services")
        case 1:
            return client.dates("users", user, day[:7])
        case _:
            return client.hours("users", user, day)


def _book_and_cancel(
    client: Client, user: str, day: str, rng: random.Random, counts: Counter[str]
) -> None:
    hours = client.hours("users", user, day).json()
    booked = client.book("users", user, rng.choice(hours))
    if booked.status_code == 201:
        counts["booked"] += 1
        token = bearer(booked.json()["actionToken"])
        response = client.post("/api/appointment/cancel", {}, headers=token)
        counts["canceled"] += response.status_code == 200


def _kill_in_turn(proxy: ServerProcess, redis: ExitStack, redis_port: int, end: float) -> None:
    """Alternately kill a worker, and restart Redis with a pause of REDIS_AWAY_SECONDS."""
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
    """Return the PSS and the number of open sockets of each worker."""
    sockets = [
        sum("socket:" in os.path.realpath(fd) for fd in Path(f"/proc/{pid}/fd").iterdir())
        for pid in _workers(proxy)
    ]
    return ", ".join(proportional_megabytes(proxy.process.pid)), ", ".join(map(str, sockets))


def _workers(proxy: ServerProcess) -> list[int]:
    pid = proxy.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
