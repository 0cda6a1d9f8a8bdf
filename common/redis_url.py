"""The forms of REDIS_URL: one server, the primary that Sentinel names, or a Redis Cluster."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis import BlockingConnectionPool, RedisError
from redis.connection import parse_url

SERVER, SENTINEL, CLUSTER = "server", "sentinel", "cluster"

HASH_TAG = "{all}"
"""In each key in a Redis Cluster, which keeps all keys with one tag in one slot:
https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
"""

_SEVERAL = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>sentinel|cluster)://((?P<user>[^/?#]*)@)?(?P<hosts>[^@/?#]+)"
    r"(/(?P<path>[^?#]*))?(\?(?P<query>[^#]*))?"
)
_PATHS = {SENTINEL: r"(?P<service>[\w.-]+)(/(?P<db>[0-9]+))?", CLUSTER: r"(?P<service>)(?P<db>0?)"}
_HOST = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:.]+\])(:(?P<port>[0-9]+))?")
_PORTS = {SENTINEL: 26379, CLUSTER: 6379}


@dataclass(frozen=True)
class RedisUrl:
    """A parsed REDIS_URL.

    `server`: redis-py's URL of the server; Sentinel and Cluster give its real address.
    `seeds`: redis-py's URLs of the Sentinels, or of nodes of the cluster.
    `service`: the name of the primary in Sentinel.
    """

    kind: str
    server: str
    seeds: tuple[str, ...] = ()
    service: str = ""

    @property
    def is_encrypted(self) -> bool:
        return self.server.startswith("rediss:")

    @property
    def is_cluster(self) -> bool:
        return self.kind == CLUSTER


def parse(text: str) -> RedisUrl:
    """Parse REDIS_URL. Raises ValueError."""
    found = _SEVERAL.fullmatch(text)
    if not found:
        return RedisUrl(SERVER, _checked(text))
    kind, scheme = found["kind"], found["scheme"]
    path = re.fullmatch(_PATHS[kind], found["path"] or "")
    hosts = [_HOST.fullmatch(host) for host in found["hosts"].split(",")]
    query = parse_qsl(found["query"] or "", strict_parsing=bool(found["query"]))
    if not path or not all(hosts) or "db" in dict(query):
        raise ValueError
    addresses = [f"{host['host']}:{host['port'] or _PORTS[kind]}" for host in hosts if host]
    user = f"{found['user']}@" if found["user"] else ""
    of_server = urlencode([each for each in query if not each[0].startswith("sentinel_")])
    servers = [f"{scheme}://{user}{at}/{path['db'] or 0}?{of_server}" for at in addresses]
    of_sentinel = urlencode([(name.removeprefix("sentinel_"), value) for name, value in query])
    sentinels = [f"{scheme}://{at}?{of_sentinel}" for at in addresses]
    seeds = tuple(map(_checked, sentinels if kind == SENTINEL else servers))
    return RedisUrl(kind, _checked(servers[0]), seeds, path["service"])


def _checked(url: str) -> str:
    """Return the URL of one server. Raises ValueError if redis-py cannot use it."""
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py's
    odd = urlsplit(url).port == 0 or re.search(r"\s", url)
    if odd or not (options.get("host") or options.get("path")):
        raise ValueError
    try:
        BlockingConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, RedisError) as error:  # a parameter that does not exist
        raise ValueError from error
    return url
