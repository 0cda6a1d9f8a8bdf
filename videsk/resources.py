"""What differs between a service and a user is a row here, not a branch anywhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceKind:
    """`plural` is its word in paths, `singular` in Videsk's booking path and error messages."""

    plural: str
    singular: str


SERVICES = ResourceKind("services", "service")
USERS = ResourceKind("users", "user")
