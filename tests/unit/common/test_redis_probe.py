"""Which Redis can be used, and the message about one that cannot."""

from typing import Any

import pytest
from redis import ConnectionError as RedisConnectionError
from redis.exceptions import AuthenticationError, NoPermissionError

from common.redis_probe import (
    REQUIRED_COMMANDS,
    RedisClusterError,
    explain,
    handshake,
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
    connection = Connection(b"# Server\r\nredis_mode:standalone\r\nrun_id:abc123\r\n")
    assert handshake(connection) == "abc123"
    assert connection.log == ["authenticated", ("INFO", "server")]
    assert handshake(Connection(b"")) == "unknown"


def test_a_node_of_a_cluster_is_refused() -> None:
    with pytest.raises(RedisClusterError):
        handshake(Connection(b"redis_mode:cluster\r\nrun_id:abc\r\n"))


class Client:
    """A redis-py client that records each command; `denied` may not be run."""

    def __init__(self, denied: str = "") -> None:
        self.denied = denied
        self.commands: list[tuple[Any, ...]] = []
        self.scripts = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None: ...

    def pipeline(self, *, transaction: bool) -> "Client":
        return self

    def execute_command(self, *command: Any) -> None:
        self.commands.append(command)

    def execute(self) -> None:
        if self.denied in [command[0] for command in self.commands]:
            raise NoPermissionError(f"User has no permissions to run the '{self.denied}' command")

    def register_script(self, text: str) -> Any:
        def run(keys: list[str], args: list[str]) -> None:
            self.scripts += 1

        return run


def test_every_command_is_tried_and_a_script() -> None:
    client: Any = Client()
    run_required_commands(client)
    assert client.commands == list(REQUIRED_COMMANDS)
    assert client.scripts == 1
    keys = {command[1] for command in REQUIRED_COMMANDS if len(command) > 1}
    assert all(str(key).startswith("videsk-proxy:watch") for key in keys), "on keys of its own"


def test_a_denied_command_is_raised_and_named() -> None:
    client: Any = Client(denied="LPOP")
    with pytest.raises(NoPermissionError) as raised:
        run_required_commands(client)
    assert "'LPOP'" in (explain(raised.value) or "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AuthenticationError("hunter2"), "wrong user name or password"),
        (RedisClusterError(), "Redis Cluster"),
        (NoPermissionError("hunter2"), "has no permission to use it"),
        (NoPermissionError("no permissions to access one of the keys"), "access one of the keys"),
    ],
)
def test_an_operator_s_mistake_is_explained_without_a_secret(error: Exception, text: str) -> None:
    explanation = explain(error) or ""
    assert text in explanation
    assert "hunter2" not in explanation


def test_an_outage_is_no_mistake() -> None:
    assert explain(RedisConnectionError("refused")) is None
