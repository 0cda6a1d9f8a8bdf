"""Load with failures: many clients book few slots, time out and retry, while workers are killed.

Afterwards, Videsk's appointments match the responses of the clients: nothing was booked twice or lost.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from tests.client import JOHN, Client, bearer, booking_body, working_day
from tests.processes import Sandbox, ServerProcess, proxy_server
from tests.timing import SERIAL, TIMING

pytestmark = [TIMING, SERIAL]

CLIENTS = 50
SLOTS = 30
SECONDS = 20
FINAL_STATUSES = {201, 409, 504}
"""Final statuses of a key: 201 booked, 409 taken by another client, 504 in doubt."""


@dataclass
class Outcome:
    """The final statuses of one attempt: of its booking, and of its cancellation, if any."""

    booked: int
    canceled: int | None = None


def retry_until_final(
    url: str, body: dict[str, Any], headers: dict[str, str], rng: random.Random
) -> requests.Response:
    """Retry a request with the same key until its status is final. Use random client timeouts."""
    while True:
        timeout = rng.choice((0.05, 0.3, 30))
        try:
            response = requests.post(url, json=body, headers=headers, timeout=timeout)
        except requests.RequestException:
            time.sleep(rng.uniform(0, 0.1))
            continue
        if response.status_code in FINAL_STATUSES | {200, 401}:
            return response
        time.sleep(0.05)


def run_client(
    seed: int, urls: list[str], hours: list[str], end: float, outcomes: dict[str, Outcome]
) -> None:
    """Run one client until the end. It books, and sometimes cancels its booking."""
    rng = random.Random(seed)
    while time.monotonic() < end:
        key, url = uuid4().hex, rng.choice(urls)
        booking = booking_body(rng.choice(hours), f"{key}@example.com")
        path = f"{url}/api/users/{JOHN}/appointments"
        response = retry_until_final(path, booking, {"Idempotency-Key": key}, rng)
        outcomes[key] = Outcome(response.status_code)
        if response.status_code == 201 and rng.random() < 0.7:
            cancel = f"{rng.choice(urls)}/api/appointment/cancel"
            headers = bearer(response.json()["actionToken"]) | {"Idempotency-Key": f"{key}-cancel"}
            canceled = retry_until_final(cancel, {}, headers, rng)
            outcomes[key].canceled = canceled.status_code


def kill_a_worker(server: ServerProcess, rng: random.Random) -> bool:
    """Kill a worker as the kernel does if memory is short. Return whether there was one."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    workers = [int(pid) for pid in children.read_text().split()]
    if workers:
        os.kill(rng.choice(workers), signal.SIGKILL)
    return bool(workers)


def test_under_load_with_failures_nothing_is_booked_twice_or_lost(
    sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    rng = random.Random(7)
    outcomes: dict[str, Outcome] = {}
    redis_url = redis_process.redis_url
    with (
        proxy_server(sandbox, REDIS_URL=redis_url) as instance,
        proxy_server(sandbox, REDIS_URL=redis_url) as other,
    ):
        urls = [instance.url, other.url]
        hours = Client(instance.url).hours("users", JOHN, working_day()).json()[:SLOTS]
        sandbox.fault("delay", seconds=0.1, method="POST")
        end = time.monotonic() + SECONDS
        clients = [
            threading.Thread(target=run_client, args=(seed, urls, hours, end, outcomes))
            for seed in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        killed = 0
        while time.monotonic() < end - 2:
            time.sleep(1.5)
            killed += kill_a_worker(rng.choice([instance, other]), rng)
        for client in clients:
            client.join(timeout=60)
        assert not any(client.is_alive() for client in clients)
    assert killed > 5
    check(outcomes, sandbox.appointments())


def check(outcomes: dict[str, Outcome], appointments: list[dict[str, object]]) -> None:
    """Compare the clients' responses with Videsk's appointments."""
    made = {str(entry["email"]).partition("@")[0]: str(entry["status"]) for entry in appointments}
    assert len(made) == len(appointments), "no idempotency key has booked twice"
    assert set(made) <= set(outcomes), "every booking belongs to a request"
    taken = Counter(entry["startAt"] for entry in appointments if entry["status"] == "pending")
    assert max(taken.values(), default=0) <= 1, "no hour is taken twice"
    for key, outcome in outcomes.items():
        if outcome.booked == 201:
            assert key in made, "a booking with a 201 exists"
        if outcome.booked == 409:
            assert key not in made
        if outcome.canceled == 200:
            assert made[key] == "canceled"
        if outcome.booked == 201 and outcome.canceled is None:
            assert made[key] == "pending"
    results = Counter(outcome.booked for outcome in outcomes.values())
    assert set(results) <= FINAL_STATUSES
    assert any(outcome.canceled == 200 for outcome in outcomes.values())
    assert results[201] > SLOTS, f"the load was heavy enough: {results}"
    assert results[504] < len(outcomes) / 4, f"unknown outcomes are the exception: {results}"
