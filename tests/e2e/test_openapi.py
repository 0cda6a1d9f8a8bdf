"""Everything that the document shows is sent to the running proxy, or provoked from it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.openapi.provocations import PROVOCATIONS
from tests.e2e.openapi.setup import Stage, on_stage
from tests.unit.openapi.reading import DOCUMENT, check, examples_of, operations, resolved

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_OF_THE_SERVER = {"Server", "Date", "Connection", "Content-Type", "Content-Length"}
OPERATIONS = {
    operation["operationId"]: (method, path, operation) for method, path, operation in operations()
}


@pytest.fixture(scope="module")
def whole_stage() -> Iterator[Stage]:
    with on_stage() as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: Stage) -> Stage:
    whole_stage.reset()
    return whole_stage


def shown() -> list[tuple[str, str, str]]:
    """Operation, status, and the example's name, or the status again for an answer without one. An
    example of an answer that operations share is for one of them: each has its turn.
    """
    chosen = []
    sharing: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for name, (_, _, operation) in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            for example in examples_by_name(answer):
                shared = sharing.setdefault((answer.get("$ref", name + status), example), [])
                shared.append((name, status, example))
            if not examples_by_name(answer):
                chosen.append((name, status, status))
    turns = enumerate(sharing.values())
    return chosen + [those[turn % len(those)] for turn, those in turns]


def examples_by_name(answer: dict[str, Any]) -> dict[str, Any]:
    contents = resolved(answer).get("content", {}).values()
    return {name: value for content in contents for name, value in examples_of(content).items()}


@pytest.mark.parametrize(("name", "status", "example"), shown())
def test_each_answer_is_given(stage: Stage, name: str, status: str, example: str) -> None:
    operation = OPERATIONS[name][2]
    call = stage.good_call(*OPERATIONS[name])
    answer = PROVOCATIONS[example](stage, call)
    answer = stage.send(call) if answer is None else answer
    described = resolved(operation["responses"][status])
    assert str(answer.status_code) == ("418" if status == "default" else status), answer.text
    compare(described, example, answer.headers, answer.content)


def test_another_method_is_answered_so(stage: Stage) -> None:
    call = stage.good_call(*OPERATIONS["listServices"])
    call.method = "PUT"
    answer = stage.send(call)
    assert answer.status_code == 405
    described = DOCUMENT["components"]["responses"]["MethodNotAllowed"]
    compare(described, "methodNotAllowed", answer.headers, answer.content)


def test_no_example_is_left_without_a_provocation() -> None:
    named = {example for _, _, example in shown()}
    assert named == PROVOCATIONS.keys()
    assert DOCUMENT["components"]["examples"].keys() - named == {"methodNotAllowed"}


def compare(
    described: dict[str, Any], example: str, headers: Mapping[str, str], content: bytes
) -> None:
    """The answer is as it is described, and as its example."""
    for name, header in described["headers"].items():
        assert name in headers or not resolved(header)["required"], name
        if name in headers:
            check(resolved(header)["schema"], headers[name])
    assert headers.keys() - described["headers"].keys() <= _OF_THE_SERVER
    if "content" not in described:
        assert content == b""
    for media, media_type in described.get("content", {}).items():
        found = headers.get("Content-Type", "").partition(";")[0]
        assert media in {found, "*/*"}
        if media != "application/json":
            return
        body = json.loads(content)
        check(media_type["schema"], body)
        if example in media_type.get("examples", {}):
            value = examples_of(media_type)[example]
            is_error = "X-Error-Source" in described["headers"]
            (assert_same if is_error else assert_alike)(value, body)


def assert_same(example: Any, real: Any) -> None:
    """To the letter, but for instants."""
    texts = [_INSTANT.sub("INSTANT", json.dumps(value)) for value in (example, real)]
    assert texts[0] == texts[1]


def assert_alike(example: Any, real: Any) -> None:
    """The same keys in the same order, and the same types; keys that are days count as one."""
    assert type(real) is type(example)
    if isinstance(example, dict):
        keys = [
            [re.sub(r"^\d{4}-\d\d-\d\d$", "DAY", key) for key in each] for each in (example, real)
        ]
        assert keys[0] == keys[1]
        example, real = list(example.values()), list(real.values())
    if isinstance(example, list):
        assert bool(real) == bool(example)
        for one, other in zip(example, real, strict=False):
            assert_alike(one, other)


def sent() -> list[tuple[str, str, str, Any]]:
    """Operation, place, name and value of each example of a request."""
    found = []
    for name, (_, _, operation) in OPERATIONS.items():
        for parameter in map(resolved, operation["parameters"]):
            one = {"example": parameter["example"]} if "example" in parameter else {}
            examples = examples_of(parameter) or one
            found += [
                (name, parameter["in"], parameter["name"], value) for value in examples.values()
            ]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found += [(name, "body", each, value) for each, value in examples_of(content).items()]
    return found


@pytest.mark.parametrize(("name", "place", "what", "value"), sent())
def test_each_example_of_a_request_is_taken(
    stage: Stage, name: str, place: str, what: str, value: Any
) -> None:
    call = stage.good_call(*OPERATIONS[name])
    if place == "body":
        call.body = value
    else:
        target = {"path": call.placeholders, "query": call.query, "header": call.headers}[place]
        # One key is one request's, for all operations.
        target[what] = f"{value}-{uuid4().hex}" if what == "Idempotency-Key" else value
    answer = stage.send(call)
    (success,) = [status for status in call.operation["responses"] if status.startswith("2")]
    assert str(answer.status_code) == success, answer.text
    if what == "X-Request-ID":
        assert answer.headers["X-Request-ID"] == value


def test_every_get_answers_head_alike(stage: Stage) -> None:
    for name, (method, _, _) in OPERATIONS.items():
        if method == "GET":
            call = stage.good_call(*OPERATIONS[name])
            headers = stage.send(call).headers
            call.method = "HEAD"
            answer = stage.send(call)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers.keys() == headers.keys(), name
