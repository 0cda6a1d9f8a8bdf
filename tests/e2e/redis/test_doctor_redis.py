"""`python -m doctor` checks Redis: Sentinels, cluster, role, eviction and TLS."""

import signal
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.e2e.redis.topologies import cluster, sentinels
from tests.e2e.test_doctor import SECRET_MARK, run_doctor
from tests.processes import Sandbox, ServerProcess, redis_server


def test_a_redis_cluster_is_ok(sandbox: Sandbox, tmp_path: Path) -> None:
    with cluster(tmp_path) as topology:
        report = run_doctor(sandbox, REDIS_URL=topology.url)
        primary = topology.primary().port
    assert report.of("Redis Cluster").endswith(f"node 127.0.0.1:{primary} holds all keys")
    assert topology.url in report.of("Redis")
    assert "with a replica" in report.of("Redis role")
    assert report.status == 0


def test_the_sentinels_are_checked(sandbox: Sandbox, tmp_path: Path) -> None:
    with sentinels(tmp_path) as topology:
        url = topology.url.replace("//", f"//someone:{SECRET_MARK}@")
        assert "password is wrong or missing" in run_doctor(sandbox, REDIS_URL=url).of("Redis")
        report = run_doctor(sandbox, REDIS_URL=topology.url)
        primary = topology.primary().port
        assert "3 of 3 Sentinels" in report.of("Redis Sentinel")
        assert report.of("Redis Sentinel").endswith(f"primary 127.0.0.1:{primary}")
        assert report.of("REDIS_URL").endswith(f"{topology.url} (environment)")
        assert report.status == 0
        sentinel = f"127.0.0.1:{topology.sentinels[0].port}"
        service = topology.url.rpartition("/")[2]
        few = run_doctor(sandbox, REDIS_URL=f"redis+sentinel://{sentinel}/{service}").of(
            "Redis Sentinel"
        )
        assert few.startswith("warn")
        assert "1 of 3 Sentinels are in REDIS_URL" in few
        other = run_doctor(sandbox, REDIS_URL=topology.url.replace(service, "other"))
        assert "no primary of that name" in other.of("Redis")
        topology.sentinels[0].process.send_signal(signal.SIGKILL)
        found = run_doctor(sandbox, REDIS_URL=topology.url).of("Redis Sentinel")
        assert found.startswith("warn")
        assert "2 of 3 Sentinels in REDIS_URL respond" in found
        replica = next(server for server in topology.servers if server.port != primary)
        report = run_doctor(sandbox, REDIS_URL=replica.redis_url)
        assert "leads to a replica" in report.of("Redis")


@pytest.mark.parametrize(
    ("policy", "level"), [("noeviction", "ok  "), ("volatile-lru", "warn"), ("allkeys-lru", "FAIL")]
)
def test_an_eviction_policy_that_may_drop_records_is_reported(
    sandbox: Sandbox, policy: str, level: str
) -> None:
    with redis_server(None, "--maxmemory-policy", policy) as server:
        found = run_doctor(sandbox, REDIS_URL=server.redis_url).of("Redis eviction")
    assert found.startswith(level)
    assert policy in found


def test_a_user_without_permission_for_wait_is_a_warning(sandbox: Sandbox, tmp_path: Path) -> None:
    with sentinels(tmp_path) as topology:
        primary = topology.primary()
        rights: dict[str, Any] = {"keys": ["*"], "commands": ["+@all", "-wait"]}
        Redis(port=primary.port).acl_setuser(
            "app", enabled=True, passwords=f"+{SECRET_MARK}", **rights
        )
        url = primary.redis_url.replace("//", f"//app:{SECRET_MARK}@")
        found = run_doctor(sandbox, REDIS_URL=url).of("Redis role")
    assert found.startswith("warn")
    assert "WAIT" in found


def test_tls_to_a_port_without_tls_is_detected(
    sandbox: Sandbox, redis_process: ServerProcess
) -> None:
    url = redis_process.redis_url.replace("redis:", "rediss:")
    report = run_doctor(sandbox, REDIS_URL=url)
    assert "does not use TLS at this port" in report.of("Redis")
