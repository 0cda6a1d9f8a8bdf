"""A Prometheus with ops/alerts.yml, in whose rules time runs faster."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.e2e.local_prometheus import prometheus_server
from tests.e2e.test_alerts import RULES

FOR_SECONDS = 10
STEP_SECONDS = 1
PREFIX = "VideskProxy"


class Firing(NamedTuple):
    """`start`: when an alert began to fire, in seconds since the epoch."""

    alert: str
    start: float


class Prometheus:
    """Reads the firing alerts of a Prometheus server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def active(self) -> bool:
        """Return whether an alert fires now."""
        return bool(self._get("query"))

    def firings(self, start: float, end: float) -> list[Firing]:
        firings = []
        for series in self._get("query_range", start=start, end=end, step=STEP_SECONDS):
            name, before = series["metric"]["alertname"].removeprefix(PREFIX), 0.0
            for at, _ in series["values"]:
                if at - before > 2 * STEP_SECONDS:
                    firings.append(Firing(name, at))
                before = at
        return firings

    def _get(self, path: str, **parameters: float) -> list[dict[str, Any]]:
        query: dict[str, Any] = {"query": 'ALERTS{alertstate="firing"}', **parameters}
        response = requests.get(f"{self._url}/api/v1/{path}", params=query, timeout=10)
        response.raise_for_status()
        result: list[dict[str, Any]] = response.json()["data"]["result"]
        return result


def shorten(rules: str) -> str:
    """Return the rules with hours as minutes, minutes as seconds, and `for:` as FOR_SECONDS."""
    rules = re.sub(r"\[(\d+)m\]", r"[\1s]", rules)
    rules = re.sub(r"\[(\d+)h\]", r"[\1m]", rules)
    return re.sub(r"\bfor: \d+m", f"for: {FOR_SECONDS}s", rules)


@contextmanager
def prometheus(folder: Path, ports: Sequence[int]) -> Iterator[Prometheus]:
    """Run it with shortened rules for the instances on these ports."""
    rules = folder / "alerts.yml"
    rules.write_text(shorten(RULES.read_text(encoding="utf-8")))
    jobs = {"videsk-proxy": ports}
    with prometheus_server(folder, rules, jobs, "2s", f"{STEP_SECONDS}s") as server:
        yield Prometheus(server.url)
