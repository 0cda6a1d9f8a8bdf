"""The value and the source of each setting, without secrets."""

import re
from collections.abc import Iterator, Set
from dataclasses import Field, fields
from typing import Any
from urllib.parse import urlsplit

from common import redis_url
from doctor.findings import Finding, ok
from settings import Settings


def check(settings: Settings, named: Set[str]) -> Iterator[Finding]:
    """Yield a finding for each setting; `named`: those set in the environment."""
    for setting in fields(settings):
        name = setting.name.upper()
        source = "environment" if name in named else "default"
        yield ok(name, f"{_shown(setting, getattr(settings, setting.name))} ({source})")


def _shown(setting: Field[Any], value: Any) -> str:
    if value is None or value == ():
        return "none"
    if setting.name == "redis_url":
        return address(value)
    if not setting.repr:
        return "set, not shown"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def address(url: str) -> str:
    """Return the addresses in a Redis URL, without what may be a password in it."""
    parsed = redis_url.parse(url)
    if not parsed.seeds:
        return _server(url)
    scheme = url.partition("://")[0]  # urlsplit rejects several hosts, some of them IPv6
    hosts = ",".join(_server(seed).partition("://")[2] for seed in parsed.seeds)
    return f"{scheme}://{hosts}" + (f"/{parsed.service}" if parsed.service else "")


def _server(server: str) -> str:
    url = urlsplit(server)
    if url.scheme == "unix":
        return f"unix://{url.path}" if url.path.startswith("/") and not url.netloc else "unix://***"
    if not url.hostname or url.fragment or not re.fullmatch(r"/?[0-9]*", url.path):
        return f"{url.scheme}://***"
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}:{url.port or 6379}"
