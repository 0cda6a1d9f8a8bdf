"""A storm: many book few slots, give up and retry, while workers are killed under them.

The sandbox's appointments match the responses that clients got: nothing was booked twice or lost.
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
SETTLED = {201, 409, 504}
"""Final statuses of a key: 201 booked, 409 taken by another client, 504 in doubt."""


@dataclass
class Outcome:
    """The final responses of one attempt: of its booking, and of its cancellation if it tried."""

    booked: int
    canceled: int | None = None


def insist(
    url: str, body: dict[str, Any], headers: dict[str, str], chance: random.Random
) -> requests.Response:
    """Send the same request under the same key until it is settled; give up waiting at random."""
    while True:
        patience = chance.choice((0.05, 0.3, 30))
        try:
            response = requests.post(url, json=body, headers=headers, timeout=patience)
        except requests.RequestException:
            time.sleep(chance.uniform(0, 0.1))
            continue
        if response.status_code in SETTLED | {200, 401}:
            return response
        time.sleep(0.05)


def weather(
    seed: int, urls: list[str], hours: list[str], end: float, outcomes: dict[str, Outcome]
) -> None:
    """One client: books, and now and then cancels what it has booked, until the end."""
    chance = random.Random(seed)
    while time.monotonic() < end:
        key, url = uuid4().hex, chance.choice(urls)
        booking = booking_body(chance.choice(hours), f"{key}@example.com")
        path = f"{url}/api/users/{JOHN}/appointments"
        response = insist(path, booking, {"Idempotency-Key": key}, chance)
        outcomes[key] = Outcome(response.status_code)
        if response.status_code == 201 and chance.random() < 0.7:
            cancel = f"{chance.choice(urls)}/api/appointment/cancel"
            headers = bearer(response.json()["actionToken"]) | {"Idempotency-Key": f"{key}-cancel"}
            canceled = insist(cancel, {}, headers, chance)
            outcomes[key].canceled = canceled.status_code


def kill_a_worker(server: ServerProcess, chance: random.Random) -> bool:
    """As the kernel does when memory is short; whether there was one."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    workers = [int(pid) for pid in children.read_text().split()]
    if workers:
        os.kill(chance.choice(workers), signal.SIGKILL)
    return bool(workers)


def test_in_a_storm_nothing_happens_twice_and_nothing_is_lost(
    sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    chance = random.Random(7)
    outcomes: dict[str, Outcome] = {}
    redis_url = redis_process.redis_url
    with (
        proxy_server(sandbox, REDIS_URL=redis_url) as one,
        proxy_server(sandbox, REDIS_URL=redis_url) as other,
    ):
        urls = [one.url, other.url]
        hours = Client(one.url).hours("users", JOHN, working_day()).json()[:SLOTS]
        sandbox.fault("delay", seconds=0.1, method="POST")
        end = time.monotonic() + SECONDS
        clients = [
            threading.Thread(target=weather, args=(seed, urls, hours, end, outcomes))
            for seed in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        killed = 0
        while time.monotonic() < end - 2:
            time.sleep(1.5)
            killed += kill_a_worker(chance.choice([one, other]), chance)
        for client in clients:
            client.join(timeout=60)
        assert not any(client.is_alive() for client in clients)
    assert killed > 5
    check(outcomes, sandbox.appointments())


def check(outcomes: dict[str, Outcome], ledger: list[dict[str, object]]) -> None:
    """Compare the clients' responses with Videsk's appointments."""
    made = {str(entry["email"]).partition("@")[0]: str(entry["status"]) for entry in ledger}
    assert len(made) == len(ledger), "no key booked twice"
    assert set(made) <= set(outcomes), "nothing was booked without a request"
    taken = Counter(entry["startAt"] for entry in ledger if entry["status"] == "pending")
    assert max(taken.values(), default=0) <= 1, "no hour is taken twice"
    for key, what in outcomes.items():
        if what.booked == 201:
            assert key in made, "a booking with a 201 exists"
        if what.booked == 409:
            assert key not in made
        if what.canceled == 200:
            assert made[key] == "canceled"
        if what.booked == 201 and what.canceled is None:
            assert made[key] == "pending"
    results = Counter(what.booked for what in outcomes.values())
    assert set(results) <= SETTLED
    assert any(what.canceled == 200 for what in outcomes.values())
    assert results[201] > SLOTS, f"the storm was a real one: {results}"
    assert results[504] < len(outcomes) / 4, f"doubt is the exception: {results}"
