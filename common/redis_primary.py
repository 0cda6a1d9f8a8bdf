"""Find the primary by querying Sentinel or a Redis Cluster.

Only the health check's thread does this. Connections use the address that it found last.
"""

from collections import Counter, deque
from typing import Any, Protocol

from redis import Connection, Redis, RedisError, SSLConnection
from redis import ConnectionError as RedisConnectionError
from redis.cluster import ClusterNode, NodesManager
from redis.crc import key_slot
from redis.exceptions import RedisClusterException

from common.redis_url import HASH_TAG

Address = tuple[str, int]


class NoPrimaryError(RedisError):
    """The Sentinels that respond do not agree on a primary."""


class UnknownServiceError(RedisError):
    """The Sentinels have no primary of that name."""


class NoClusterError(RedisError):
    """The server is not a node of a Redis Cluster."""


class Primary(Protocol):
    """`address`: of the primary, or None while it is not known."""

    address: Address | None

    def find(self) -> None:
        """Set `address`. Raises RedisError or OSError."""


class SentinelPrimary:
    """The primary named by a majority of the Sentinels.

    A single Sentinel may still name the old primary, which accepts writes for some seconds after a
    failover, and for as long as it is cut off from the others. So the primary is looked up
    before each health check.
    """

    def __init__(self, sentinels: list[Redis], service: str) -> None:
        self.address: Address | None = None
        self._sentinels = deque(sentinels)
        self._service = service

    def find(self) -> None:
        votes: Counter[Address | None] = Counter()
        error: Exception = NoPrimaryError()
        for sentinel in tuple(self._sentinels):
            try:
                vote = self._ask(sentinel)
            except (RedisError, OSError) as raised:
                self._sentinels.remove(sentinel)
                self._sentinels.append(sentinel)  # try the others first from now on
                error = raised
                continue
            votes[vote] += 1
            if votes[vote] > len(self._sentinels) // 2:
                self.address = vote
                if vote is None:
                    raise UnknownServiceError
                return
        self.address = None
        raise error

    def _ask(self, sentinel: Redis) -> Address | None:
        found: Any = sentinel.sentinel_get_master_addr_by_name(self._service, return_responses=True)
        return (found[0].decode(), found[1]) if found else None


class ClusterPrimary:
    """The primary that owns the slot of HASH_TAG, in which all keys are.

    `nodes`: redis-py's options for connections to some nodes, of which it finds the others.
    """

    def __init__(self, nodes: list[dict[str, Any]]) -> None:
        self.address: Address | None = None
        self._nodes = [(options["host"], options["port"]) for options in nodes]
        self._options = {name: nodes[0][name] for name in nodes[0].keys() - {"host", "port"}}
        self._cluster: NodesManager | None = None

    def find(self) -> None:
        if self.address:  # a primary that loses the slot rejects commands
            return
        try:
            self.address = self._ask()
        except RedisClusterException as error:
            cause = error.__cause__
            if isinstance(cause, RedisClusterException):
                raise NoClusterError from error
            raise cause if isinstance(cause, RedisError) else RedisConnectionError from error

    def _ask(self) -> Address:
        if self._cluster:
            self._cluster.initialize(additional_startup_nodes_info=self._nodes)
        else:
            nodes = [ClusterNode(*address) for address in self._nodes]  # type: ignore[no-untyped-call]
            self._cluster = NodesManager(nodes, from_url=True, **self._options)
        node = self._cluster.get_node_from_slot(key_slot(HASH_TAG.encode()))
        return node.host, node.port


class PrimaryConnection(Connection):
    """A connection to the address that `primary` found last."""

    def __init__(self, *, primary: Primary, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._primary = primary

    def _connect(self) -> Any:
        if not self._primary.address:
            raise RedisConnectionError("the primary is not known")
        self.host, self.port = self._primary.address
        return super()._connect()  # type: ignore[no-untyped-call]


class PrimaryTLSConnection(PrimaryConnection, SSLConnection):
    """A PrimaryConnection over TLS."""
