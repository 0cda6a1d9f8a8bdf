"""Whose availability a write changes. Pure.

One agent (user) may serve several services: an hour of theirs that is taken or given back is taken
or given back in all of them. The list of services tells who serves what; where it does not tell,
every service is touched, and every user.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

AVAILABILITY = "availability"
"""The group of all dates and hours."""

ALL_AVAILABILITY = frozenset({AVAILABILITY})


def group(kind: str, ident: str) -> str:
    """The group of one service's or user's dates and hours; `kind` in the singular."""
    return f"{kind}:{ident}"


@dataclass(frozen=True)
class Write:
    """What is known of where a write took place: ids, or a service's title."""

    service: str | None = None
    user: str | None = None
    title: str | None = None


def _users(service: Mapping[str, Any]) -> set[str]:
    """Who serves it; nobody where the list tells it in another way than Videsk's page."""
    users = service.get("users")
    if not isinstance(users, list) or not all(isinstance(user, Mapping) for user in users):
        return set()
    ids = {user.get("id") for user in users}
    return {ident for ident in ids if isinstance(ident, str)} if None not in ids else set()


def affected_groups(write: Write, services: Iterable[Mapping[str, Any]] | None) -> frozenset[str]:
    """The groups that a write invalidates; `services` as the list shows them, None if not known."""
    users_of = {str(service.get("id")): _users(service) for service in services or ()}
    booked = {write.service} if write.service else set()
    if write.title is not None:
        booked |= {str(s.get("id")) for s in services or () if s.get("title") == write.title}
    if write.user:
        users = {write.user}
        is_known = users <= set().union(*users_of.values())
    else:  # Videsk has chosen one of theirs
        users = set().union(*(users_of.get(service, set()) for service in booked))
        is_known = bool(booked) and all(users_of.get(service) for service in booked)
    if not is_known:
        return ALL_AVAILABILITY
    sharing = {service for service, its in users_of.items() if not its or its & users}
    return frozenset(
        {group("service", service) for service in booked | sharing}
        | {group("user", user) for user in users}
    )
