"""The commands of docs/frontend.md generate clients in Kotlin and Swift that can send a form."""

import os
import shlex
import shutil
from pathlib import Path

import pytest

from tests.e2e.node_tools import run
from tests.e2e.pages import FRONTEND

NAMED_ON_PAGE = "https://booking.your-shop.example/api/openapi.json"
COMMANDS = {
    words[words.index("-g") + 1]: words
    for _, text in FRONTEND.blocks("sh")
    for line in text.replace("\\\n", "").splitlines()
    if (words := shlex.split(line))[:2] == ["openapi-generator-cli", "generate"]
}


def generate(generator: str, document: Path, folder: Path) -> str:
    """Run the page's command, and return all that it has written."""
    if not shutil.which("java"):
        if os.environ.get("CI") == "true":
            pytest.fail("no java here")
        pytest.skip("no java here: `apt-get install default-jre-headless`")
    command = [str(document) if word == NAMED_ON_PAGE else word for word in COMMANDS[generator]]
    # The models' and the calls' documentation and tests take half of the time.
    without = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"
    run(
        *command, "--global-property", without, cwd=folder, timeout_seconds=200,
        JAVA_OPTS="-XX:TieredStopAtLevel=1",
    )  # fmt: skip
    return "\n".join(path.read_text() for path in folder.rglob("*.[ks][tw]*") if path.is_file())


def test_kotlin(document: Path, tmp_path: Path) -> None:
    code = generate("kotlin", document, tmp_path)
    assert "fun bookByUser(id: kotlin.String, bookingByUser: BookingByUser, idempotencyKey: kotlin.String?" in code  # fmt: skip
    for name in ("FormElementValue", "FormElementValueOneOfInner"):
        assert f"data class {name}(var actualInstance: Any? = null)" in code
        assert f".registerTypeAdapterFactory(org.openapitools.client.models.{name}." in code
    for type_ in ("kotlin.String", "java.math.BigDecimal", "kotlin.Boolean"):
        assert f"if (value.actualInstance is {type_})" in code


def test_swift(document: Path, tmp_path: Path) -> None:
    code = generate("swift6", document, tmp_path)
    assert "func bookByUser(id: String, bookingByUser: BookingByUser, idempotencyKey: String? = nil" in code  # fmt: skip
    of_value = code.partition("public enum FormElementValue: ")[2].partition("encode(to")[0]
    for case in ("Bool(Bool)", "Double(Double)", "String(String)", "ArrayOfFormElementValueOneOfInner(["):  # fmt: skip
        assert f"case type{case}" in of_value
    assert "public enum FormElementValueOneOfInner: " in code
