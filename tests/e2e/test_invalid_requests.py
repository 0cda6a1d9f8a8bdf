"""Invalid requests get the errors of docs/http-api.md and never reach Videsk."""

import json
import re
import socket
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.client import AUTOMATIC_SERVICE, FORM, JOHN, ZONE, Client, bearer
from tests.days import YEAR
from tests.e2e.test_videsk_errors import assert_own_error
from tests.processes import Sandbox

KINDS = [("services", "service"), ("users", "user")]
VALID_QUERY = {"date": f"{YEAR}-05-06", "timezone": ZONE}
APPOINTMENT = {"startAt": f"{YEAR}-05-06T12:00:00Z", "timezone": ZONE, "form": FORM}
BOOK = f"/api/services/{AUTOMATIC_SERVICE}/appointments"
MANY_PROBLEMS = '"{}" {}. This is the first of {} problems; "errors" lists 30.'
NO_VALUE = "must be a string, a number, a boolean, or an array of strings and numbers"
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def nothing_reaches_videsk(sandbox: Sandbox, proxy: Client) -> Any:
    yield
    assert sandbox.request_log() == []


@pytest.mark.parametrize(("kind", "singular"), KINDS)
@pytest.mark.parametrize("path", ["dates", "hours", "appointments"])
@pytest.mark.parametrize(
    "ident",
    ["x", "..", "%2e%2e", "63bdbf49394aad976d4aa43", "63bdbf49394aad976d4aa43bb", "%0a" * 24,
     "63bdbf49394aad976d4aa43g", "63bdbf49394aad976d4aa43b%0a", "a%3fb", "%00", "%c3%a9" * 24, "*"],
)  # fmt: skip
def test_a_malformed_id_is_rejected_with_its_kind(
    proxy: Client, kind: str, singular: str, path: str, ident: str
) -> None:
    method = "POST" if path == "appointments" else "GET"
    # A raw request line, because HTTP clients would normalize the path.
    target = f"/api/{kind}/{ident}/{path}?date={YEAR}-05-06&timezone=UTC"
    status, body = raw(proxy, method, target)
    assert (status, body["message"]) == (400, f"A valid {singular} id is required")
    assert "data" not in body


@pytest.mark.parametrize(("kind", "_singular"), KINDS)
@pytest.mark.parametrize("read", ["dates", "hours"])
@pytest.mark.parametrize(
    ("changes", "message", "data"),
    [
        ({"date": None}, 'A valid "date" is required', "date"),
        ({"date": ""}, 'A valid "date" is required', "date"),
        ({"date": f"{YEAR}-13-01"}, 'A valid "date" is required', "date"),
        ({"date": f"{YEAR}-02-30"}, 'A valid "date" is required', "date"),
        ({"date": "tomorrow"}, 'A valid "date" is required', "date"),
        ({"date": "٢٠٣١-05-06"}, 'A valid "date" is required', "date"),
        ({"timezone": None}, 'A valid "timezone" is required', "timezone"),
        ({"timezone": "Mars/Olympus"}, 'A valid "timezone" is required', "timezone"),
        ({"timezone": "localtime"}, 'A valid "timezone" is required', "timezone"),
        ({"timezone": "../etc/passwd"}, 'A valid "timezone" is required', "timezone"),
        ({"date": "2020-02-29"}, "The date can not be in the past.", "dateInPast"),
    ],
)
def test_an_invalid_query_is_rejected_with_videsks_message(
    proxy: Client, kind: str, _singular: str, read: str, changes: dict[str, str | None],
    message: str, data: str,
) -> None:  # fmt: skip
    params = {name: text for name, text in (VALID_QUERY | changes).items() if text is not None}
    response = proxy.get(f"/api/{kind}/{JOHN}/{read}", params=params)
    body = assert_own_error(response, 400, "BadRequest")
    assert (body["message"], body["data"], body["errors"]) == (message, data, {})


def test_a_month_is_not_a_day(proxy: Client) -> None:
    body = assert_own_error(proxy.hours("users", JOHN, f"{YEAR}-05"), 400, "BadRequest")
    assert body["data"] == "date"


@pytest.mark.parametrize(
    ("kind", "changes", "message", "data", "errors"),
    [
        ("services", {"startAt": None}, 'A valid "date" is required', "date", {"startAt"}),
        ("services", {"startAt": f"{YEAR}-05-06T12:00:00"}, 'A valid "date" is required', "date", {"startAt"}),
        ("services", {"startAt": 1_900_000_000}, 'A valid "date" is required', "date", {"startAt"}),
        ("services", {"timezone": 5}, 'A valid "timezone" is required', "timezone", {"timezone"}),
        ("users", {}, "A valid service id is required", None, {"service"}),
        ("users", {"service": "x"}, "A valid service id is required", None, {"service"}),
        ("services", {"service": AUTOMATIC_SERVICE}, '"service" is an unknown field', None, {"service"}),
        ("services", {"date": "x"}, '"date" is an unknown field', None, {"date"}),
        ("services", {"user": "x"}, '"user" is an unknown field', None, {"user"}),
        ("services", {"date": "x", "startAt": None}, 'A valid "date" is required', "date", {"date", "startAt"}),
        ("services", {"date": "x", "timezone": 5}, 'A valid "timezone" is required', "timezone", {"date", "timezone"}),
        ("users", {"date": "x"}, "A valid service id is required", None, {"date", "service"}),
        ("services", {"date": "x", "form": []}, '"form" must have 1 to 100 elements', None, {"date", "form"}),
        ("services", {"form": []}, '"form" must have 1 to 100 elements', None, {"form"}),
        ("services", {"form": None}, '"form" is required', None, {"form"}),
        ("services", {"referrer": 7}, '"referrer" must be a string that is not empty', None, {"referrer"}),
        ("services", {"email": "a@b"}, '"email" is an unknown field', None, {"email"}),
    ],
)  # fmt: skip
def test_an_invalid_body_is_rejected_with_the_name_of_its_field(
    proxy: Client, kind: str, changes: dict[str, object], message: str, data: str | None,
    errors: set[str],
) -> None:  # fmt: skip
    booking = {name: value for name, value in (APPOINTMENT | changes).items() if value is not None}
    response = proxy.post(f"/api/{kind}/{JOHN}/appointments", booking)
    body = assert_own_error(response, 400, "BadRequest")
    assert (body["message"], body.get("data"), set(body["errors"])) == (message, data, errors)


def test_each_invalid_form_element_is_named(proxy: Client) -> None:
    form = [{"_id": "x", "value": 1}, {"_id": "A" * 24, "value": None}, {"_id": "b" * 24}]
    body = assert_own_error(proxy.post(BOOK, APPOINTMENT | {"form": form}), 400, "BadRequest")
    assert {index: set(fields) for index, fields in body["errors"]["form"].items()} == {
        "0": {"_id"}, "1": {"value"}, "2": {"value"},
    }  # fmt: skip
    assert body["message"] == '"form.0._id" must be 24 hex digits or "videsk_essential"'


@pytest.mark.parametrize(
    ("changes", "message", "listed"),
    [
        ({"form": [1] * 30_000}, '"form" must have 1 to 100 elements', 1),
        ({"form": [{}] * 100}, MANY_PROBLEMS.format("form.0._id", "is required", 200), 1),
        (
            {f"f{n}": 1 for n in range(5000)},
            MANY_PROBLEMS.format("f", "is an unknown field", 5000),
            30,
        ),
        ({"x" * 60_000: 1}, f'"{"x" * 63}…" is an unknown field', 1),
        ({"form": [{"_id": "a" * 24, "value": [[]] * 20_000}]}, f'"form.0.value" {NO_VALUE}', 1),
    ],
    ids=["30000 elements", "200 faults", "5000 fields", "long name", "nested"],
)
def test_error_responses_stay_small_with_many_problems(
    proxy: Client, changes: dict[str, object], message: str, listed: int
) -> None:
    body = json.dumps(APPOINTMENT | changes, separators=(",", ":"))
    assert len(body) < 65_536
    response = proxy.call("POST", BOOK, data=body, headers=JSON_TYPE)
    refused = assert_own_error(response, 400, "BadRequest")
    # any unknown field may be the first
    assert (re.sub('"f[0-9]+"', '"f"', refused["message"]), len(refused["errors"])) == (
        message,
        listed,
    )
    assert len(response.content) < 4096


def test_a_filled_honeypot_is_rejected(proxy: Client) -> None:
    form = [{"_id": "videsk_essential", "value": "buy pills"}]
    body = assert_own_error(proxy.post(BOOK, APPOINTMENT | {"form": form}), 400, "BadRequest")
    assert body["errors"] == {"form": {"0": {"value": ["must be empty"]}}}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"null", b"\xef\xbb\xbf{}", b"\xff", b"{'a': 1}", b'{"a": NaN}',
     b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}',
     b'{"a": 1e999}', b'{"a": -1e999}', b'{"a": 1' + b"0" * 400 + b"}", b"[" * 60_000,
     b'{"a":' * 9000 + b"1" + b"}" * 9000, '{"a": 1}'.encode("utf-16")],
)  # fmt: skip
def test_a_body_that_is_not_a_valid_json_object_is_a_400(proxy: Client, body: bytes) -> None:
    response = proxy.call("POST", BOOK, data=body, headers=JSON_TYPE)
    assert_own_error(response, 400, "BadRequest")


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/problem+json", "json"],
)
def test_another_content_type_is_a_415(proxy: Client, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = proxy.call("POST", BOOK, data=json.dumps(APPOINTMENT), headers=headers)
    assert_own_error(response, 415, "UnsupportedMediaType")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_a_413_with_or_without_a_length(
    proxy: Client, chunked: bool
) -> None:
    body = b" " * 65537
    response = proxy.call("POST", BOOK, data=iter([body]) if chunked else body, headers=JSON_TYPE)
    assert_own_error(response, 413, "PayloadTooLarge")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_exactly_the_limit_is_read(proxy: Client, chunked: bool) -> None:
    body = b"{}" + b" " * 65534
    response = proxy.call("POST", BOOK, data=iter([body]) if chunked else body, headers=JSON_TYPE)
    assert_own_error(response, 400, "BadRequest")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer ñ", "token"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/cancel"), ("POST", "/reschedule")],
)
def test_an_appointment_needs_a_bearer_token(
    proxy: Client, authorization: str | None, method: str, path: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    response = proxy.call(method, f"/api/appointment{path}", headers=headers)
    body = assert_own_error(response, 401, "NotAuthenticated")
    assert body["message"] == "Authorization header with valid JWT is required."


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("cancel", {"cancelReason": "x" * 1001}, "cancelReason"),
        ("cancel", {"cancelReason": []}, "cancelReason"),
        ("cancel", {"reason": "x"}, "reason"),
        ("reschedule", {}, "date"),
        ("reschedule", {"date": f"{YEAR}-05-06"}, "date"),
        ("reschedule", {"date": f"{YEAR}-05-06T12:00:00Z", "timezone": "UTC"}, "timezone"),
    ],
)
def test_an_invalid_cancellation_or_move_is_rejected_with_the_field(
    proxy: Client, path: str, body: dict[str, object], field: str
) -> None:
    response = proxy.post(f"/api/appointment/{path}", body, headers=bearer("a.b.c"))
    refused = assert_own_error(response, 400, "BadRequest")
    assert set(refused["errors"]) == {field}
    assert f'"{field}"' in refused["message"]


@pytest.mark.parametrize("field", ["date", "startAt", "timezone", "service", "user", "segment"])
def test_an_unknown_field_is_named_even_if_other_routes_have_it(proxy: Client, field: str) -> None:
    cancellation = {"cancelReason": "x", field: "x"}
    move = {"date": f"{YEAR}-05-06T12:00:00Z", field: "x"}
    for path, body in (("cancel", cancellation), ("reschedule", move)):
        if path == "reschedule" and field == "date":
            continue
        response = proxy.post(f"/api/appointment/{path}", body, headers=bearer("a.b.c"))
        refused = assert_own_error(response, 400, "BadRequest")
        assert refused["message"] == f'"{field}" is an unknown field'
        assert (refused.get("data"), refused["errors"]) == (None, {field: ["is an unknown field"]})


@pytest.mark.parametrize(
    "path", ["/", "//", "/api", "/api/", "/api/services/", "/api//services",
             "/favicon.ico", f"/api/services/{JOHN}", f"/api/services//{JOHN}/dates",
             f"/api/agents/{JOHN}/dates", f"/api/services/{JOHN}/dates/", "/api/services/%2fdates",
             "//api/services", "///api/services", "/api%2Fservices", "/api/services%2f"],
)  # fmt: skip
def test_an_unknown_path_is_a_404_and_never_a_redirect(proxy: Client, path: str) -> None:
    status, body = raw(proxy, "GET", path)
    assert (status, body["name"]) == (404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/services", "GET"),
        ("GET", BOOK, "POST"),
        ("DELETE", f"/api/users/{JOHN}/dates", "GET"),
        ("PUT", "/api/appointment", "GET"),
        ("PATCH", "/healthz", "GET"),
    ],
)
def test_an_unsupported_method_is_a_405_with_allow(
    proxy: Client, method: str, path: str, allowed: str
) -> None:
    response = proxy.call(method, path)
    assert_own_error(response, 405, "MethodNotAllowed")
    assert allowed in response.headers["Allow"].split(", ")


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("NONSENSE\r\n\r\n", 400),
        ("GET /api/services?secret=s3cr3t HTTP/9.9\r\n\r\n", 400),
        ("GET /\xe9?secret=s3cr3t HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\ns3cr3t\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n s3cr3t\r\n\r\n", 400),
        (f"GET /{'s3cr3t' * 1500} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX-A: {'s3cr3t' * 2000}\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (f"POST {BOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
         "Transfer-Encoding: chunked\r\n\r\nzz\r\ns3cr3t\r\n0\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_invalid_http_gets_the_usual_error_format_and_is_not_logged(
    proxy: Client, proxy_output: Callable[[], str], request_text: str, status: int
) -> None:
    found, body = exchange(proxy, request_text.encode("latin-1"))
    assert found == status
    assert set(body) == {"name", "message", "code", "className", "errors"}
    assert "s3cr3t" not in proxy_output()


@pytest.mark.parametrize(
    "proxy_process", ["proxy_with_redis"], indirect=True
)  # it is written asynchronously
def test_a_slow_body_is_a_408(proxy: Client) -> None:
    head = f"POST {BOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    status, body = exchange(proxy, f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert (status, body["name"]) == (408, "Timeout")


def raw(proxy: Client, method: str, target: str) -> tuple[int, Any]:
    """Send a request with this exact target, and return the status and the JSON body."""
    head = f"{method} {target} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n"
    return exchange(proxy, f"{head}Content-Length: 0\r\n\r\n".encode())


def exchange(proxy: Client, request: bytes) -> tuple[int, Any]:
    """Send these bytes, and return the status and the JSON body of the first response."""
    port = int(proxy.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())
