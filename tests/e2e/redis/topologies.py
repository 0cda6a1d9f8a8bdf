"""Start real Sentinels with a primary and a replica, or a real Redis Cluster with a replica."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from redis import Redis, RedisError
from redis.crc import key_slot

from common.redis_url import HASH_TAG
from tests.e2e.fleet import wait_until
from tests.processes import ServerProcess, free_port, redis_server, running_server

SERVICE = "bookings"
DOWN_MILLISECONDS = 1000
"""The time after which a primary that does not respond is replaced, with Sentinel or in a cluster."""

SLOT = key_slot(HASH_TAG.encode())


def client(server: ServerProcess) -> Redis:
    return Redis(port=server.port, socket_timeout=5)


def run(server: ServerProcess, *command: object) -> Any:
    return client(server).execute_command(*command)  # type: ignore[no-untyped-call]


def replication(server: ServerProcess) -> dict[str, Any]:
    """Return its INFO replication, or an empty dict if it does not respond."""
    try:
        info: dict[str, Any] = Redis(port=server.port, socket_timeout=0.2).info("replication")
    except (RedisError, OSError):
        return {}
    return info


class Topology(Protocol):
    """A primary and its replica (`servers`), with something that fails over between them."""

    servers: list[ServerProcess]

    @property
    def url(self) -> str: ...

    def primary(self) -> ServerProcess: ...

    def fail_over(self) -> None:
        """Promote the replica by hand."""

    def restore_replication(self) -> None:
        """Make an old primary a replica of the new one, which otherwise takes some seconds."""

    def is_replicated(self) -> bool:
        """Whether all servers have discovered each other, and the replica is in sync."""


class Sentinels:
    """A primary, its replica and Sentinels."""

    def __init__(self, servers: list[ServerProcess], sentinels: list[ServerProcess]) -> None:
        self.servers = servers
        self.sentinels = sentinels

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def primary_ports(self) -> list[int]:
        """Return the port of the primary according to each Sentinel."""
        states: list[Any] = [client(each).sentinel_master(SERVICE) for each in self.sentinels]
        return [state["port"] for state in states]

    def primary(self) -> ServerProcess:
        return next(server for server in self.servers if server.port == self.primary_ports()[0])

    def fail_over(self) -> None:
        """Promote the replica. The old primary accepts writes for about ten more seconds."""
        client(self.sentinels[0]).sentinel_failover(SERVICE)

    def restore_replication(self) -> None:
        port = self.primary_ports()[0]
        for server in self.servers:
            if server.port != port:
                client(server).replicaof("127.0.0.1", port)

    def is_replicated(self) -> bool:
        for sentinel in map(client, self.sentinels):
            state: Any = sentinel.sentinel_master(SERVICE)
            replicas: Any = sentinel.sentinel_slaves(SERVICE)
            flags = [replica["flags"] for replica in replicas]
            if state["num-other-sentinels"] + 1 < len(self.sentinels) or flags != ["slave"]:
                return False
        return has_synchronized(self.servers)


def has_synchronized(servers: list[ServerProcess]) -> bool:
    return "up" in [replication(server).get("master_link_status") for server in servers]


@contextmanager
def sentinels(folder: Path, *options: str) -> Iterator[Sentinels]:
    """Start a primary, its replica and three Sentinels."""
    options = ("--repl-diskless-sync-delay", "0", "--dir", str(folder), *options)
    with ExitStack() as stack:
        primary = stack.enter_context(redis_server(None, *options))
        follows = ("--replicaof", f"127.0.0.1 {primary.port}")
        servers = [primary, stack.enter_context(redis_server(None, *options, *follows))]
        started = [stack.enter_context(_sentinel(folder, primary.port)) for _ in range(3)]
        topology = Sentinels(servers, started)
        wait_until(topology.is_replicated, seconds=20)
        yield topology


@contextmanager
def _sentinel(folder: Path, primary: int) -> Iterator[ServerProcess]:
    port = free_port()
    config = folder / f"sentinel-{port}.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2\n"
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_MILLISECONDS}\n"
        f"sentinel failover-timeout {SERVICE} 5000\n"
    )
    with running_server(["redis-server", str(config), "--sentinel"], port) as server:
        yield server


class Cluster:
    """Three primaries, and a replica of the primary that owns SLOT."""

    def __init__(self, nodes: list[ServerProcess]) -> None:
        self.nodes = nodes
        self.servers = [nodes[0], nodes[-1]]

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.nodes[1].port}"

    def primary(self) -> ServerProcess:
        return next(
            server for server in self.servers if replication(server).get("role") == "master"
        )

    def replica(self) -> ServerProcess:
        return next(server for server in self.servers if replication(server).get("role") == "slave")

    def fail_over(self) -> None:
        run(self.replica(), "CLUSTER", "FAILOVER")

    def restore_replication(self) -> None: ...

    def is_replicated(self) -> bool:
        return has_synchronized(self.servers)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start the nodes and join them."""
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(DOWN_MILLISECONDS)]
    options += ["--repl-diskless-sync-delay", "0", "--dir", str(folder)]
    options += ["--cluster-require-full-coverage", "no"]
    with ExitStack() as stack:
        buses = [free_port() for _ in range(4)]
        nodes = [
            stack.enter_context(
                redis_server(
                    None, *options, "--cluster-port", str(bus), "--cluster-config-file", f"{bus}"
                )
            )
            for bus in buses
        ]
        ranges = ((0, SLOT), (SLOT + 1, (SLOT + 16384) // 2), ((SLOT + 16384) // 2 + 1, 16383))
        for number, (node, slots) in enumerate(zip(nodes, ranges, strict=False)):
            run(node, "CLUSTER", "ADDSLOTSRANGE", *slots)
            run(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, bus in zip(nodes[1:], buses[1:], strict=True):
            run(nodes[0], "CLUSTER", "MEET", "127.0.0.1", node.port, bus)

        def is_joined() -> bool:
            infos = [run(node, "CLUSTER INFO") for node in nodes]
            return all((i["cluster_state"], i["cluster_known_nodes"]) == ("ok", "4") for i in infos)

        wait_until(is_joined, seconds=20)
        run(nodes[-1], "CLUSTER", "REPLICATE", run(nodes[0], "CLUSTER", "MYID").decode())
        topology = Cluster(nodes)
        wait_until(topology.is_replicated, seconds=20)
        yield topology
