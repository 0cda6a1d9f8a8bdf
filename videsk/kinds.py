"""What differs between a service and a user is a row here, not a branch anywhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`plural` is its word in paths, `singular` in Videsk's booking path and error messages."""

    plural: str
    singular: str


SERVICES = Kind("services", "service")
USERS = Kind("users", "user")
