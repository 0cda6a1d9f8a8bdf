"""The packages for npm: what they contain, and that their descriptions are those of the sources."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.e2e.node_tools import CLIENT, run, tool
from tests.e2e.packages.conftest import FOLDERS
from tests.e2e.test_widget_build import WIDGET

each = pytest.mark.parametrize("name", FOLDERS)


@each
def test_linters_of_packages_report_nothing(packed: dict[str, Path], name: str) -> None:
    """`esm-only`: the packages are not for `require()`."""
    run(tool("attw"), str(packed[name]), "--profile", "esm-only", "--quiet")
    assert "All good!" in run(tool("publint"), "run", str(packed[name]), "--strict")


@each
def test_what_is_packed(packed: dict[str, Path], name: str) -> None:
    """What the exports name, and source maps that contain the sources; nothing to install besides, and no scripts of npm's."""
    with tarfile.open(packed[name]) as archive:
        files = {
            member.name.removeprefix("package/"): file.read()
            for member in archive.getmembers()
            if (file := archive.extractfile(member))
        }
    package = json.loads(files["package.json"])
    assert "private" not in package
    assert "dependencies" not in package
    assert set(package.get("scripts", {})) & {"install", "postinstall", "prepare"} == set()
    named = set(re.findall(r': "\./([\w./-]+)"', json.dumps(package["exports"])))
    assert named <= set(files)
    assert next(iter(package["exports"]["."])) == "types"
    assert {path.rpartition("/")[0] for path in files} <= {"", "dist", "types"}
    assert f"# {name}" in files["README.md"].decode()
    for path, content in files.items():
        if path.endswith(".js") and path.startswith("dist/"):
            comment = content.decode().splitlines()[-1]
            assert comment == f"//# sourceMappingURL={path.removeprefix('dist/')}.map"
            assert all(json.loads(files[f"{path}.map"])["sourcesContent"])


def test_the_published_types_are_those_of_the_sources() -> None:
    run(tool("tsc"), "--project", str(WIDGET / "tests"))


# custom-elements.json


@pytest.fixture
def manifest() -> dict[str, Any]:
    return json.loads((WIDGET / "custom-elements.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture
def element(manifest: dict[str, Any]) -> dict[str, Any]:
    (module,) = manifest["modules"]
    (element,) = module["declarations"]
    return element  # type: ignore[no-any-return]


def test_the_manifest_is_valid(manifest: dict[str, Any]) -> None:
    tool("attw")  # else nothing is installed there
    schema = CLIENT / "node_modules/custom-elements-manifest/schema.json"
    assert list(Draft7Validator(json.loads(schema.read_text())).iter_errors(manifest)) == []


def test_the_manifest_describes_the_element(element: dict[str, Any]) -> None:
    source = {path.stem: path.read_text() for path in (WIDGET / "src").glob("*.ts")}
    all_of_it = "".join(source.values())

    def described(kind: str) -> set[str]:
        assert all(entry.get("description") for entry in element[kind])
        return {entry["name"] for entry in element[kind]}

    attributes = re.findall(r'"([\w-]+)"', source["attributes"].partition("export type")[0])
    assert described("attributes") == set(attributes)
    assert described("events") == set(re.findall(r'"(videsk-[\w-]+)":', source["context"]))
    parts = re.findall(r"\bpart: (?:\w+ \? )?\"([\w ]+)\"(?: : \"([\w ]+)\")?", all_of_it)
    assert described("cssParts") == {name for found in parts for names in found for name in names.split()}  # fmt: skip
    assert described("slots") == set(re.findall(r'"slot", { name: "(\w+)"', all_of_it))
    css = "".join(path.read_text() for path in (WIDGET / "src").glob("*.css"))
    assert described("cssProperties") == set(re.findall(r"var\((--videsk-[\w-]+)", css))


def test_the_manifest_has_a_field_for_each_attribute_and_each_method(
    element: dict[str, Any],
) -> None:
    """The published types, which name each member too, are compared by the compiler."""
    fields = {each["name"] for each in element["members"] if each["kind"] == "field"}
    of_attributes = {each["fieldName"] for each in element["attributes"]}
    source = (WIDGET / "src/element.ts").read_text()
    accessors = set(re.findall(r"^  get (\w+)\(", source, re.M))
    assert fields == of_attributes | accessors
    methods = {each["name"] for each in element["members"] if each["kind"] == "method"}
    found = re.findall(r"^  ([a-z]\w+)\(\): void {$", source, re.M)
    assert methods == {name for name in found if not name.endswith("Callback")}
