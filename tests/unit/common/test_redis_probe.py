"""Which Redis servers can be used, and the error messages for others."""

from typing import Any

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import ReadOnlyError
from redis.exceptions import AuthenticationError, NoPermissionError

from common.redis_probe import (
    KEY,
    REQUIRED_COMMANDS,
    RedisClusterError,
    RedisReplicaError,
    RedisSentinelError,
    explain,
    handshake,
    has_replica,
    run_required_commands,
)


class Connection:
    """A connection whose server sends this INFO."""

    def __init__(self, info: bytes) -> None:
        self.info = info
        self.log: list[Any] = []

    def on_connect(self) -> None:
        self.log.append("authenticated")

    def send_command(self, *command: str) -> None:
        self.log.append(command)

    def read_response(self) -> bytes:
        return self.info


def test_a_handshake_authenticates_and_returns_the_server_process() -> None:
    connection = Connection(
        b"# Server\r\nredis_mode:standalone\r\nrun_id:abc123\r\nrole:master\r\n"
    )
    assert handshake(connection) == "abc123"
    assert connection.log == ["authenticated", ("INFO",)]
    assert handshake(Connection(b"")) == "unknown"


@pytest.mark.parametrize("name", ["redis_mode", "server_mode"])  # the latter is from Valkey
def test_a_cluster_node_is_rejected_unless_a_cluster_is_configured(name: str) -> None:
    node = Connection(f"{name}:cluster\r\nrun_id:abc\r\n".encode())
    with pytest.raises(RedisClusterError):
        handshake(node)
    assert handshake(node, is_cluster=True) == "abc"


def test_a_sentinel_is_rejected() -> None:
    with pytest.raises(RedisSentinelError):
        handshake(Connection(b"redis_mode:sentinel\r\nrun_id:abc\r\n"))


@pytest.mark.parametrize(
    ("replicas", "connected"),
    [
        ({}, False),
        ({"slave0": {"state": "online"}}, True),
        ({"slave0": {"state": "send_bulk"}}, False),
    ],
)
def test_a_replica_counts_after_its_first_synchronization(
    replicas: dict[str, object], connected: bool
) -> None:
    client: Any = Client(replication={"role": "master", "connected_slaves": 1, **replicas})
    assert has_replica(client) == connected


def test_a_replica_is_not_a_primary() -> None:
    with pytest.raises(RedisReplicaError):
        handshake(Connection(b"redis_mode:standalone\r\nrole:slave\r\nrun_id:abc\r\n"))


class Client:
    """A redis-py client that records each command; `denied` may not be run."""

    def __init__(self, denied: str = "", replication: dict[str, Any] | None = None) -> None:
        self.denied = denied
        self.replication = replication
        self.commands: list[tuple[Any, ...]] = []
        self.scripts = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None: ...

    def pipeline(self, *, transaction: bool) -> "Client":
        return self

    def execute_command(self, *command: Any) -> None:
        self.commands.append(command)

    def info(self, section: str) -> dict[str, Any] | None:
        return self.replication

    def execute(self) -> None:
        if self.denied in [command[0] for command in self.commands]:
            raise NoPermissionError(f"User has no permissions to run the '{self.denied}' command")

    def eval(self, text: str, keys: int) -> None:
        self.scripts += 1

    def register_script(self, text: str) -> Any:
        def run(keys: list[str], args: list[str]) -> None:
            self.scripts += 1

        return run


def test_every_command_is_tried_and_scripts_by_text_and_by_hash() -> None:
    client: Any = Client()
    run_required_commands(client)
    assert client.commands == list(REQUIRED_COMMANDS)
    assert client.scripts == 2
    keys = {command[1] for command in REQUIRED_COMMANDS if len(command) > 1}
    assert all(str(key).startswith(KEY) for key in keys), "only on its own keys"


def test_a_denied_command_is_raised_and_named() -> None:
    client: Any = Client(denied="LPOP")
    with pytest.raises(NoPermissionError) as raised:
        run_required_commands(client)
    assert "'LPOP'" in (explain(raised.value) or "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AuthenticationError("hunter2"), "wrong user name or password"),
        (RedisClusterError(), "redis+cluster://"),
        (RedisSentinelError(), "redis+sentinel://"),
        (RedisReplicaError(), "a replica"),
        (ReadOnlyError("hunter2"), "a replica"),
        (NoPermissionError("hunter2"), "has no permission to use it"),
        (NoPermissionError("no permissions to access one of the keys"), "access one of the keys"),
    ],
)
def test_configuration_errors_are_explained_without_secrets(error: Exception, text: str) -> None:
    explanation = explain(error) or ""
    assert text in explanation
    assert "hunter2" not in explanation


def test_an_outage_is_not_a_configuration_error() -> None:
    assert explain(RedisConnectionError("refused")) is None
