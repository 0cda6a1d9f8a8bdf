"""Every requirements file pins each package by its hashes, for every Python from 3.11 on."""

import re
from importlib.metadata import PackageNotFoundError, requires
from typing import NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT

FILES = [
    "requirements.txt",
    "requirements-sandbox.txt",
    "requirements-dev.txt",
    "requirements-tracing.txt",
]
PYTHONS = ["3.11.2", "3.11.3", "3.12.0", "3.13.0", "3.14.0"]


class Pin(NamedTuple):
    """One entry of a file, including its continuation lines."""

    text: str

    @property
    def requirement(self) -> Requirement:
        return Requirement(self.text.split(" --hash")[0])


def pins(*files: str) -> list[Pin]:
    texts = [(ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ") for name in files]
    lines = [line for text in texts for line in text.splitlines()]
    return [Pin(re.sub(" +", " ", line)) for line in lines if re.match(r"[A-Za-z0-9]", line)]


@pytest.mark.parametrize("name", FILES)
def test_each_entry_has_one_version_and_hashes(name: str) -> None:
    assert pins(name)
    for pin in pins(name):
        assert re.fullmatch(r"==[^,*]+", str(pin.requirement.specifier)), pin
        assert re.search(r" --hash=sha256:[0-9a-f]{64}\b", pin.text), pin


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("names", [FILES[:1], *([FILES[0], more] for more in FILES[1:])])
def test_every_dependency_is_pinned_for_each_python(names: list[str], python: str) -> None:
    """With --require-hashes, pip does not install packages that are required but not pinned."""
    other = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "extra": "",
    }

    def applies(marker: Marker | None) -> bool:
        return marker is None or marker.evaluate(other)

    pinned = {
        canonicalize_name(pin.requirement.name)
        for pin in pins(*names)
        if applies(pin.requirement.marker)
    }
    checked = 0
    for name in pinned:
        try:
            needed = map(Requirement, requires(name) or [])
        except PackageNotFoundError:  # for another Python
            continue
        checked += 1
        missing = {canonicalize_name(each.name) for each in needed if applies(each.marker)} - pinned
        assert not missing, f"Python {python}: {name} requires {missing}. Run make requirements."
    assert checked > 10
