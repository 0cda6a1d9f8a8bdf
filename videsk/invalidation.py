"""Invalidation: which groups of cached availability a write affects. Pure functions.

A user (agent) may serve several services, so an hour that a write takes or frees changes in all of
them. The list of services shows who serves what. If it does not, all availability is affected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

AVAILABILITY = "availability"
"""The group of all dates and hours."""

ALL_AVAILABILITY = frozenset({AVAILABILITY})


def group(kind: str, ident: str) -> str:
    """Return the group of one service's or user's dates and hours. `kind`: in the singular."""
    return f"{kind}:{ident}"


@dataclass(frozen=True)
class Write:
    """What is known about a write: ids, or a service's title."""

    service: str | None = None
    user: str | None = None
    title: str | None = None


def _users(service: Mapping[str, Any]) -> set[str]:
    """Return the ids of the service's users; none if they are not listed as Videsk documents."""
    users = service.get("users")
    if not isinstance(users, list) or not all(isinstance(user, Mapping) for user in users):
        return set()
    ids = {user.get("id") for user in users}
    return {ident for ident in ids if isinstance(ident, str)} if None not in ids else set()


def affected_groups(write: Write, services: Iterable[Mapping[str, Any]] | None) -> frozenset[str]:
    """Return the groups that a write invalidates. `services`: the list, None if it is unknown."""
    users_of = {str(service.get("id")): _users(service) for service in services or ()}
    booked = {write.service} if write.service else set()
    if write.title is not None:
        booked |= {str(s.get("id")) for s in services or () if s.get("title") == write.title}
    if write.user:
        users = {write.user}
        is_known = users <= set().union(*users_of.values())
    else:  # Videsk picked one of the services' users
        users = set().union(*(users_of.get(service, set()) for service in booked))
        is_known = bool(booked) and all(users_of.get(service) for service in booked)
    if not is_known:
        return ALL_AVAILABILITY
    sharing = {service for service, theirs in users_of.items() if not theirs or theirs & users}
    return frozenset(
        {group("service", service) for service in booked | sharing}
        | {group("user", user) for user in users}
    )
