"""The configuration of redis-py's client. Opens no connection."""

import pytest
from redis import BlockingConnectionPool

from common.redis_client import SingleServerPool, make_client


def test_the_client_has_short_timeouts_and_one_retry() -> None:
    pool = make_client("redis://h:1", 3, 0.7, verify_tls=True).connection_pool
    assert isinstance(pool, BlockingConnectionPool)
    assert (pool.max_connections, pool.timeout) == (3, 0.7)
    options = pool.connection_kwargs
    assert options["socket_timeout"] == options["socket_connect_timeout"] == 0.7
    assert options["retry"].get_retries() == 1


def test_certificates_are_verified_unless_that_is_turned_off() -> None:
    def options(*, verify_tls: bool) -> dict[str, object]:
        client = make_client("rediss://h:1", 3, 0.7, verify_tls=verify_tls)
        return client.connection_pool.connection_kwargs

    assert options(verify_tls=False)["ssl_cert_reqs"] == "none"
    assert "ssl_cert_reqs" not in options(verify_tls=True)


@pytest.mark.parametrize("server", ["the-same", "another"])
def test_a_connection_to_an_earlier_server_is_replaced(
    monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    log: list[str] = []

    class Connection:
        server = "the-same"

        def disconnect(self) -> None:
            log.append("disconnect")

        def connect(self) -> None:
            log.append("connect")

    monkeypatch.setattr(BlockingConnectionPool, "get_connection", lambda _: Connection())
    SingleServerPool(current_server=lambda: server).get_connection()
    assert log == ([] if server == "the-same" else ["disconnect", "connect"])


def test_a_connection_that_cannot_be_replaced_goes_back_to_the_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Connection:
        server = "earlier"

        def disconnect(self) -> None: ...

        def connect(self) -> None:
            raise ConnectionRefusedError

    connection, released = Connection(), list[object]()
    monkeypatch.setattr(BlockingConnectionPool, "get_connection", lambda _: connection)
    monkeypatch.setattr(BlockingConnectionPool, "release", lambda _, each: released.append(each))
    with pytest.raises(ConnectionRefusedError):
        SingleServerPool(current_server=lambda: "another").get_connection()
    assert released == [connection]
