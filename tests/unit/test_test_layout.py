"""Every module of the runtime packages has a unit test file of the same name.

Modules without functions or classes need none, and COVERED_ELSEWHERE lists the exceptions.
"""

import ast
from pathlib import Path

import pytest

from tests.processes import ROOT

UNIT = ROOT / "tests/unit"
PACKAGES = (
    "blueprints", "booking", "cache", "common", "idempotency", "openapi", "schemas", "settings",
    "videsk", "web",
)  # fmt: skip
TABLES = {"components", "errors", "examples", "headers", "spec"}
COVERED_ELSEWHERE = {
    "common/instrumentation.py": "web/test_metrics.py",
    "videsk/resources.py": "blueprints/test_bookable.py",
    "schemas/responses.py": "openapi/test_document.py",
    "settings/parsers.py": "settings/test_settings.py",
    **{f"openapi/{name}.py": "openapi/test_document.py" for name in TABLES},
}
"""Modules with declarations only, and the tests that use the declarations."""


def has_code(module: Path) -> bool:
    """Whether it defines a function or a class."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)


def modules() -> list[str]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = [path for path in found if has_code(path) and path.name != "__main__.py"]
    return [str(path.relative_to(ROOT)) for path in sorted(found)]


def unit_test_of(module: str) -> Path:
    """Return the test file: `cache/test_store.py` for `cache/store.py`, `a/test_a.py` for `a/__init__.py`."""
    path = Path(module)
    name = path.parent.name if path.name == "__init__.py" else path.stem
    return UNIT / COVERED_ELSEWHERE.get(module, path.parent / f"test_{name}.py")


@pytest.mark.parametrize("module", modules())
def test_every_module_has_a_test_file(module: str) -> None:
    assert unit_test_of(module).is_file(), f"write {unit_test_of(module).relative_to(ROOT)}"


def test_every_exception_is_still_needed() -> None:
    assert set(COVERED_ELSEWHERE) <= set(modules())


@pytest.mark.parametrize("module", ["app", "gunicorn_conf"])
def test_every_root_module_has_a_test_file(module: str) -> None:
    assert (UNIT / f"test_{module}.py").is_file()
