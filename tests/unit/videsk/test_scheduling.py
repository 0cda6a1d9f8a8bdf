"""Reads go through the cache, and each write invalidates what it changes."""

from typing import Any

import pytest

from cache.freshness import FreshnessPolicy
from cache.near_cache import NearCache
from cache.read_through import ReadThroughCache
from cache.store import process_store
from tests.fakes import NoInstrumentation
from videsk.errors import (
    VideskFailedError,
    VideskInvalidResponseError,
    VideskResponseError,
    VideskTimeoutError,
    VideskUnreachableError,
)
from videsk.resources import SERVICES, USERS, ResourceKind
from videsk.scheduling import MAX_PAGES, Scheduling
from videsk.transport import Request

S1, S2, U1, U2 = (letter * 24 for letter in "abcd")
LIST = [
    {"_id": S1, "title": "One", "users": [{"_id": U1}]},
    {"_id": S2, "title": "Two", "users": [{"_id": U2}]},
]


class Day:
    name = "2026-12-01"
    zone = "UTC"


DAY: Any = Day()


class Videsk:
    """A client of Videsk that returns `responses` by path, or else an empty list."""

    def __init__(self, **responses: Any) -> None:
        self.responses: dict[str, Any] = {"/services": LIST} | responses
        self.sent: list[Request] = []

    def send(self, request: Request, seconds: float) -> Any:
        self.sent.append(request)
        response = self.responses.get(request.path, [])
        if isinstance(response, Exception):
            raise response
        return response(request) if callable(response) else response

    def promote(self, client: str, what: str) -> None: ...


@pytest.fixture
def videsk() -> Videsk:
    return Videsk()


@pytest.fixture
def scheduling(videsk: Any) -> Scheduling:
    store, policy = process_store(), FreshnessPolicy(60, 60)
    near_cache: NearCache[Any] = NearCache(store.current_version)
    cache = ReadThroughCache(None, store, near_cache, NoInstrumentation())
    return Scheduling(videsk, cache, dict.fromkeys(("services", "dates", "hours"), policy))


def hours(scheduling: Scheduling, kind: ResourceKind, ident: str) -> str:
    return scheduling.hours(kind, ident, DAY, "2026-12-01T00:00:00.000Z").cache_status


def read_all(scheduling: Scheduling) -> None:
    scheduling.services()
    for kind, ident in ((SERVICES, S1), (SERVICES, S2), (USERS, U1), (USERS, U2)):
        hours(scheduling, kind, ident)


def invalidated(scheduling: Scheduling) -> set[str]:
    """Return which of the four schedules are fetched again."""
    kinds = {S1: SERVICES, S2: SERVICES, U1: USERS, U2: USERS}
    return {
        ident
        for ident, kind in kinds.items()
        if hours(scheduling, kind, ident).startswith("fwd=miss")
    }


def test_a_read_is_sent_once_and_then_cached(scheduling: Scheduling, videsk: Videsk) -> None:
    videsk.responses[f"/users/{U1}/dates"] = ["2026-12-01T00:00:00.000Z"]
    for _ in range(2):
        result = scheduling.dates(USERS, U1, DAY, "2026-12-01T00:00:00.000Z")
        assert result.body == b'["2026-12-01T00:00:00.000Z"]'
    (request,) = videsk.sent
    assert request.params == {"date": "2026-12-01T00:00:00.000Z", "timezone": "UTC"}


def test_ids_are_renamed_and_a_service_has_users(scheduling: Scheduling, videsk: Videsk) -> None:
    videsk.responses["/services"] = [{"_id": S1, "title": "One"}]
    assert scheduling.services().body == b'[{"id":"%b","title":"One","users":[]}]' % S1.encode()


def test_all_pages_are_fetched(scheduling: Scheduling, videsk: Videsk) -> None:
    def page(request: Request) -> dict[str, Any]:
        skip = int((request.params or {}).get("$skip", 0))
        return {"data": LIST[skip : skip + 1], "total": 2}

    videsk.responses["/services"] = page
    assert scheduling.services().body.count(b'"title"') == 2
    assert [request.params for request in videsk.sent] == [None, {"$skip": 1}]


def test_endless_pages_are_an_error(scheduling: Scheduling, videsk: Videsk) -> None:
    videsk.responses["/services"] = {"data": [LIST[0]], "total": 10**9}
    with pytest.raises(VideskInvalidResponseError):
        scheduling.services()
    assert len(videsk.sent) == MAX_PAGES


@pytest.mark.parametrize("response", [{}, "text", {"data": 1}, [1], None])
def test_another_format_of_the_list_is_an_error(
    scheduling: Scheduling, videsk: Videsk, response: Any
) -> None:
    videsk.responses["/services"] = response
    with pytest.raises(VideskInvalidResponseError):
        scheduling.services()


def test_a_form_is_an_object_and_each_version_is_cached_separately(
    scheduling: Scheduling, videsk: Videsk
) -> None:
    videsk.responses["/forms/f"] = {"_id": "f"}
    for version in ("base", "contact", "base"):
        assert scheduling.form("f", version).body == b'{"id":"f"}'
    assert [request.params for request in videsk.sent] == [
        {"version": "base"},
        {"version": "contact"},
    ]
    videsk.responses["/forms/g"] = []
    with pytest.raises(VideskInvalidResponseError):
        scheduling.form("g", "base")


BY_SERVICE = {S1, U1}
"""What a booking of S1 invalidates. U1 is its only agent."""


@pytest.mark.parametrize(
    ("outcome", "changed"),
    [
        ({"_id": "x"}, BY_SERVICE),
        (VideskResponseError(409, b"{}", None, {}), BY_SERVICE),
        (VideskResponseError(500, b"{}", None, {}), BY_SERVICE),
        (VideskTimeoutError(outcome_unknown=True), BY_SERVICE),
        (VideskResponseError(400, b"{}", None, {}), set()),
        (VideskUnreachableError(), set()),
    ],
)
def test_a_write_invalidates_what_it_may_have_changed(
    scheduling: Scheduling, videsk: Videsk, outcome: Any, changed: set[str]
) -> None:
    read_all(scheduling)
    videsk.responses[f"/schedule/service/{S1}"] = outcome
    if isinstance(outcome, Exception):
        with pytest.raises(type(outcome)):
            scheduling.book(SERVICES, S1, {})
    else:
        assert scheduling.book(SERVICES, S1, {"a": 1}) == b'{"id":"x"}'
        assert (videsk.sent[-1].method, videsk.sent[-1].body) == ("POST", {"a": 1})
    assert invalidated(scheduling) == changed


def test_a_booking_by_user_names_its_service(scheduling: Scheduling, videsk: Videsk) -> None:
    read_all(scheduling)
    videsk.responses[f"/schedule/user/{U2}"] = {}
    scheduling.book(USERS, U2, {"service": S2})
    assert invalidated(scheduling) == {S2, U2}


@pytest.mark.parametrize(
    ("response", "changed"), [({"service": "Two"}, {S2, U2}), ({}, {S1, S2, U1, U2})]
)
@pytest.mark.parametrize("method", ["cancel", "reschedule"])
def test_a_change_by_token_invalidates_the_service_in_the_response_or_everything(
    scheduling: Scheduling, videsk: Videsk, method: str, response: Any, changed: set[str]
) -> None:
    read_all(scheduling)
    videsk.responses[f"/schedule/{method}"] = response
    getattr(scheduling, method)("a.b.c", {})
    assert videsk.sent[-1].token == "a.b.c"
    assert invalidated(scheduling) == changed


def test_a_change_elsewhere_invalidates_without_a_request(
    scheduling: Scheduling, videsk: Videsk
) -> None:
    read_all(scheduling)
    sent = len(videsk.sent)
    scheduling.invalidate_availability(S1, U1)
    assert len(videsk.sent) == sent
    assert invalidated(scheduling) == {S1, U1}


def test_an_appointment_is_never_cached(scheduling: Scheduling, videsk: Videsk) -> None:
    videsk.responses["/schedule/info"] = {"_id": "x"}
    for _ in range(2):
        assert scheduling.appointment("a.b.c") == b'{"id":"x"}'
    assert len(videsk.sent) == 2
    assert {request.token for request in videsk.sent} == {"a.b.c"}


def test_a_failed_read_is_not_cached(scheduling: Scheduling, videsk: Videsk) -> None:
    videsk.responses["/services"] = VideskUnreachableError()
    with pytest.raises(VideskFailedError):
        scheduling.services()
    videsk.responses["/services"] = LIST
    assert scheduling.services().cache_status == "fwd=miss; stored"
