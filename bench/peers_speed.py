"""This proxy beside its peers and the floors: hits, hits on many keys, 304s, misses and memory.

All run at the same time and take turns: a round measures each once, in another order each time, and
a ratio is the median of those within the rounds. Before it is measured each has to answer what
Videsk answers. A round with requests to Videsk, or in which an answer was none of a hit, shows in
the last lines.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import NamedTuple

import requests

from bench import load, read_paths, servers, wrk
from bench.figures import Row, milliseconds
from bench.memory import family_cpu_seconds
from bench.misses import TARGET as MISS_TARGET
from bench.servers import KINDS, ORIGIN, PEERS, PROXY, Contestant
from bench.wrk import Done
from tests.client import bearer
from tests.processes import Sandbox, ServerProcess, redis_server, sandbox_server

ROUNDS = 5
SECONDS = 2
KEYS = 10_000
FILL_SECONDS = 180
WARM_SECONDS = 10
"""With the many keys, so that each process has filled its own cache."""

MISSES = 200

ONE, MANY, UNCHANGED = "Hits on one key", f"Hits on {KEYS:,} keys", "304s"
BROWSER = "Hits with a browser's headers"
HEADERS = {BROWSER: wrk.CHROMIUM | {"Origin": ORIGIN, "Referer": f"{ORIGIN}/"}}
"""Of the loads that send more than a bare request."""

TARGETS = {
    "an empty WSGI application": "≥ 1.3",
    "bare Flask": "≥ 2.0",
    "the tutorial's version": "≥ 8",
    "FastAPI": "≥ 5",
    "Express": "≥ 2.0",
    "Fastify": "≥ 1.0",
}
"""For hits with a browser's headers, this proxy to each."""

Round = Mapping[tuple[str, str], Done]
"""By the name of the load and of who was measured."""


class _Strays(NamedTuple):
    """What no hit should bring, by who was measured."""

    sent: Counter[str]
    """Requests to Videsk."""
    wrong: Counter[str]
    """Answers with an error, or of another length than a hit's or a 304's."""
    cpu: dict[str, list[float]]
    """CPU seconds per hit with a browser's headers, Redis included, in each round."""


def measure() -> list[Row]:
    """Two workers each, on a Redis where they use one."""
    if not shutil.which("wrk"):
        return [Row("Not measured: hits beside the peers", "not installed: wrk")]
    path = f"/api/{read_paths.months(1)[0]}"
    many = [f"/api/{path}" for path in read_paths.days(KEYS // 5)]
    with (
        redis_server() as redis,
        sandbox_server() as sandbox,
        servers.all_started([*KINDS], sandbox, redis.port, **read_paths.TTLS) as all_,
    ):
        peers = [each for each in all_ if each.name in PEERS]
        for each in peers:
            _check(each, sandbox)
            load.run(each.port, many, len(many), FILL_SECONDS)
            wrk.run(each.port, many, WARM_SECONDS)
        loads = {(what, each.name): [path] for what in (ONE, BROWSER) for each in all_}
        loads |= {(MANY, each.name): many for each in peers}
        loads |= {(UNCHANGED, each.name): [f"{path} {_etag(each, path)}"] for each in peers}
        loads = {key: paths for key, paths in loads.items() if not paths[0].endswith(" ")}
        strays = _Strays(Counter(), Counter(), defaultdict(list))
        rounds = [_round(sandbox, redis, all_, number, loads, strays) for number in range(ROUNDS)]
        misses = _misses(sandbox, peers)
        memory = {each.name: each.megabytes() for each in all_}
    return [
        *_ratios(rounds, BROWSER, TARGETS),
        *(
            Row(f"CPU time per hit with a browser's headers: {name}", f"{median(cpu) * 1e6:.0f} µs")
            for name, cpu in strays.cpu.items()
        ),
        *_ratios(rounds, ONE, {}),
        *_many_to_one(rounds),
        *_ratios(rounds, MANY, {}),
        *_ratios(rounds, UNCHANGED, {}),
        *(
            Row(f"{UNCHANGED}: {each.name}", "none: it sends no ETag")
            for each in peers
            if (UNCHANGED, each.name) not in loads
        ),
        *misses,
        *_memory(memory),
        Row("Requests to Videsk during all of these hits", _by_name(strays.sent), "0"),
        Row("Answers with an error, or none of a hit", _by_name(strays.wrong), "0"),
        *servers.not_measured([*KINDS]),
    ]


def _check(each: Contestant, sandbox: Sandbox) -> None:
    """It answers what Videsk does, to a page of the one origin."""
    key = bearer(sandbox.keys["backend"])
    for path in (read_paths.months(1)[0], read_paths.days(5)[-1]):
        url = f"{sandbox.url}/public/video-contact-center/{path}"
        videsk_availability = requests.get(url, headers=key, timeout=10).json()
        response = each.get(f"/api/{path}", Origin=ORIGIN)
        if response.status_code != 200 or response.json() != videsk_availability:
            raise ValueError(
                f"{each.name} answers {path} by {response.status_code} {response.text}"
            )
        if response.headers.get("Access-Control-Allow-Origin") != ORIGIN:
            raise ValueError(f"{each.name} lets no page of {ORIGIN} read its answer")


def _etag(each: Contestant, path: str) -> str:
    """By which it answers 304; empty where it does not."""
    etag = each.get(path).headers.get("ETag", "")
    unchanged = etag and each.get(path, **{"If-None-Match": etag}).status_code == 304
    return etag if unchanged else ""


def _round(
    sandbox: Sandbox,
    redis: ServerProcess,
    all_: Sequence[Contestant],
    number: int,
    loads: Mapping[tuple[str, str], Sequence[str]],
    strays: _Strays,
) -> Round:
    measured: dict[tuple[str, str], Done] = {}
    for each in servers.in_turn(all_, number):
        body = len(each.get(loads[ONE, each.name][0]).content)
        for what in (ONE, BROWSER, MANY, UNCHANGED):
            if (what, each.name) in loads:
                sandbox.clear_request_log()
                before = each.cpu_seconds() + family_cpu_seconds(redis.process.pid)
                done = wrk.run(each.port, loads[what, each.name], SECONDS, HEADERS.get(what))
                after = each.cpu_seconds() + family_cpu_seconds(redis.process.pid)
                if what == BROWSER:
                    strays.cpu[each.name].append((after - before) / done.answers)
                strays.sent[each.name] += len(sandbox.request_log())
                strays.wrong[each.name] += done.errors
                measured[what, each.name] = done
        if measured[ONE, each.name].mean_length <= body:
            strays.wrong[each.name] += measured[ONE, each.name].answers
        if (unchanged := measured.get((UNCHANGED, each.name))) and (
            unchanged.mean_length > measured[ONE, each.name].mean_length - body / 2
        ):
            strays.wrong[each.name] += unchanged.answers
    return measured


def _ratios(rounds: Sequence[Round], what: str, targets: Mapping[str, str]) -> list[Row]:
    """This proxy to all others that were measured under this load."""
    return [
        Row(
            f"{what}: {PROXY} to {name}",
            _ratio(rounds, (what, PROXY), (what, name)),
            targets.get(name, ""),
        )
        for load_, name in rounds[0]
        if load_ == what and name != PROXY
    ]


def _many_to_one(rounds: Sequence[Round]) -> list[Row]:
    return [
        Row(
            f"{name}: {MANY.lower()} to one",
            _ratio(rounds, (MANY, name), (ONE, name)),
            "≥ 0.9" if name == PROXY else "",
        )
        for load_, name in rounds[0]
        if load_ == MANY
    ]


def _ratio(rounds: Sequence[Round], ours: tuple[str, str], theirs: tuple[str, str]) -> str:
    ratios = [round_[ours].per_second / round_[theirs].per_second for round_ in rounds]
    figures = (median(round_[which].per_second for round_ in rounds) for which in (ours, theirs))
    each = " to ".join(f"{figure:,.0f}" for figure in figures)
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); {each} requests/s"


def _misses(sandbox: Sandbox, peers: Sequence[Contestant]) -> list[Row]:
    """One read, straight to the sandbox and by each; every read has a key of its own."""
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
            asked_at = perf_counter()
            response = sessions[name].get(bases[name] + path, timeout=10)
            elapsed[name].append(perf_counter() - asked_at)
            response.raise_for_status()
    for session in sessions.values():
        session.close()
    added = {name: median(elapsed[name]) - median(elapsed[""]) for name in bases if name}
    return [
        Row(
            f"What a miss adds to Videsk's own {milliseconds(median(elapsed['']))}: {name}",
            milliseconds(seconds),
            MISS_TARGET if name == PROXY else "",
        )
        for name, seconds in added.items()
    ]


def _by_name(strays: Counter[str]) -> str:
    return ", ".join(f"{number} by {name}" for name, number in strays.items() if number) or "0"


def _memory(memory: Mapping[str, float]) -> list[Row]:
    return [
        Row(
            f"Memory of all processes (PSS) after all this: {PROXY} to {name}",
            f"{memory[PROXY] / megabytes:.2f}; {memory[PROXY]:.0f} MB to {megabytes:.0f} MB",
        )
        for name, megabytes in memory.items()
        if name != PROXY
    ]
