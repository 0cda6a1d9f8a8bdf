"""Simulated failures: the active faults, and the responses that they send.

The first fault that matches a request applies, in the order in which they were added; so two faults
with `times` follow one another. A fault stands for a failure between the caller and Videsk: its
response has no Ratelimit headers. Videsk's own errors are `VideskError`s in bodies.py.

To add one, list it here, and add a response to `_RESPONSES`, a failure of the connection to
`SOCKET_FAULTS` and sockets.py, or a change of the real response to `_NAMES` and
fault_middleware.py.

    delay       the real response, `seconds` late (1)
    interim     the real response, after interim responses 102 and 103
    hang        nothing for `seconds` (120), then the connection closes
    reset       TCP reset                        close       closed without a response
    cut         fewer bytes than Content-Length  redirect    302 to /elsewhere
    drip        the body, one byte every `seconds` (1)
    drip-head   status line and headers, one byte every `seconds` (1)
    html        200, text/html                   empty       200, JSON, no body
    no-content  204                              nan         200, [NaN], which is not JSON
    not-utf8    200, JSON in an invalid encoding   huge        200, a JSON string over 4 MiB
    leak        400, a message that repeats the Authorization header
    leak-twice  the same, in the first of two members of one name
    leak-escaped  the same, in a member's name, each character as \\u and four digits
    status      `status`, and `body` (JSON) or `text`, `headers`, `content_type`; `seconds` late (0)
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

from sandbox import sockets
from sandbox.bodies import CONTENT_TYPE, VideskError

_RESPONSES: dict[str, Callable[[], Response]] = {
    "html": lambda: Response(
        "<!doctype html><title>Maintenance</title><p>Back soon.", content_type="text/html"
    ),
    "empty": lambda: Response("", content_type=CONTENT_TYPE),
    "no-content": lambda: Response(status=204),
    "redirect": lambda: Response(status=302, headers={"Location": "/elsewhere"}),
    "nan": lambda: Response("[NaN]", content_type=CONTENT_TYPE),
    "not-utf8": lambda: Response(b'["\xff\xfe"]', content_type=CONTENT_TYPE),
    "huge": lambda: Response(f'"{"a" * (5 << 20)}"', content_type=CONTENT_TYPE),
}

# By name: the function that sends it, the default seconds, and the status that callers may see.
SOCKET_FAULTS: dict[str, tuple[Callable[[Any, float], Any], float, int | None]] = {
    "hang": (sockets.hang, 120, None),
    "reset": (sockets.reset, 0, None),
    "close": (sockets.close, 0, None),
    "cut": (sockets.cut, 0, 200),
    "drip": (sockets.drip, 1, 200),
    "drip-head": (sockets.drip_head, 1, 200),
}

_LEAKS: dict[str, Callable[[str], Response]] = {
    "leak": lambda text: VideskError(400, f"Could not verify {text}").response(),
    "leak-twice": lambda text: _bad_request(f'{{"message": {json.dumps(text)}, "message": "x"}}'),
    "leak-escaped": lambda text: _bad_request(f'{{"{_escaped(text)}": null}}'),
}

_NAMES = ("delay", "interim", "status", *_LEAKS, *_RESPONSES, *SOCKET_FAULTS)
_BODILESS = (204, 304)
_DEFAULT_SECONDS = {"delay": 1.0} | {
    name: send_fault[1] for name, send_fault in SOCKET_FAULTS.items()
}


class ControlError(Exception):
    """A request to a control route is invalid; the message gives the reason."""


@dataclass
class Fault:
    """One simulated failure.

    `path`: a part of the request's path. `times`: how often it still applies (None: until cleared).
    `after`: the request is executed before its response is lost.
    """

    fault: str
    path: str = ""
    method: str | None = None
    times: int | None = None
    seconds: float = 0
    after: bool = False
    status: int = 500
    content: str = ""
    content_type: str = CONTENT_TYPE
    headers: dict[str, str] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        return self.path in path and self.method in (None, method)

    def response(self, authorization: str) -> Response:
        """Return the response of a fault that sends one."""
        if self.fault in _LEAKS:
            return _LEAKS[self.fault](authorization)
        if self.fault == "status":
            response = Response(self.content, self.status, content_type=self.content_type)
            response.headers.update(self.headers)
            return response
        return _RESPONSES[self.fault]()


class Faults:
    """The active faults, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def reset(self) -> None:
        self._faults.clear()

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def active(self) -> list[Fault]:
        return list(self._faults)

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that applies to this request, if any, and count it down."""
        for fault in self._faults:
            if fault.matches(method, path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None


def parse_fault(control: Mapping[str, Any]) -> Fault:
    """Parse the body of `POST /__sandbox__/faults`. Raises ControlError."""
    name = control.get("fault")
    if name not in _NAMES:
        raise ControlError(f'"fault" must be one of {", ".join(sorted(_NAMES))}')
    fields = _STATUS_FIELDS if name == "status" else _FIELDS
    unknown = sorted(set(control) - set(fields) - {"fault"})
    if unknown:
        raise ControlError(f"{name} does not take {', '.join(unknown)}, but {', '.join(fields)}")
    fault = Fault(name, seconds=_DEFAULT_SECONDS.get(name, 0))
    for key, (is_good, what) in fields.items():
        if key in control:
            if not is_good(control[key]):
                raise ControlError(f'"{key}" must be {what}')
            if key == "body":
                fault.content = json.dumps(control[key], ensure_ascii=False)
            else:
                setattr(fault, "content" if key == "text" else key, control[key])
    if {"body", "text"} <= set(control):
        raise ControlError('give "body" or "text", not both')
    if fault.status in _BODILESS and fault.content:
        raise ControlError(f"a {fault.status} has no body")
    if fault.method:
        fault.method = fault.method.upper()
    return fault


def _bad_request(text: str) -> Response:
    return Response(text, 400, content_type=CONTENT_TYPE)


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04X}" for character in text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_one_line(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        name and _is_one_line(name) and _is_one_line(text) for name, text in value.items()
    )


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "path": (_is_text, "a part of the path"),
    "method": (_is_text, "an HTTP method"),
    "times": (lambda it: type(it) is int and it > 0, "a whole number above 0"),
    "seconds": (lambda it: _is_number(it) and 0 <= it <= 3600, "a number from 0 to 3600"),
    "after": (lambda it: isinstance(it, bool), "true or false"),
}

_STATUS_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **_FIELDS,
    "status": (lambda it: type(it) is int and 200 <= it <= 599, "a number from 200 to 599"),
    "body": (lambda _: True, "any JSON"),
    "text": (_is_text, "a text"),
    "headers": (_are_headers, "an object of header lines in ASCII"),
    "content_type": (_is_one_line, "a line of ASCII"),
}
