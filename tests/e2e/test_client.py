"""The TypeScript client (frontend/client/): its own tests with the real proxy, types and README."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.node_tools import CLIENT, node, run, tool
from tests.processes import ROOT, Sandbox, ServerProcess
from tests.timing import TIMING

CLIENT_BYTES = 2560


RETRIES = CLIENT / "tests/retries.test.mjs"
OTHERS = sorted(set(CLIENT.glob("tests/*.test.mjs")) - {RETRIES})


@pytest.mark.parametrize(
    ("files", "fewest"),
    [
        pytest.param(OTHERS, 40, marks=pytest.mark.dates, id="all but retries"),
        pytest.param([RETRIES], 10, id="retries"),  # they take 14 s, and depend on no date
    ],
)
@TIMING
def test_the_clients_own_tests_pass(
    sandbox: Sandbox, proxy_in_process: ServerProcess, files: list[Path], fewest: int
) -> None:
    # One file at a time, because they share one sandbox and set its faults.
    output = run(
        node(), "--test", "--test-concurrency=1", "--test-reporter=tap", *map(str, files),
        VIDESK_PROXY_URL=proxy_in_process.url, SANDBOX_URL=sandbox.url,
    )  # fmt: skip
    counted = dict(re.findall(r"^# (\w+) (\d+)$", output, re.MULTILINE))
    assert int(counted["pass"]) > fewest
    assert counted["pass"] == counted["tests"], "no test is skipped"


def test_types_and_dist_match_the_openapi_document(tmp_path: Path) -> None:
    """The types match what `python -m openapi` prints, and dist/ matches the compiler's output."""
    document = subprocess.run(
        [sys.executable, "-m", "openapi"], cwd=ROOT, capture_output=True, check=True, timeout=60
    ).stdout
    tool("openapi-typescript")
    shutil.copytree(CLIENT / "src", tmp_path / "src")
    shutil.copy(CLIENT / "tsconfig.json", tmp_path)
    subprocess.run(
        [node(), CLIENT / "types.mjs", tmp_path / "src" / "openapi.ts"],
        input=document, check=True, timeout=60,
    )  # fmt: skip
    run(tool("tsc"), "--project", str(tmp_path))
    assert contents(tmp_path / "src") == contents(CLIENT / "src"), (
        "run: npm run types --prefix client"
    )
    assert contents(tmp_path / "dist") == contents(CLIENT / "dist"), "run: make client"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_type_checker_accepts_right_types_and_rejects_wrong_ones() -> None:
    run(tool("tsc"), "--project", "tests")


def test_the_examples_in_the_readme_compile_and_run(
    sandbox: Sandbox, proxy_in_process: ServerProcess, tmp_path: Path
) -> None:
    examples = "".join(re.findall(r"^```ts\n(.*?)^```$", readme(), re.MULTILINE | re.DOTALL))
    examples = examples.replace('"videsk-proxy-client"', f'"{CLIENT}/dist/index.js"')
    examples = examples.replace("https://videsk-proxy.example", proxy_in_process.url)
    page = tmp_path / "page.mts"
    page.write_text(examples)
    options = ["--strict", "--target", "es2022", "--module", "nodenext"]
    run(tool("tsc"), *options, str(page))
    first, conflict, *described, same, files, aborted = run(
        node(), str(page.with_suffix(".mjs"))
    ).splitlines()
    assert re.fullmatch(r"Asesoría hipotecaria, \d{4}-.*Z", first)
    assert re.fullmatch(
        r'Sorry, the hour ".*" is unavailable\. These are free: .*Z,.*Z,.*Z', conflict
    )
    assert described == ["true videsk-proxy"]
    assert files == "SEQUENCE:0 SEQUENCE:1 SEQUENCE:2"
    assert (same, aborted) == ("true", "AbortError")
    statuses = [appointment["status"] for appointment in sandbox.appointments()]
    assert len(statuses) == 2, "booked, and moved once"


def test_the_readme_names_every_call() -> None:
    declared = (CLIENT / "dist" / "videsk_proxy.d.ts").read_text()
    methods = declared.partition("class VideskProxy {")[2].partition("\n}")[0]
    calls = set(re.findall(r"^    (\w+)\(", methods, re.MULTILINE)) - {"constructor"}
    assert len(calls) == 11
    assert {call for call in calls if f"| `{call}(" not in readme()} == set()


def readme() -> str:
    return (CLIENT / "README.md").read_text()


def test_the_modules_load_in_a_browser_without_bundling() -> None:
    """It only imports its own files, with their file extensions."""
    files = {path.name: path.read_text() for path in (CLIENT / "dist").glob("*.js")}
    imported = [each for text in files.values() for each in re.findall(r"(?:from|import)\s*\(?\s*[\"'](.*?)[\"']", text)]  # fmt: skip
    assert imported
    assert {f"./{name}" for name in files} >= set(imported)
    assert "require(" not in "".join(files.values())


def test_the_size_of_the_client(tmp_path: Path) -> None:
    """With gzip, in a bundle of a page that books. The calendar's file is left out if it is not used."""
    names = "isOutcomeUnknown, makeDecision, newIdempotencyKey, VideskProxy, VideskProxyError"

    def gzipped(names: str) -> int:
        page = tmp_path / "page.js"
        page.write_text(f'export {{ {names} }} from "{CLIENT}/dist/index.js";\n')
        bundle = run(tool("esbuild"), str(page), "--bundle", "--minify", "--format=esm")
        return len(gzip.compress(bundle.encode(), 9))

    assert gzipped(names) <= CLIENT_BYTES
    assert gzipped(f"{names}, calendarFile") > gzipped(names) + 300


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    assert len(lock["packages"]) > 2
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert "dependencies" not in lock["packages"][""], "no runtime dependencies"
