"""The documentation's links, commands, tables and examples match the code."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from opentelemetry.sdk import environment_variables

from app import app
from common.request_context import RequestContext
from common.version import VERSION
from settings import NAMES, SECRET_NAMES, load
from settings.secret_files import file_setting
from tests.e2e.node_tools import CLIENT, run, tool
from tests.e2e.pages import (
    CONFIGURATION,
    DEPLOY,
    FRONTEND,
    GUARANTEES,
    HTTP_API,
    OPERATIONS,
    PAGES,
    README,
    Page,
)
from tests.e2e.test_deploy import exposed
from tests.processes import ROOT, free_port, local_redis_url
from web import access_log

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@every_page
def test_every_link_leads_to_a_file_and_to_an_anchor_that_exist(page: Page) -> None:
    dead = [link for link in page.links if not link.startswith("https://") and is_dead(page, link)]
    assert dead == []


def is_dead(page: Page, link: str) -> bool:
    if link.startswith("http://localhost:"):
        return False
    path, _, anchor = unquote(link).partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.exists():
        return True
    return bool(anchor) and anchor not in Page(str(target.relative_to(ROOT))).anchors


def test_a_dead_link_is_found() -> None:
    assert [
        link
        for link in (
            "#quick-start",
            "#slow-start",
            "docs/caching.md#tuning",
            "docs/caching.md#no",
            "no.md",
        )
        if is_dead(README, link)
    ] == ["#slow-start", "docs/caching.md#no", "no.md"]


@every_page
def test_commands_are_valid_shell_and_refer_to_existing_files(page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for _, commands in page.blocks("sh", "bash"):
        checked = subprocess.run(
            ["bash", "-n"], input=commands, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, "")
    blocks = [text for _, text in page.blocks("sh", "bash")]
    text = "\n".join(blocks + re.findall("`([^`\n]+)`", page.text))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    for module in re.findall(r"\bpython3? -m ([a-z][\w.]*\w)", text):
        assert importlib.util.find_spec(module), module
    for path in re.findall(r"pytest (tests/\S+\.py)", text):
        assert (ROOT / path).exists(), path


@every_page
def test_other_code_blocks_can_be_parsed(page: Page) -> None:
    parsers = {"json": json.loads, "yaml": yaml.safe_load}
    for language, text in page.blocks(*parsers):
        assert parsers[language](text)
    checked_elsewhere = {
        "sh",
        "bash",
        "html",
        "http",
        "js",
        "ts",
        "tsx",
        "vue",
        "toml",
        "ini",
        "nginx",
        "kotlin",
        "swift",
    }
    prose = {"text", "markdown", ""}
    assert set(page.languages) <= {*parsers, *checked_elsewhere, *prose}


@pytest.mark.parametrize(
    "page", [README, CONFIGURATION, OPERATIONS, DEPLOY], ids=lambda page: page.name
)
def test_pages_name_only_existing_settings(page: Page) -> None:
    of_other_programs = {"SANDBOX_PORT", "LISTEN_FDS", "AF_INET", "AF_UNIX"}
    of_other_programs |= {name for name in dir(environment_variables) if name.startswith("OTEL_")}
    named = set(re.findall(r"(?<![\w$])[A-Z]+(?:_[A-Z]+)+\b", page.text)) - of_other_programs
    assert named
    assert named - set(NAMES) - {file_setting(name) for name in SECRET_NAMES} == set()


def test_readme_is_short_and_names_the_version() -> None:
    assert len(README.text.splitlines()) <= 150
    assert f"This is version {VERSION}." in README.text


# Tables


def test_the_table_of_routes_matches_the_app() -> None:
    """The documentation writes `{kind}` for services and users, and omits HEAD and OPTIONS."""
    rows = [
        row[0].strip("`") for method in ("GET", "POST") for row in HTTP_API.table(f"`{method} /")
    ]
    printed = {row.replace("{kind}", kind) for row in rows for kind in ("services", "users")}
    real = {
        f"{method} {rule.rule.replace('<ident>', '{id}').translate(str.maketrans('<>', '{}'))}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert printed == real


def settings_table() -> dict[str, str]:
    """Return the documented default of each setting."""
    table: dict[str, str] = {}
    for names, defaults, _ in CONFIGURATION.table("`"):
        several, each = re.findall("`(.+?)`", names), defaults.split(", ")
        default = each if len(each) == len(several) else [defaults] * len(several)
        table |= dict(zip(several, default, strict=True))
    return table


def test_the_table_of_settings_names_every_setting() -> None:
    assert set(settings_table()) == set(NAMES)


def test_the_documented_defaults_are_right() -> None:
    """A default is a value or `none`. A few are described in words."""
    table, required = settings_table(), {"VIDESK_API_KEY": "key"}
    values = {name: default.strip("`") for name, default in table.items() if default[0] == "`"}
    assert load(required | values) == load(required)
    none = {name for name, default in table.items() if default == "none"}
    assert not [name for name in none if getattr(load(required), name.lower())]
    in_words = {"VIDESK_API_KEY", "REFERRER_ORIGINS", "CAPTCHA_VERIFY_URL", "WEB_CONCURRENCY"}
    assert set(table) - set(values) - none == in_words


def test_every_setting_is_read_at_the_start(tmp_path: Path) -> None:
    """A setting that neither the app nor gunicorn's configuration reads has no effect."""
    environ = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "VIDESK_API_KEY": "key",
        "REDIS_URL": local_redis_url(free_port()),
        "CAPTCHA_PROVIDER": "hcaptcha",
        "CAPTCHA_SECRET": "secret-of-the-captcha",
    }
    command = [sys.executable, "-m", "tests.e2e.print_used_settings"]
    names = subprocess.run(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True
    ).stdout
    assert not set(NAMES) - set(names.decode().split())


def test_the_table_of_metrics_matches_the_endpoint() -> None:
    section = OPERATIONS.text.split("\n## Metrics\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.+?`) \|", section, re.M)
    printed = {
        name: set(filter(None, labels.split(",")))
        for cell in cells
        for name, labels in re.findall(r"`(\w+)(?:{(.*?)})?`", cell)
    }
    left_out = re.compile(r"_created$|_sum$|_count$")
    real = {
        name.removeprefix("videsk_proxy_").removesuffix("_bucket"): labels - {"le"}
        for name, labels in exposed().items()
        if name.startswith("videsk_proxy_") and not left_out.search(name)
    }
    assert printed == real


def test_the_table_of_log_fields_matches_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    traceparent = f"00-{'1' * 32}-{'2' * 16}-01"
    access_log.log.setLevel("INFO")
    context = RequestContext("1", traceparent, None)
    access_log.log_requests([access_log.ServedRequest("/healthz", "GET", 200, 0.1, None, context)])
    section = OPERATIONS.text.split("\n## Logs\n")[1].split("\n## ")[0].split("Other lines")[0]
    printed = {
        name
        for cell in re.findall(r"^\| (`.+?) \|", section, re.M)
        for name in re.findall(r"\w+", cell)
    }
    assert printed == set(json.loads(capsys.readouterr().out))


# Examples


def test_the_examples_use_the_client_according_to_its_types(tmp_path: Path) -> None:
    """Type-check TypeScript examples, and the script of Vue examples."""
    (tmp_path / "node_modules").symlink_to(CLIENT / "node_modules")
    examples = [*README.blocks("ts"), *FRONTEND.blocks("ts", "tsx", "vue")]
    assert [language for language, _ in examples] == ["ts", "ts", "tsx", "vue", "ts"]
    for number, (language, text) in enumerate(examples):
        script = text.partition('lang="ts">\n')[2].partition("</script>")[0]
        suffix = "tsx" if language == "tsx" else "ts"
        (tmp_path / f"example{number}.{suffix}").write_text(f"{script or text}\nexport {{}};\n")
    options = {
        "strict": True, "noEmit": True, "skipLibCheck": True, "jsx": "react-jsx", "target": "es2022",
        "module": "esnext", "moduleResolution": "bundler", "types": [],
        "paths": {"videsk-proxy-client": [str(CLIENT / "dist" / "index.d.ts")]},
    }  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    run(tool("tsc"), "--project", str(tmp_path))


# Translations and citations


@pytest.mark.parametrize("name", ["README", "docs/frontend"])
def test_the_spanish_page_has_the_same_sections_and_examples(name: str) -> None:
    english, spanish = Page(f"{name}.md"), Page(f"{name}.es.md")
    assert [tag for tag, _ in spanish.headings] == [tag for tag, _ in english.headings]
    for language in ("sh", "ts", "tsx", "vue", "kotlin", "swift"):
        assert spanish.blocks(language) == english.blocks(language)


def test_every_cited_guarantee_exists() -> None:
    pages = {page.path for page in PAGES}
    sources = {path for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts} | pages
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    anchors = set(re.findall(r"guarantees\.md#(g\d+)", text))
    assert anchors
    assert anchors - GUARANTEES.anchors == set()
