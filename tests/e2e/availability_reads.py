"""Read dates and hours of related and unrelated services and users, and check what was invalidated."""

import requests

from tests.client import (
    AUTOMATIC_SERVICE,
    FIRST_SERVICE,
    JOHN,
    MARK,
    SHARING_SERVICE,
    ZONE,
    Client,
    bearer,
)
from tests.days import YEAR
from tests.e2e.fleet import Fleet, client_of_each_worker
from tests.processes import Sandbox

DAY = f"{YEAR}-05-06"
SLOT, LATER = f"{YEAR}-05-06T14:00:00.000Z", f"{YEAR}-05-06T20:00:00.000Z"
UNRELATED_SERVICE, ELENA = "63bdbf49394aad976d4aa443", "63bdbf3b25ab497401602d0d"
CAMILA = "63bdbf3b25ab497401602d08"
"""Serves SHARING_SERVICE, like MARK."""

KINDS = {
    FIRST_SERVICE: "services",
    SHARING_SERVICE: "services",
    AUTOMATIC_SERVICE: "services",
    UNRELATED_SERVICE: "services",
    JOHN: "users",
    MARK: "users",
    CAMILA: "users",
    ELENA: "users",
}
AFFECTED_BY_JOHN = {JOHN, FIRST_SERVICE, AUTOMATIC_SERVICE}
"""Users and services whose availability a booking with JOHN changes.

AUTOMATIC_SERVICE lists no users, so it may include him.
"""
AFFECTED_BY_FIRST_SERVICE = AFFECTED_BY_JOHN | {MARK, SHARING_SERVICE}


READS = [("hours", ident) for ident in KINDS] + [
    ("dates", ident) for ident in (FIRST_SERVICE, UNRELATED_SERVICE)
]


def read_all_availability(client: Client) -> dict[tuple[str, str], object]:
    """Return dates and hours of each service and user from the proxy."""
    responses = {
        (read, ident): getattr(client, read)(KINDS[ident], ident, DAY) for read, ident in READS
    }
    assert {response.status_code for response in responses.values()} == {200}
    return {name: response.json() for name, response in responses.items()}


def videsk_availability(sandbox: Sandbox) -> dict[tuple[str, str], object]:
    """Return dates and hours of each service and user from Videsk."""
    first = {"dates": f"{YEAR}-05-01T04:00:00.000Z", "hours": f"{YEAR}-05-06T04:00:00.000Z"}
    return {
        (read, ident): requests.get(
            f"{sandbox.url}/public/video-contact-center/{KINDS[ident]}/{ident}/{read}",
            {"date": first[read], "timezone": ZONE},
            headers=bearer(sandbox.keys["backend"]),
            timeout=10,
        ).json()
        for read, ident in READS
    }


def reads_sent(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Return the dates and hours that the proxy requested from Videsk."""
    reads = [str(entry["path"]).split("/") for entry in sandbox.request_log()]
    return [(read, ident) for *_, ident, read in reads if read in {"dates", "hours"}]


def assert_invalidated_everywhere(fleet: Fleet, sandbox: Sandbox, affected: set[str]) -> None:
    """Check that every worker returns the current availability, starting with the other instance.

    Affected reads reach Videsk once for all workers. No other read does.
    """
    current = videsk_availability(sandbox)
    sandbox.clear_request_log()
    for server in reversed(fleet.instances):
        for client in client_of_each_worker(server):
            assert read_all_availability(client) == current
    sent = reads_sent(sandbox)
    assert len(sent) == len(set(sent)), "each read once for all workers"
    assert set(sent) == {(read, ident) for read, ident in READS if ident in affected}
