"""Cached reads: equivalent requests share an entry, with Cache-Status and ETag."""

import pickle
import re
import time

import pytest
from redis import Redis

from tests.client import AUTOMATIC_SERVICE, JOHN, Client, working_day
from tests.days import YEAR
from tests.processes import Sandbox, dump_all, proxy_server, redis_server

MONTH = [
    f"{YEAR}-05",
    f"{YEAR}-05-01",
    f"{YEAR}-05-31",
    f"{YEAR}-05-17T23:59:59",
    f"{YEAR}-05-17T12:00",
    f"{YEAR}-05-17T12:00:00Z",
    f"{YEAR}-06-01T03:59:59.999Z",
    f"{YEAR}-05-31T23:59:59-04:00",
    f"{YEAR}-05-01T00:00:00-0400",
    f"{YEAR}-05-01T04:00:00.000Z",
    f"{YEAR}-06-01T05:00:00+09",
]
"""May in Santiago, four hours behind UTC."""


def test_all_spellings_of_a_month_share_one_entry(cached_proxy: Client, sandbox: Sandbox) -> None:
    responses = [cached_proxy.dates("services", AUTOMATIC_SERVICE, date) for date in MONTH]
    responses.append(cached_proxy.dates("services", AUTOMATIC_SERVICE.upper(), MONTH[0]))
    assert len({response.content for response in responses}) == 1
    (entry,) = sandbox.request_log()
    assert entry["path"] == f"/public/video-contact-center/services/{AUTOMATIC_SERVICE}/dates"
    assert entry["query"] == f"date={YEAR}-05-01T04%3A00%3A00.000Z&timezone=America%2FSantiago"
    assert responses[0].headers["Cache-Status"] == "videsk-proxy; fwd=miss; stored"
    for response in responses[1:]:
        assert re.fullmatch(r"videsk-proxy; hit; ttl=\d+", response.headers["Cache-Status"])


def test_all_spellings_of_a_day_share_one_entry(cached_proxy: Client, sandbox: Sandbox) -> None:
    for date in (f"{YEAR}-05-17", f"{YEAR}-05-17T23:00:00", f"{YEAR}-05-18T03:59:59Z"):
        assert cached_proxy.hours("users", JOHN, date).status_code == 200
    (entry,) = sandbox.request_log()
    assert entry["query"] == f"date={YEAR}-05-17T04%3A00%3A00.000Z&timezone=America%2FSantiago"


def test_kinds_ids_days_and_zones_have_separate_entries(
    cached_proxy: Client, sandbox: Sandbox
) -> None:
    cached_proxy.dates("users", JOHN, f"{YEAR}-05")
    cached_proxy.dates("services", AUTOMATIC_SERVICE, f"{YEAR}-05")
    cached_proxy.dates("users", JOHN, f"{YEAR}-06")
    cached_proxy.dates("users", JOHN, f"{YEAR}-05", "Europe/Madrid")
    cached_proxy.hours("users", JOHN, f"{YEAR}-05-01")
    assert len(sandbox.request_log()) == 5


def test_unknown_parameters_headers_and_cookies_are_ignored_and_not_forwarded(
    cached_proxy: Client, sandbox: Sandbox
) -> None:
    path = f"/api/users/{JOHN}/dates?date={YEAR}-05&timezone=UTC"
    cached_proxy.get(path)
    again = cached_proxy.get(
        f"{path}&$limit=1&nocache=1",
        headers={"Cache-Control": "no-cache", "Pragma": "no-cache", "Cookie": "a=b"},
    )
    assert "hit" in again.headers["Cache-Status"]
    (entry,) = sandbox.request_log()
    assert "limit" not in str(entry["query"])
    assert "cookie" not in str(entry["headers"])


@pytest.mark.parametrize(
    "path", ["/api/services", f"/api/users/{JOHN}/dates?date={YEAR}-05&timezone=UTC"]
)
def test_a_repeated_read_with_an_etag_is_a_304(proxy: Client, path: str) -> None:
    first = proxy.get(path)
    assert first.status_code == 200
    etag = first.headers["ETag"]
    repeat = proxy.get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (repeat.status_code, repeat.content) == (304, b"")
    expected = {"/api/services": "public, max-age=30"}.get(path, "no-cache")
    for response in (first, repeat):
        assert response.headers["Cache-Control"] == expected
        assert response.headers["ETag"] == etag
        assert "Origin" in response.headers["Vary"].split(", ")
        assert len(response.raw.headers.getlist("Date")) == 1
    changed = proxy.get(path, headers={"If-None-Match": '"other"'})
    assert changed.content == first.content


@pytest.mark.parametrize(
    "path", ["/api/services", f"/api/users/{JOHN}/hours?date={YEAR}-05-06&timezone=UTC"]
)
def test_head_is_get_without_the_body(proxy: Client, path: str) -> None:
    get, head = proxy.get(path), proxy.call("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_entries_expire_after_their_ttl_and_a_ttl_of_0_disables_caching(sandbox: Sandbox) -> None:
    settings = {"SERVICES_TTL": "0", "DATES_TTL": "0.3", "DATES_STALE": "0"}
    with redis_server() as redis, proxy_server(
        sandbox, REDIS_URL=redis.redis_url, **settings
    ) as server:  # fmt: skip
        client = Client(server.url)
        statuses = [client.get("/api/services").headers["Cache-Status"] for _ in range(2)]
        assert statuses == ["videsk-proxy; fwd=miss"] * 2
        assert list(Redis(port=redis.port).scan_iter("*:services")) == []
        assert "stored" in client.dates("users", JOHN, f"{YEAR}-05").headers["Cache-Status"]
        assert "; hit" in client.dates("users", JOHN, f"{YEAR}-05").headers["Cache-Status"]
        time.sleep(0.3)
        again = client.dates("users", JOHN, f"{YEAR}-05")
        assert again.headers["Cache-Status"] == "videsk-proxy; fwd=miss; stored"


def test_without_redis_the_process_caches(sandbox: Sandbox) -> None:
    with proxy_server(sandbox, WEB_CONCURRENCY="4") as server:
        client = Client(server.url)
        first, *repeats = [client.get("/api/services") for _ in range(8)]
        assert "stored" in first.headers["Cache-Status"]
        assert all("; hit" in repeat.headers["Cache-Status"] for repeat in repeats)
        assert server.output().count("Booting worker") == 1
        assert "WEB_CONCURRENCY" in server.output()


def test_nothing_in_redis_is_pickled_and_every_key_expires(
    cached_proxy: Client, redis: Redis
) -> None:
    cached_proxy.get("/api/services")
    cached_proxy.dates("users", JOHN, f"{YEAR}-05")
    held = dump_all(redis)
    assert len(held) >= 2
    for key, value in held.items():
        assert key.startswith(b"videsk-proxy:")
        assert 0 < redis.ttl(key) <= 2 * 86400
        # A dump ends with its version and a checksum: 10 bytes.
        assert not re.search(rb"\x80[\x02-\x05]", value[:-10]), "a pickle starts like this"


def test_keys_of_an_unknown_id_expire_within_a_minute(cached_proxy: Client, redis: Redis) -> None:
    ids = [f"{number:024x}" for number in range(20)]
    for ident in ids:
        assert cached_proxy.hours("services", ident, working_day()).status_code == 404
        assert cached_proxy.dates("users", ident, working_day()).status_code == 404
    left = [
        redis.ttl(key) for key in redis.scan_iter() if any(ident.encode() in key for ident in ids)
    ]
    assert len(left) >= 40
    assert max(left) <= 60


def test_foreign_data_in_redis_is_not_served(
    sandbox: Sandbox, redis: Redis, redis_url: str
) -> None:
    """Use an app without the fast path, so that each read reaches Redis."""
    with proxy_server(sandbox, "tests.e2e.no_fast_path_app:app", REDIS_URL=redis_url) as server:
        client = Client(server.url)
        client.get("/api/services")
        (key,) = [key for key in dump_all(redis) if b"services" in key]
        for poison in (b"!" + pickle.dumps({"a": 1}), b"", b"garbage", b"nan\n[]", b"\xff\xfe"):
            redis.set(key, poison)
            response = client.get("/api/services")
            assert response.json()[0]["title"] == "Asesoría hipotecaria"
            assert response.headers["Cache-Status"] == "videsk-proxy; fwd=miss; stored"


def test_two_accounts_on_one_redis_share_nothing(sandbox: Sandbox, redis_url: str) -> None:
    for key in ("backend", "public"):
        settings = {"REDIS_URL": redis_url, "VIDESK_API_KEY": sandbox.keys[key]}
        with proxy_server(sandbox, **settings) as server:
            assert "stored" in Client(server.url).get("/api/services").headers["Cache-Status"]
