"""Only cached reads are compressed, for clients that accept it."""

import gzip
import json

import brotli
import pytest
import requests

from tests.client import FIRST_SERVICE, FORM, JOHN, ZONE, Client
from tests.days import YEAR
from tests.processes import Sandbox

LONG = "/api/services"
SHORT = f"/api/users/{JOHN}/dates?date={YEAR}-05&timezone=UTC"
DECODED = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}


def raw(
    client: Client, path: str, accepted: str, **headers: str
) -> tuple[requests.Response, bytes]:
    """Return the response and its undecoded body."""
    headers = {"Accept-Encoding": accepted, **headers}
    response = requests.get(client.url + path, headers=headers, stream=True, timeout=10)
    return response, response.raw.read(decode_content=False)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("br, gzip", "br"), ("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("identity", None),
        ("gzip;q=0.5, br;q=0.1", "gzip"), ("", None), ("*", "br"), ("deflate", None),
        ("br;q=0", None), ("br;q=0, gzip", "gzip"), ("br;q=0, *", "gzip"), ("br;q=0,gzip;q=0.000", None),
        ("*;q=0", None), ("identity, br;q=0.5", None), ("br ; q=0", None), ("BR", "br"),
    ],
)  # fmt: skip
def test_a_long_response_uses_the_coding_that_the_client_prefers(
    proxy: Client, accepted: str, encoding: str | None
) -> None:
    plain = proxy.get(LONG, headers={"Accept-Encoding": "identity"}).content
    assert len(plain) > 1024
    for _ in range(3):  # from Videsk, from the cache, and by the fast path
        response, body = raw(proxy, LONG, accepted)
        assert response.headers.get("Content-Encoding") == encoding
        assert int(response.headers["Content-Length"]) == len(body)
        assert DECODED[encoding](body) == plain
        assert {"Origin", "Accept-Encoding"} <= set(response.headers["Vary"].split(", "))
        if encoding:
            assert len(body) < len(plain) / 2


def test_a_short_response_is_not_compressed(proxy: Client) -> None:
    response, body = raw(proxy, SHORT, "br, gzip")
    assert "Content-Encoding" not in response.headers
    assert json.loads(body)


def test_each_coding_has_its_own_etag_that_revalidates(proxy: Client) -> None:
    tags = {}
    for accepted in ("br", "gzip", "identity"):
        response, _ = raw(proxy, LONG, accepted)
        tags[accepted] = response.headers["ETag"]
    assert len(set(tags.values())) == 3
    for accepted, tag in tags.items():
        for _ in range(3):
            response, body = raw(proxy, LONG, accepted, **{"If-None-Match": tag})
            assert (response.status_code, body) == (304, b"")


def test_responses_with_tokens_are_never_compressed(proxy: Client) -> None:
    hour = proxy.hours("users", JOHN, f"{YEAR}-05-06").json()[0]
    booked = requests.post(
        f"{proxy.url}/api/users/{JOHN}/appointments",
        json={"startAt": hour, "timezone": ZONE, "form": FORM, "service": FIRST_SERVICE},
        headers={"Accept-Encoding": "br, gzip"},
        timeout=10,
    )
    assert booked.status_code == 201
    assert len(booked.content) > 1024
    assert "Content-Encoding" not in booked.headers


def test_a_head_request_gets_the_same_headers(proxy: Client, sandbox: Sandbox) -> None:
    head = requests.head(proxy.url + LONG, headers={"Accept-Encoding": "gzip"}, timeout=10)
    response, body = raw(proxy, LONG, "gzip")
    assert head.headers["Content-Encoding"] == "gzip"
    assert int(head.headers["Content-Length"]) == len(body)
    assert head.headers["ETag"] == response.headers["ETag"]
