"""The OpenAPI document, with references resolved, and validation against its schemas."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from app import app
from openapi.document import build

DOCUMENT = build(app)


def resolved(node: Any) -> Any:
    """Return the target of a reference, or the node itself."""
    while isinstance(node, dict) and "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def examples_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return the examples of a media type or a parameter by name."""
    named = content.get("examples", {})
    return {name: resolved(example)["value"] for name, example in named.items()}


def check(schema: dict[str, Any], value: Any) -> None:
    """Raise jsonschema's ValidationError if the value does not match the schema."""
    _validator(json.dumps(schema)).validate(value)


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {"components": DOCUMENT["components"], **json.loads(schema)}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
