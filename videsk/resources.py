"""Bookable resources: everything that differs between services and users."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceKind:
    """`plural` is used in paths, `singular` in Videsk's booking path and in error messages."""

    plural: str
    singular: str


SERVICES = ResourceKind("services", "service")
USERS = ResourceKind("users", "user")
