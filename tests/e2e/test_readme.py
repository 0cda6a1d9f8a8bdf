"""README.md cannot lie: its commands are run, its answers, routes and settings are compared."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from app import app
from settings import NAMES, load
from tests.e2e.node_tools import CLIENT, run, tool
from tests.processes import (
    ROOT,
    Sandbox,
    free_port,
    local_redis_url,
    neutral_environ,
    proxy_server,
    sandbox_server,
)

README = (ROOT / "README.md").read_text(encoding="utf-8")

MORE = "…"
"""In a list: more elements. At the end of a text: more of it. In a line of its own: more headers."""

_BLOCK = re.compile(r"^```bash\n(.*?)^```\n(?:\n```(?:json|http)\n(.*?)^```\n)?", re.DOTALL | re.M)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d\1\d\d\.\d{3}Z")
"""As JSON has it, or percent-encoded in a URI."""
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_TTL = re.compile(r"(?<=; ttl=)\d+")
_SLOT_SECONDS = 300


class Step(NamedTuple):
    """A bash block, the answer printed below it (or nothing), and what bash really printed."""

    command: str
    printed: str
    real: str


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """Every bash block, pasted one after another into one bash, while a `make run` is up."""
    blocks = _BLOCK.findall(README)
    mark = uuid4().hex
    script = "".join(f"{command}printf '{mark}'\n" for command, _ in blocks)
    with sandbox_server() as sandbox, proxy_server(
        sandbox, **as_make_run_sets_it(sandbox)
    ) as proxy:  # fmt: skip
        sandbox.control("POST", "rate", {"limit": 20})
        script = script.replace("localhost:8000", f"127.0.0.1:{proxy.port}")
        script = script.replace("localhost:9000", f"127.0.0.1:{sandbox.port}")
        wait_until_no_slot_is_about_to_begin()
        bash = subprocess.run(
            ["bash", "--norc"],
            input=script.encode(),
            capture_output=True,
            check=False,
            timeout=60,
            env=neutral_environ() | {"LANG": "C.UTF-8"},
        )
    assert (bash.returncode, bash.stderr.decode()) == (0, "")
    *outputs, rest = bash.stdout.decode().split(mark)
    assert rest == ""
    return [
        Step(command, printed, real)
        for (command, printed), real in zip(blocks, outputs, strict=True)
    ]


def as_make_run_sets_it(sandbox: Sandbox) -> dict[str, str]:
    """The settings of .env.sandbox, on ports of their own, and no others: an empty text is none."""
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


def wait_until_no_slot_is_about_to_begin() -> None:
    """The page books the next slot: it must not begin between the look and the booking."""
    left = _SLOT_SECONDS - time.time() % _SLOT_SECONDS
    if left < 10:
        time.sleep(left + 0.1)


@pytest.mark.dates
def test_every_answer_is_the_printed_one(steps: list[Step]) -> None:
    assert len(steps) > 12
    for step in steps:
        problems = list(differences(step))
        assert not problems, f"README.md says otherwise below\n{step.command}\n{problems}"


def differences(step: Step) -> Iterator[str]:
    """What the real answer has otherwise than the printed one."""
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
    """The same status line; each printed header is there, and no other unless `…` says so."""
    if printed[0] != real[0]:
        yield f"{real[0]!r} instead of {printed[0]!r}"
    names = {line.split(":")[0] for line in printed[1:]} | {"Date"}
    if MORE not in printed:
        yield from (f"{line!r} besides" for line in real[1:] if line.split(":")[0] not in names)
    for line in printed[1:]:
        if line != MORE and not any(text_matches(line, other) for other in real[1:]):
            yield f"no {line!r} in {real}"


def json_differences(printed: Any, real: Any, path: str) -> Iterator[str]:
    """The same keys in the same order, the same values, apart from what changes from day to day:
    a key that is a day is as good as another.
    """
    if isinstance(printed, dict) and isinstance(real, dict):
        if [_DAY.sub("DAY", key) for key in printed] != [_DAY.sub("DAY", key) for key in real]:
            yield f"{path} has {list(real)} instead of {list(printed)}"
        for key, other in zip(printed, real, strict=False):
            yield from json_differences(printed[key], real[other], f"{path}.{key}")
    elif isinstance(printed, list) and isinstance(real, list):
        shown = printed[:-1] if printed[-1:] == [MORE] else printed
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
    """Equal, when instants and seconds count as equal, and `…` stands for at least one character."""
    printed, real = (_TTL.sub("N", _INSTANT.sub(r"INSTANT\1", text)) for text in (printed, real))
    return re.fullmatch(".+".join(map(re.escape, printed.split(MORE))), real) is not None


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
def test_the_comparison_itself_sees_a_difference(printed: str, real: str, same: bool) -> None:
    assert (not list(differences(Step("", printed, real)))) is same


def test_the_table_of_routes_is_the_apps() -> None:
    """{kind} stands for both; HEAD and OPTIONS go without saying."""
    printed = {
        f"{method} {path.replace('{kind}', kind)}"
        for method, path in re.findall(r"^\| `([A-Z]+) (/\S*)` \|", README, re.M)
        for kind in ("services", "users")
    }
    real = {
        f"{method} {rule.rule.replace('<ident>', '{id}').translate(str.maketrans('<>', '{}'))}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert printed == real, "README.md's table of routes differs from Flask's"


def test_the_table_of_settings_names_every_setting() -> None:
    assert set(settings_table()) == set(NAMES)


def test_every_setting_is_read_at_the_start(tmp_path: Path) -> None:
    """By the app or by gunicorn's configuration: a setting that is only checked does nothing."""
    environ = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "VIDESK_API_KEY": "key",
        "REDIS_URL": local_redis_url(free_port()),
        "CAPTCHA_PROVIDER": "hcaptcha",
        "CAPTCHA_SECRET": "secret-of-the-captcha",
    }
    command = [sys.executable, "-m", "tests.e2e.settings_read"]
    names = subprocess.run(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True
    ).stdout
    assert not set(NAMES) - set(names.decode().split())


def test_the_defaults_in_the_table_of_settings_are_the_defaults() -> None:
    """A value, or `none`; a few are described in words."""
    table, required = settings_table(), {"VIDESK_API_KEY": "key"}
    values = {name: told.strip("`") for name, told in table.items() if told.startswith("`")}
    assert load(required | values) == load(required)
    none = {name for name, told in table.items() if told == "none"}
    assert not [name for name in none if getattr(load(required), name.lower())]
    in_words = {"VIDESK_API_KEY", "REFERRER_ORIGINS", "CAPTCHA_VERIFY_URL", "WEB_CONCURRENCY"}
    assert set(table) - set(values) - none == in_words


def settings_table() -> dict[str, str]:
    """Each setting's name, and the default in its row."""
    section = README.split("\n## Settings\n")[1].split("\n## ")[0]
    table: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", section, re.M):
        several, each = re.findall("`(.+?)`", names), defaults.split(", ")
        told = each if len(each) == len(several) else [defaults] * len(several)
        table |= dict(zip(several, told, strict=True))
    return table


RECIPES = re.compile(r"^```(tsx|vue|ts)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_recipes_use_the_client_according_to_its_types(tmp_path: Path) -> None:
    """React's and the phone app's as they stand; of Vue's the script."""
    recipes = RECIPES.findall(README)
    assert [kind for kind, _ in recipes] == ["ts", "tsx", "vue", "ts"]
    modules = CLIENT / "node_modules"
    (tmp_path / "node_modules").symlink_to(modules)
    for number, (kind, text) in enumerate(recipes):
        script = text.partition('lang="ts">\n')[2].partition("</script>")[0]
        end = "tsx" if kind == "tsx" else "ts"
        (tmp_path / f"recipe{number}.{end}").write_text(f"{script or text}\nexport {{}};\n")
    options = {
        "strict": True, "noEmit": True, "skipLibCheck": True, "jsx": "react-jsx", "target": "es2022",
        "module": "esnext", "moduleResolution": "bundler", "types": [],
        "paths": {"videsk-proxy-client": [str(CLIENT / "dist" / "index.d.ts")]},
    }  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    run(tool("tsc"), "--project", str(tmp_path))


_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def test_the_spanish_readme_keeps_pace() -> None:
    """As README.md above `Try it`, and one section more; no link of either leads nowhere."""
    spanish = (ROOT / "README.es.md").read_text(encoding="utf-8")
    translated = README.split("\n## Try it\n")[0]
    levels = [level for level, _ in headings(translated)]
    assert [level for level, _ in headings(spanish)] == [*levels, "##"]
    assert _FENCE.findall(spanish) == _FENCE.findall(translated)
    assert [*dead_links("README.md"), *dead_links("README.es.md")] == []


def headings(text: str) -> list[tuple[str, str]]:
    """Each heading's level and its anchor, as GitHub makes it."""
    found = re.findall(r"^(#+) (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return [
        (level, re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")) for level, title in found
    ]


def dead_links(page: str) -> Iterator[str]:
    """The relative links of this page to a file, or to an anchor, that is not there."""
    text = _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for link in re.findall(r"\]\((?!https?:)(.*?)\)", text):
        path, _, anchor = link.partition("#")
        target = ROOT / (path or page)
        other = target.read_text(encoding="utf-8") if target.is_file() and anchor else ""
        anchors = {"", *(name for _, name in headings(other))}
        if not target.exists() or anchor not in anchors:
            yield link
