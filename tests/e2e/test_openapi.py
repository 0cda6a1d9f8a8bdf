"""The proxy accepts every documented request, and sends every documented response."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.openapi.provocations import PROVOCATIONS
from tests.e2e.openapi.setup import Servers, running_servers
from tests.unit.openapi.spec_document import check, examples_of, operations, resolved

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_SERVER_HEADERS = {"Server", "Date", "Connection", "Content-Type", "Content-Length"}
OPERATIONS = {
    operation["operationId"]: (method, path, operation) for method, path, operation in operations()
}


@pytest.fixture(scope="module")
def all_servers() -> Iterator[Servers]:
    with running_servers() as servers:
        yield servers


@pytest.fixture
def servers(all_servers: Servers) -> Servers:
    all_servers.reset()
    return all_servers


def documented() -> list[tuple[str, str, str]]:
    """Return operation, status, and the example's name, or the status if there is no example.

    An example of a shared response is tested with one of the operations, in rotation.
    """
    chosen = []
    sharing: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for name, (_, _, operation) in OPERATIONS.items():
        for status, response in operation["responses"].items():
            for example in examples_by_name(response):
                shared = sharing.setdefault((response.get("$ref", name + status), example), [])
                shared.append((name, status, example))
            if not examples_by_name(response):
                chosen.append((name, status, status))
    turns = enumerate(sharing.values())
    return chosen + [those[turn % len(those)] for turn, those in turns]


def examples_by_name(response: dict[str, Any]) -> dict[str, Any]:
    contents = resolved(response).get("content", {}).values()
    return {name: value for content in contents for name, value in examples_of(content).items()}


@pytest.mark.parametrize(("name", "status", "example"), documented())
def test_response_is_sent_as_documented(
    servers: Servers, name: str, status: str, example: str
) -> None:
    operation = OPERATIONS[name][2]
    call = servers.valid_call(*OPERATIONS[name])
    response = PROVOCATIONS[example](servers, call)
    response = servers.send(call) if response is None else response
    described = resolved(operation["responses"][status])
    assert str(response.status_code) == ("418" if status == "default" else status), response.text
    compare(described, example, response.headers, response.content)


def test_every_example_is_provoked() -> None:
    named = {example for _, _, example in documented()}
    assert named == PROVOCATIONS.keys()


def compare(
    described: dict[str, Any], example: str, headers: Mapping[str, str], content: bytes
) -> None:
    """Compare a response with its description and its example."""
    for name, header in described["headers"].items():
        assert name in headers or not resolved(header)["required"], name
        if name in headers:
            check(resolved(header)["schema"], headers[name])
    assert headers.keys() - described["headers"].keys() <= _SERVER_HEADERS
    if "content" not in described:
        assert content == b""
    else:
        media = headers["Content-Type"].partition(";")[0]
        media_type = described["content"][media]
        if media != "application/json":
            return
        body = json.loads(content)
        check(media_type["schema"], body)
        if example in media_type.get("examples", {}):
            value = examples_of(media_type)[example]
            is_error = "X-Error-Source" in described["headers"]
            (assert_same if is_error else assert_same_structure)(value, body)


def assert_same(example: Any, real: Any) -> None:
    """Check that they are equal, except for instants."""
    texts = [_INSTANT.sub("INSTANT", json.dumps(value)) for value in (example, real)]
    assert texts[0] == texts[1]


def assert_same_structure(example: Any, real: Any) -> None:
    """Check the order of keys and the types. Keys that are days count as equal."""
    assert type(real) is type(example)
    if isinstance(example, dict):
        keys = [
            [re.sub(r"^\d{4}-\d\d-\d\d$", "DAY", key) for key in each] for each in (example, real)
        ]
        assert keys[0] == keys[1]
        example, real = list(example.values()), list(real.values())
    if isinstance(example, list):
        assert bool(real) == bool(example)
        for documented, actual in zip(example, real, strict=False):
            assert_same_structure(documented, actual)


def request_examples() -> list[tuple[str, str, str, Any]]:
    """Return operation, location, name and value of each example of a request."""
    found = []
    for name, (_, _, operation) in OPERATIONS.items():
        for parameter in map(resolved, operation["parameters"]):
            single = {"example": parameter["example"]} if "example" in parameter else {}
            examples = examples_of(parameter) or single
            found += [
                (name, parameter["in"], parameter["name"], value) for value in examples.values()
            ]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found += [(name, "body", each, value) for each, value in examples_of(content).items()]
    return found


@pytest.mark.parametrize(("name", "location", "parameter", "value"), request_examples())
def test_request_example_is_accepted(
    servers: Servers, name: str, location: str, parameter: str, value: Any
) -> None:
    call = servers.valid_call(*OPERATIONS[name])
    if location == "body":
        call.body = value
    else:
        target = {"path": call.placeholders, "query": call.query, "header": call.headers}[location]
        # An idempotency key can be used for only one request.
        target[parameter] = f"{value}-{uuid4().hex}" if parameter == "Idempotency-Key" else value
    response = servers.send(call)
    (success,) = [status for status in call.operation["responses"] if status.startswith("2")]
    assert str(response.status_code) == success, response.text
    if parameter == "X-Request-ID":
        assert response.headers["X-Request-ID"] == value


def test_every_get_supports_head(servers: Servers) -> None:
    for name, (method, _, _) in OPERATIONS.items():
        if method == "GET":
            call = servers.valid_call(*OPERATIONS[name])
            headers = servers.send(call).headers
            call.method = "HEAD"
            response = servers.send(call)
            assert (response.status_code, response.content) == (200, b"")
            assert response.headers.keys() == headers.keys(), name
