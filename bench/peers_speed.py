"""Compare this proxy with peers and baselines: hits, hits on many keys, 304s, misses and memory.

All servers run at the same time, but are measured in turn: each round measures each server once, in
a different order. A ratio is the median of the ratios of all rounds. Before the measurement, each
server has to return what Videsk returns. The last rows show requests to Videsk and responses that
were not hits.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import NamedTuple

import requests

from bench import load, read_paths, servers, wrk
from bench.memory import tree_cpu_seconds
from bench.misses import TARGET as MISS_TARGET
from bench.report import Row, milliseconds
from bench.servers import ORIGIN, PEERS, PROXY, SERVERS, Candidate
from bench.wrk import WrkResult
from tests.client import bearer
from tests.processes import Sandbox, ServerProcess, redis_server, sandbox_server

ROUNDS = 5
SECONDS = 2
KEYS = 10_000
FILL_SECONDS = 180
WARM_SECONDS = 10
"""Warm-up with many keys, so that each process has filled its own cache."""

MISSES = 200

ONE_KEY, MANY_KEYS, UNCHANGED = "Hits on one key", f"Hits on {KEYS:,} keys", "304s"
BROWSER = "Hits with a browser's headers"
HEADERS = {BROWSER: wrk.CHROMIUM | {"Origin": ORIGIN, "Referer": f"{ORIGIN}/"}}
"""Extra headers of a load."""

TARGETS = {
    "an empty WSGI application": "≥ 1.3",
    "bare Flask": "≥ 2.0",
    "the tutorial's version": "≥ 8",
    "FastAPI": "≥ 5",
    "Express": "≥ 2.0",
    "Fastify": "≥ 1.0",
}
"""Targets for hits with a browser's headers: this proxy relative to each server."""

Round = Mapping[tuple[str, str], WrkResult]
"""Results by the name of the load and of the server."""


class _Anomalies(NamedTuple):
    """What should not happen for hits, and the CPU time, by server."""

    sent: Counter[str]
    """Requests to Videsk."""
    wrong: Counter[str]
    """Responses with an error, or with another length than a hit or a 304."""
    cpu: dict[str, list[float]]
    """CPU seconds per hit with a browser's headers, Redis included, in each round."""


def measure() -> list[Row]:
    """Measure two workers of each server, with Redis if it uses Redis."""
    if not shutil.which("wrk"):
        return [Row("Not measured: hits beside the peers", "not installed: wrk")]
    path = f"/api/{read_paths.months(1)[0]}"
    many = [f"/api/{path}" for path in read_paths.days(KEYS // 5)]
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        servers.start_all([*SERVERS], sandbox, redis.port, **read_paths.TTLS) as candidates,
    ):
        peers = [each for each in candidates if each.name in PEERS]
        for each in peers:
            _check(each, sandbox)
            load.run(each.port, many, len(many), FILL_SECONDS)
            wrk.run(each.port, many, WARM_SECONDS)
        loads = {
            (load_name, each.name): [path]
            for load_name in (ONE_KEY, BROWSER)
            for each in candidates
        }
        loads |= {(MANY_KEYS, each.name): many for each in peers}
        loads |= {(UNCHANGED, each.name): [f"{path} {_etag(each, path)}"] for each in peers}
        loads = {key: paths for key, paths in loads.items() if not paths[0].endswith(" ")}
        anomalies = _Anomalies(Counter(), Counter(), defaultdict(list))
        rounds = [
            _round(sandbox, redis, candidates, number, loads, anomalies) for number in range(ROUNDS)
        ]
        misses = _misses(sandbox, peers)
        memory = {each.name: each.megabytes() for each in candidates}
    return [
        *_ratios(rounds, BROWSER, TARGETS),
        *(
            Row(f"CPU time per hit with a browser's headers: {name}", f"{median(cpu) * 1e6:.0f} µs")
            for name, cpu in anomalies.cpu.items()
        ),
        *_ratios(rounds, ONE_KEY, {}),
        *_many_to_one(rounds),
        *_ratios(rounds, MANY_KEYS, {}),
        *_ratios(rounds, UNCHANGED, {}),
        *(
            Row(f"{UNCHANGED}: {each.name}", "none: it sends no ETag")
            for each in peers
            if (UNCHANGED, each.name) not in loads
        ),
        *misses,
        *_memory(memory),
        Row("Requests to Videsk during all of these hits", _by_name(anomalies.sent), "0"),
        Row("Responses with an error, or not a hit", _by_name(anomalies.wrong), "0"),
        *servers.not_measured([*SERVERS]),
    ]


def _check(each: Candidate, sandbox: Sandbox) -> None:
    """Check that it returns what Videsk returns, with CORS headers."""
    key = bearer(sandbox.keys["backend"])
    for path in (read_paths.months(1)[0], read_paths.days(5)[-1]):
        url = f"{sandbox.url}/public/video-contact-center/{path}"
        videsk_availability = requests.get(url, headers=key, timeout=10).json()
        response = each.get(f"/api/{path}", Origin=ORIGIN)
        if response.status_code != 200 or response.json() != videsk_availability:
            raise ValueError(
                f"{each.name} responds to {path} with {response.status_code} {response.text}"
            )
        if response.headers.get("Access-Control-Allow-Origin") != ORIGIN:
            raise ValueError(f"{each.name} does not allow pages of {ORIGIN}")


def _etag(each: Candidate, path: str) -> str:
    """Return the ETag that gives a 304, or an empty string if the server sends no 304."""
    etag = each.get(path).headers.get("ETag", "")
    unchanged = etag and each.get(path, **{"If-None-Match": etag}).status_code == 304
    return etag if unchanged else ""


def _round(
    sandbox: Sandbox,
    redis: ServerProcess,
    candidates: Sequence[Candidate],
    number: int,
    loads: Mapping[tuple[str, str], Sequence[str]],
    anomalies: _Anomalies,
) -> Round:
    measured: dict[tuple[str, str], WrkResult] = {}
    for each in servers.rotate(candidates, number):
        body = len(each.get(loads[ONE_KEY, each.name][0]).content)
        for load_name in (ONE_KEY, BROWSER, MANY_KEYS, UNCHANGED):
            if (load_name, each.name) in loads:
                sandbox.clear_request_log()
                before = each.cpu_seconds() + tree_cpu_seconds(redis.process.pid)
                done = wrk.run(
                    each.port, loads[load_name, each.name], SECONDS, HEADERS.get(load_name)
                )
                after = each.cpu_seconds() + tree_cpu_seconds(redis.process.pid)
                if load_name == BROWSER:
                    anomalies.cpu[each.name].append((after - before) / done.responses)
                anomalies.sent[each.name] += len(sandbox.request_log())
                anomalies.wrong[each.name] += done.errors
                measured[load_name, each.name] = done
        if measured[ONE_KEY, each.name].mean_length <= body:
            anomalies.wrong[each.name] += measured[ONE_KEY, each.name].responses
        if (unchanged := measured.get((UNCHANGED, each.name))) and (
            unchanged.mean_length > measured[ONE_KEY, each.name].mean_length - body / 2
        ):
            anomalies.wrong[each.name] += unchanged.responses
    return measured


def _ratios(rounds: Sequence[Round], load_name: str, targets: Mapping[str, str]) -> list[Row]:
    """Compare this proxy with all other servers under this load."""
    return [
        Row(
            f"{load_name}: {PROXY} to {name}",
            _ratio(rounds, (load_name, PROXY), (load_name, name)),
            targets.get(name, ""),
        )
        for load_, name in rounds[0]
        if load_ == load_name and name != PROXY
    ]


def _many_to_one(rounds: Sequence[Round]) -> list[Row]:
    return [
        Row(
            f"{name}: {MANY_KEYS.lower()} to one",
            _ratio(rounds, (MANY_KEYS, name), (ONE_KEY, name)),
            "≥ 0.9" if name == PROXY else "",
        )
        for load_, name in rounds[0]
        if load_ == MANY_KEYS
    ]


def _ratio(rounds: Sequence[Round], own: tuple[str, str], other: tuple[str, str]) -> str:
    ratios = [round_[own].per_second / round_[other].per_second for round_ in rounds]
    figures = (median(round_[which].per_second for round_ in rounds) for which in (own, other))
    each = " to ".join(f"{figure:,.0f}" for figure in figures)
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); {each} requests/s"


def _misses(sandbox: Sandbox, peers: Sequence[Candidate]) -> list[Row]:
    """Send reads with different keys directly to the sandbox and to each server."""
    direct = f"{sandbox.url}/public/video-contact-center/"
    bases = {"": direct} | {each.name: f"{each.server.url}/api/" for each in peers}
    sessions = {name: requests.Session() for name in bases}
    for session in sessions.values():
        session.trust_env = False
    sessions[""].headers.update(bearer(sandbox.keys["backend"]))
    elapsed: dict[str, list[float]] = {name: [] for name in bases}
    for number, path in enumerate(read_paths.months(MISSES // 5 + 1)[5:]):
        names = [*bases]
        for name in names[number % len(names) :] + names[: number % len(names)]:
            requested_at = perf_counter()
            response = sessions[name].get(bases[name] + path, timeout=10)
            elapsed[name].append(perf_counter() - requested_at)
            response.raise_for_status()
    for session in sessions.values():
        session.close()
    added = {name: median(elapsed[name]) - median(elapsed[""]) for name in bases if name}
    return [
        Row(
            f"What a miss adds to Videsk's {milliseconds(median(elapsed['']))}: {name}",
            milliseconds(seconds),
            MISS_TARGET if name == PROXY else "",
        )
        for name, seconds in added.items()
    ]


def _by_name(anomalies: Counter[str]) -> str:
    return ", ".join(f"{number} by {name}" for name, number in anomalies.items() if number) or "0"


def _memory(memory: Mapping[str, float]) -> list[Row]:
    return [
        Row(
            f"Memory of all processes (PSS) after these loads: {PROXY} to {name}",
            f"{memory[PROXY] / megabytes:.2f}; {memory[PROXY]:.0f} MB to {megabytes:.0f} MB",
        )
        for name, megabytes in memory.items()
        if name != PROXY
    ]
