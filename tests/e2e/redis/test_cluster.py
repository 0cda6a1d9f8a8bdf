"""Redis Cluster: all keys are in one slot, and its primary is found through any node."""

import logging
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from common.resilient_redis import ResilientRedis
from tests.client import JOHN, Client, bearer, working_day
from tests.e2e.fleet import wait_until
from tests.e2e.redis.topologies import SLOT, Cluster, client, cluster, run
from tests.e2e.test_redis_commands import documented_user
from tests.processes import Sandbox, ServerProcess, proxy_server, redis_server
from tests.timing import TIMING

pytestmark = TIMING


@pytest.fixture
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("redis")) as topology:
        yield topology


def move_slot(source: ServerProcess, target: ServerProcess, nodes: list[ServerProcess]) -> None:
    """Move SLOT to another node as `redis-cli --cluster reshard` does."""
    ids = {node.port: run(node, "CLUSTER", "MYID").decode() for node in (source, target)}
    run(target, "CLUSTER", "SETSLOT", SLOT, "IMPORTING", ids[source.port])
    run(source, "CLUSTER", "SETSLOT", SLOT, "MIGRATING", ids[target.port])
    while keys := run(source, "CLUSTER", "GETKEYSINSLOT", SLOT, 100):
        run(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for node in (target, source, *nodes):
        run(node, "CLUSTER", "SETSLOT", SLOT, "NODE", ids[target.port])


def test_all_keys_are_on_one_node(topology: Cluster, sandbox: Sandbox) -> None:
    settings = {"WEBHOOK_SECRET": "a-long-secret", "HOURS_TTL": "1"}
    with proxy_server(sandbox, REDIS_URL=topology.url, **settings) as server:
        visitor = Client(server.url)
        start = visitor.hours("users", JOHN, working_day()).json()[0]
        booked = visitor.book("users", JOHN, start).json()
        assert start not in visitor.hours("users", JOHN, working_day()).json()
        visitor.book("users", JOHN, start, headers={"X": "1"})
        visitor.post("/api/appointment/cancel", {}, headers=bearer(booked["actionToken"]))
        visitor.post("/hooks/videsk", {}, headers={"X-Webhook-Secret": "a-long-secret"})
        assert visitor.get("/readyz").json()["redis"] == "ok"
        assert "Redis is unavailable" not in server.output()
    keys: Any = client(topology.primary()).keys()
    assert len(keys) > 10
    assert {key.rpartition(b"{all}:")[0] for key in keys} == {b"videsk-proxy:"}
    assert [client(node).dbsize() for node in topology.nodes[1:3]] == [0, 0]


def test_the_documented_acl_user_has_all_permissions(topology: Cluster) -> None:
    for node in topology.nodes:
        run(node, *documented_user(0))
    resilient_redis = ResilientRedis(
        topology.url.replace("//", "//videsk:PASSWORD@"), verify_tls=True
    )
    assert resilient_redis.call(
        lambda: resilient_redis.client.set("videsk-proxy:{all}:tests", b"v")
    )
    wait_until(lambda: resilient_redis.has_replica)


def test_the_primary_is_found_without_the_node_of_the_url(topology: Cluster) -> None:
    resilient_redis = ResilientRedis(topology.url, verify_tls=True)
    assert resilient_redis.call(resilient_redis.client.ping)
    topology.nodes[1].process.send_signal(signal.SIGKILL)
    run(topology.replica(), "CLUSTER", "FAILOVER", "TAKEOVER")  # needs no votes
    wait_until(lambda: resilient_redis.outages == 1)
    wait_until(lambda: not resilient_redis.unavailable, seconds=5)
    resilient_redis.call(lambda: resilient_redis.client.set("videsk-proxy:{all}:tests", b"v"))
    assert client(topology.primary()).exists("videsk-proxy:{all}:tests")


def test_the_client_follows_a_slot_that_moves(topology: Cluster) -> None:
    resilient_redis = ResilientRedis(topology.url, verify_tls=True)
    resilient_redis.call(lambda: resilient_redis.client.set("videsk-proxy:{all}:tests", b"v"))
    move_slot(topology.nodes[0], topology.nodes[2], topology.nodes[1:2])
    wait_until(lambda: resilient_redis.outages == 1)
    wait_until(lambda: not resilient_redis.unavailable, seconds=5)
    assert (
        resilient_redis.call(lambda: resilient_redis.client.get("videsk-proxy:{all}:tests")) == b"v"
    )
    assert client(topology.nodes[2]).exists("videsk-proxy:{all}:tests")


def test_a_server_outside_a_cluster_is_rejected_with_a_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server() as server, caplog.at_level(logging.ERROR, "videsk_proxy.redis"):
        resilient_redis = ResilientRedis(
            f"redis+cluster://127.0.0.1:{server.port}", verify_tls=True
        )
        wait_until(lambda: caplog.messages)
    assert resilient_redis.unavailable
    assert "outside a Redis Cluster: use redis://" in caplog.text
