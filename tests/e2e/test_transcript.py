"""Run the commands in docs/http-api.md, and compare their output with the page."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from tests.e2e.pages import HTTP_API
from tests.processes import (
    ROOT,
    Sandbox,
    clean_environ,
    proxy_server,
    sandbox_server,
)

ELLIPSIS = "…"
"""Stands for more elements of a list, more of a text, or, on its own line, more headers."""

_BLOCK = re.compile(r"^```bash\n(.*?)^```\n(?:\n```(?:json|http)\n(.*?)^```\n)?", re.DOTALL | re.M)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d\1\d\d\.\d{3}Z")
"""An instant in JSON, or percent-encoded in a URI."""
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_TTL = re.compile(r"(?<=; ttl=)\d+")
_SLOT_SECONDS = 300


class Step(NamedTuple):
    """A bash block, the output that the page shows below it, if any, and the real output."""

    command: str
    printed: str
    real: str


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """Run all blocks in one bash, with the sandbox and a proxy with the settings of `make run`."""
    blocks = _BLOCK.findall(HTTP_API.text)
    mark = uuid4().hex
    script = "".join(f"{command}printf '{mark}'\n" for command, _ in blocks)
    with sandbox_server() as sandbox, proxy_server(
        sandbox, **make_run_settings(sandbox)
    ) as proxy:  # fmt: skip
        sandbox.control("POST", "rate", {"limit": 20})
        script = script.replace("localhost:8000", f"127.0.0.1:{proxy.port}")
        script = script.replace("localhost:9000", f"127.0.0.1:{sandbox.port}")
        wait_for_slot_margin()
        bash = subprocess.run(
            ["bash", "--norc"],
            input=script.encode(),
            capture_output=True,
            check=False,
            timeout=60,
            env=clean_environ() | {"LANG": "C.UTF-8"},
        )
    assert (bash.returncode, bash.stderr.decode()) == (0, "")
    *outputs, rest = bash.stdout.decode().split(mark)
    assert rest == ""
    return [
        Step(command, printed, real)
        for (command, printed), real in zip(blocks, outputs, strict=True)
    ]


def make_run_settings(sandbox: Sandbox) -> dict[str, str]:
    """Return the settings of .env.sandbox. Settings of the tests are emptied, which unsets them."""
    lines = (ROOT / ".env.sandbox").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    of_the_tests = (
        "VIDESK_RATE_LIMIT",
        "CLIENT_RATE_LIMIT",
        "BOOKING_RATE_LIMIT",
        "DEFAULT_REFERRER",
    )
    unset = dict.fromkeys(of_the_tests, "") | {"WEB_CONCURRENCY": "1"}
    return unset | settings | {"VIDESK_BASE_URL": sandbox.url}


def wait_for_slot_margin() -> None:
    """Wait until the next slot does not begin between the page's read and its booking."""
    left = _SLOT_SECONDS - time.time() % _SLOT_SECONDS
    if left < 10:
        time.sleep(left + 0.1)


@pytest.mark.dates
def test_every_response_matches_the_page(steps: list[Step]) -> None:
    assert len(steps) > 12
    for step in steps:
        problems = list(differences(step))
        assert not problems, f"the page differs below\n{step.command}\n{problems}"


def differences(step: Step) -> Iterator[str]:
    """Yield the differences between the real output and the printed one."""
    printed, real = step.printed, step.real
    if not printed:
        yield from [f"prints {real!r}"] if real else []
        return
    if printed.startswith("HTTP/"):
        head, printed = printed.split("\n\n", 1)
        real_head, real = real.split("\r\n\r\n", 1)
        yield from head_differences(head.splitlines(), real_head.split("\r\n"))
    yield from json_differences(json.loads(printed), json.loads(real), "$")


def head_differences(printed: list[str], real: list[str]) -> Iterator[str]:
    """Yield differences of the status line and the headers. Extra headers are allowed after `…`."""
    if printed[0] != real[0]:
        yield f"{real[0]!r} instead of {printed[0]!r}"
    names = {line.split(":")[0] for line in printed[1:]} | {"Date"}
    if ELLIPSIS not in printed:
        yield from (f"{line!r} besides" for line in real[1:] if line.split(":")[0] not in names)
    for line in printed[1:]:
        if line != ELLIPSIS and not any(text_matches(line, other) for other in real[1:]):
            yield f"no {line!r} in {real}"


def json_differences(printed: Any, real: Any, path: str) -> Iterator[str]:
    """Yield differences of keys, their order, and values. All days count as equal."""
    if isinstance(printed, dict) and isinstance(real, dict):
        if [_DAY.sub("DAY", key) for key in printed] != [_DAY.sub("DAY", key) for key in real]:
            yield f"{path} has {list(real)} instead of {list(printed)}"
        for key, other in zip(printed, real, strict=False):
            yield from json_differences(printed[key], real[other], f"{path}.{key}")
    elif isinstance(printed, list) and isinstance(real, list):
        shown = printed[:-1] if printed[-1:] == [ELLIPSIS] else printed
        if len(shown) != len(real) if shown is printed else len(shown) >= len(real):
            yield f"{path} has {len(real)} elements"
        for index, pair in enumerate(zip(shown, real, strict=False)):
            yield from json_differences(*pair, f"{path}[{index}]")
    elif isinstance(printed, str) and isinstance(real, str):
        if not text_matches(printed, real):
            yield f"{path} is {real!r} instead of {printed!r}"
    elif type(printed) is not type(real) or printed != real:
        yield f"{path} is {real!r} instead of {printed!r}"


def text_matches(printed: str, real: str) -> bool:
    """Whether they are equal. All instants and TTLs match, and `…` matches one or more characters."""
    printed, real = (_TTL.sub("N", _INSTANT.sub(r"INSTANT\1", text)) for text in (printed, real))
    return re.fullmatch(".+".join(map(re.escape, printed.split(ELLIPSIS))), real) is not None


@pytest.mark.parametrize(
    ("printed", "real", "same"),
    [
        ('{"a": 1}', '{"a": 1}', True),
        ('{"a": 1}', '{"a": true}', False),
        ('{"a": 1}', '{"a": 1, "b": 2}', False),
        ('{"2026-12-01": 1}', '{"1999-05-06": 1}', True),
        ('{"2026-12-01": 1}', '{"1999-05-06": 2}', False),
        ('{"2026-12-01": 1}', '{"1999-05": 1}', False),
        ('{"a": "x"}', '{"a": "y"}', False),
        ('{"a": "x…"}', '{"a": "xyz"}', True),
        ('{"a": "x…"}', '{"a": "x"}', False),
        ('["2026-12-01T03:00:00.000Z"]', '["1999-01-01T04:30:00.000Z"]', True),
        ('["2026-12-01T03:00:00.000Z"]', '["1999-01-01T04:30:00Z"]', False),
        ('[1, "…"]', "[1, 2, 3]", True),
        ('[1, "…"]', "[1]", False),
        ('["…"]', "[]", False),
        ("[]", "[1]", False),
        ("HTTP/1.1 200 OK\nA: b\n…\n\n[]", "HTTP/1.1 200 OK\r\nC: d\r\nA: b\r\n\r\n[]", True),
        ("HTTP/1.1 200 OK\nA: b\n\n[]", "HTTP/1.1 200 OK\r\nC: d\r\nA: b\r\n\r\n[]", False),
        (
            "HTTP/1.1 409 CONFLICT\nLink: </?date=2026-12-01T12%3A00%3A00.000Z>\n\n[]",
            "HTTP/1.1 409 CONFLICT\r\nLink: </?date=2027-07-20T13%3A15%3A00.000Z>\r\n\r\n[]",
            True,
        ),
        (
            "HTTP/1.1 409 CONFLICT\nLink: </?date=2026-12-01T12%3A00%3A00.000Z>\n\n[]",
            "HTTP/1.1 409 CONFLICT\r\nLink: </?date=2027-07-20T13:15:00.000Z>\r\n\r\n[]",
            False,
        ),
        ("HTTP/1.1 200 OK\nA: b\n…\n\n[]", "HTTP/1.1 200 OK\r\nA: c\r\n\r\n[]", False),
        ("HTTP/1.1 200 OK\n…\n\n[]", "HTTP/1.1 404 NOT FOUND\r\n\r\n[]", False),
    ],
)
def test_the_comparison_detects_a_difference(printed: str, real: str, same: bool) -> None:
    assert (not list(differences(Step("", printed, real)))) is same
