"""Parsers of single values: from the text in the environment to the value in Settings."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from common import redis_url
from common.origins import ANY, parse_origin

T = TypeVar("T")

VISIBLE = r"[\x21-\x7e]+"
_SECRET = re.compile(r"[\x21-\x7e]{8,}")


class SettingsError(SystemExit):
    """A setting is wrong. Python prints the one line and exits with status 1."""

    def __init__(self, line: str) -> None:
        super().__init__(f"videsk-proxy cannot start: {line}")


@dataclass(frozen=True)
class Parser(Generic[T]):
    """`must`: what a value must be, for the error. `parse` raises ValueError for any other text."""

    must: str
    parse: Callable[[str], T]


def text(must: str, pattern: str = r".+") -> Parser[str]:
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError
        return value

    return Parser(must, parse)


def choice(*choices: str) -> Parser[str]:
    must = ", ".join(choices[:-1]) + f" or {choices[-1]}"
    return Parser(must, lambda value: choices[choices.index(value.lower())])


def whole_number(minimum: int, maximum: int) -> Parser[int]:
    """ASCII digits only: int() would also take `1_000` and `+5`."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", value) or not minimum <= int(value) <= maximum:
            raise ValueError
        return int(value)

    return Parser(f"a whole number from {minimum} to {maximum}", parse)


def seconds(minimum: float, maximum: int) -> Parser[float]:
    def parse(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", value):
            raise ValueError
        if not minimum <= float(value) <= maximum:
            raise ValueError
        return float(value)

    return Parser(f"a number of seconds from {minimum} to {maximum}", parse)


def _parse_boolean(value: str) -> bool:
    return ("false", "true").index(value.lower()) == 1


def _parse_url(value: str) -> str:
    value = _parse_any_http_url(value)
    url = urlsplit(value)
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise ValueError
    return value


def _parse_any_http_url(value: str) -> str:
    url = urlsplit(value)
    odd = url.username is not None or url.port == 0 or re.search(r"[\s\\?#]", value)
    if url.scheme not in {"https", "http"} or not url.hostname or odd:
        raise ValueError
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parse_redis_url(value: str) -> str:
    redis_url.parse(value)
    return value


def _parse_origins(value: str) -> tuple[str, ...]:
    if value == ANY:
        return (ANY,)
    origins = [parse_origin(part.strip()) for part in value.split(",")]
    if not all(origins):
        raise ValueError
    return tuple(origin for origin in origins if origin)


def _parse_secrets(value: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in value.split(","))
    if len(secrets) > 2 or not all(map(_SECRET.fullmatch, secrets)):
        raise ValueError
    return secrets


BOOLEAN = Parser("true or false", _parse_boolean)
URL = Parser("an https URL without a query (plain http only to a loopback host)", _parse_url)
ANY_HTTP_URL = Parser("an http or https URL without a user name or a query", _parse_any_http_url)
REDIS_URL = Parser(
    "a redis://, rediss:// or unix:// URL, or one such as "
    "redis+sentinel://host,host,host/service or redis+cluster://host,host,host",
    _parse_redis_url,
)
ORIGINS = Parser(
    "* or comma-separated origins, such as https://shop.example,http://localhost:3000",
    _parse_origins,
)
RATE = text(
    "a number of requests per second, minute, hour or day, such as 600/minute",
    r"[1-9][0-9]{0,8}/(second|minute|hour|day)",
)
SECRETS = Parser(
    "at least 8 visible ASCII characters, or two such values separated by a comma", _parse_secrets
)
"""One value of a secret, or two during a rotation. They are long because clients can guess."""
