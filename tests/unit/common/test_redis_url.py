"""The forms of REDIS_URL. For invalid ones, see tests/unit/settings/test_settings.py."""

import pytest
from redis.connection import parse_url

from common.redis_url import CLUSTER, SENTINEL, SERVER, RedisUrl, parse

PASSWORD = "s3cr3t%2Fof%40redis"


def options(url: str) -> dict[str, object]:
    """Return redis-py's options for the URL, without the connection class of TLS."""
    found: dict[str, object] = parse_url(url)  # type: ignore[no-untyped-call]
    found.pop("connection_class", None)
    return found


@pytest.mark.parametrize("url", ["redis://:pw@host:7000/3", "rediss://host", "unix:///run/r.sock"])
def test_the_url_of_a_single_server_is_left_to_redis_py(url: str) -> None:
    assert parse(url) == RedisUrl(SERVER, url)
    assert parse(url).is_encrypted == url.startswith("rediss")


def test_sentinels_do_not_get_the_password_of_redis() -> None:
    url = parse(f"redis+sentinel://me:{PASSWORD}@one,two.example:7000,[::1]/my.service-1/3")
    assert (url.kind, url.service, url.is_encrypted) == (SENTINEL, "my.service-1", False)
    server = options(url.server)
    assert (server["username"], server["password"], server["db"]) == ("me", "s3cr3t/of@redis", 3)
    assert [options(seed) for seed in url.seeds] == [
        {"host": "one", "port": 26379},
        {"host": "two.example", "port": 7000},
        {"host": "::1", "port": 26379},
    ]


def test_sentinels_get_their_own_user_and_password() -> None:
    query = "sentinel_username=guard&sentinel_password=a%2Fb&socket_keepalive=no"
    url = parse(f"rediss+sentinel://:pw@one/service?{query}")
    assert options(url.server) == {
        "host": "one", "port": 26379, "password": "pw", "db": 0, "socket_keepalive": False,
    }  # fmt: skip
    assert options(url.seeds[0]) == {
        "host": "one", "port": 26379, "username": "guard", "password": "a/b",
        "socket_keepalive": False,
    }  # fmt: skip
    assert url.is_encrypted
    assert url.seeds[0].startswith("rediss://")


@pytest.mark.parametrize("path", ["", "/", "/0"])
def test_nodes_of_a_cluster_get_the_password(path: str) -> None:
    url = parse(f"redis+cluster://:pw@one:7000,two{path}")
    assert (url.kind, url.is_cluster) == (CLUSTER, True)
    assert [options(seed) for seed in url.seeds] == [
        {"host": "one", "port": 7000, "password": "pw", "db": 0},
        {"host": "two", "port": 6379, "password": "pw", "db": 0},
    ]
    assert not parse("redis://one").is_cluster
