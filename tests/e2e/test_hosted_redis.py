"""Redis as hosting providers offer it: self-signed TLS, passwords, few connections."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import sleep

import pytest
import requests
from redis import ConnectionError as RedisConnectionError
from redis import Redis

from tests.client import JOHN, MARK, OPEN_SERVICE, Client
from tests.days import YEAR
from tests.e2e.fleet import cache_status, concurrently, on_each_worker, wait_until
from tests.processes import (
    Sandbox,
    ServerProcess,
    free_port,
    proxy_server,
    redis_server,
    running_server,
)
from tests.timing import TIMING

DAY = f"{YEAR}-05-06"
PASSWORDS = ["s3cr3t%2Fof%40redis", "s3cr3t/of@redis"]
"""The password as it is written in a URL, and decoded."""

MAX_CONNECTIONS = 20
"""The number of connections that the smallest plans allow."""


def redis_states(server: ServerProcess) -> set[str]:
    """Return each worker's Redis status. Check that all workers are ready."""
    responses = on_each_worker(server, partial(Client(server.url).get, "/readyz"))
    assert {response.status_code for response in responses} == {200}
    return {response.json()["redis"] for response in responses}


def statuses(server: ServerProcess) -> list[str]:
    """Read the same hours from each worker, and return the cache statuses."""
    read = partial(Client(server.url).hours, "users", JOHN, DAY)
    responses = on_each_worker(server, read)
    assert len({response.content for response in responses}) == 1
    return [cache_status(response).partition(" ttl")[0] for response in responses]


def assert_shares(server: ServerProcess) -> None:
    """Check that the workers share the cache in Redis."""
    assert redis_states(server) == {"ok"}
    assert statuses(server) == ["fwd=miss; stored", "hit;"]
    assert "Redis is unavailable" not in server.output()


def assert_works_without_redis(server: ServerProcess) -> None:
    wait_until(lambda: redis_states(server) == {"away"})
    assert statuses(server) == ["fwd=miss; stored"] * 2
    assert Client(server.url).book("users", JOHN, f"{DAY}T14:00:00Z").status_code == 201


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a self-signed certificate, and return the folder with `key.pem` and `cert.pem`."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=a-redis-of-a-host"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def tls_redis(certificate: Path) -> Iterator[ServerProcess]:
    port = free_port()
    command = ["redis-server", "--port", "0", "--tls-port", str(port), "--save", ""]
    command += ["--bind", "127.0.0.1", "--tls-auth-clients", "no"]
    for option, name in (("cert", "cert"), ("key", "key"), ("ca-cert", "cert")):
        command += [f"--tls-{option}-file", str(certificate / f"{name}.pem")]
    if not has_tls():
        reason = "this redis-server has no TLS built in"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    with running_server(command, port) as server:
        wait_until(partial(responds, read_info(server)))
        yield server


def has_tls() -> bool:
    """Whether redis-server supports TLS. It exits without a port, and without TLS for another reason."""
    command = ["redis-server", "--port", "0", "--tls-port", "0"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return "not listen anywhere" in tried.stdout


def read_info(server: ServerProcess) -> Redis:
    return Redis(port=server.port, ssl=True, ssl_cert_reqs="none", ssl_check_hostname=False)


def responds(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisConnectionError:
        return False


@contextmanager
def proxy_on_tls(
    sandbox: Sandbox, redis: ServerProcess, **settings: str
) -> Iterator[ServerProcess]:
    read_info(redis).flushall()
    url = f"rediss://127.0.0.1:{redis.port}"
    with proxy_server(sandbox, REDIS_URL=url, HOURS_TTL="600", **settings) as server:
        yield server


@pytest.mark.parametrize(
    "settings",
    [{"REDIS_TLS_VERIFY": "false"}, {"DYNO": "web.1"}],
    ids=["not to be verified", "on Heroku"],
)
@TIMING
def test_a_self_signed_certificate_is_accepted_if_allowed(
    sandbox: Sandbox, tls_redis: ServerProcess, settings: dict[str, str]
) -> None:
    with proxy_on_tls(sandbox, tls_redis, **settings) as server:
        assert_shares(server)
    assert read_info(tls_redis).keys(f"*hours:users:{JOHN}*")


@TIMING
def test_tls_is_used_with_sentinel(
    sandbox: Sandbox, tls_redis: ServerProcess, certificate: Path, tmp_path: Path
) -> None:
    port, config = free_port(), tmp_path / "sentinel.conf"
    lines = [f"tls-{name}-file {certificate}/{name}.pem" for name in ("cert", "key")]
    lines += [f"port 0\ntls-port {port}\nbind 127.0.0.1\ntls-auth-clients no\ndir {tmp_path}"]
    lines += [f"tls-ca-cert-file {certificate}/cert.pem"]
    lines += [f"sentinel monitor bookings 127.0.0.1 {tls_redis.port} 1"]
    config.write_text("\n".join(lines))
    read_info(tls_redis).flushall()
    url = f"rediss+sentinel://127.0.0.1:{port}/bookings"
    settings = {"REDIS_URL": url, "REDIS_TLS_VERIFY": "false", "HOURS_TTL": "600"}
    with (
        running_server(["redis-server", str(config), "--sentinel"], port),
        proxy_server(sandbox, **settings) as server,
    ):
        assert_shares(server)
    assert read_info(tls_redis).keys(f"*hours:users:{JOHN}*")


@pytest.mark.parametrize(
    "settings",
    [{}, {"DYNO": "web.1", "REDIS_TLS_VERIFY": "true"}],
    ids=["default", "on Heroku, to be verified"],
)
def test_a_redis_with_an_unverified_certificate_receives_no_data(
    sandbox: Sandbox, tls_redis: ServerProcess, settings: dict[str, str]
) -> None:
    with proxy_on_tls(sandbox, tls_redis, **settings) as server:
        assert_works_without_redis(server)
    assert read_info(tls_redis).dbsize() == 0


@TIMING
def test_a_redis_behind_a_unix_socket_is_used(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with redis_server(None, "--unixsocket", str(path)) as redis:
        url = f"unix://{path}?db=3"
        with proxy_server(sandbox, REDIS_URL=url, HOURS_TTL="600") as server:
            assert_shares(server)
        assert Redis(port=redis.port, db=3).keys(f"*hours:users:{JOHN}*")
        assert Redis(port=redis.port).dbsize() == 0


@pytest.mark.parametrize("user", ["", "default"])
@TIMING
def test_a_redis_password_is_used_and_never_disclosed(sandbox: Sandbox, user: str) -> None:
    with redis_server() as redis:
        Redis(port=redis.port).config_set("requirepass", PASSWORDS[1])
        url = f"redis://{user}:{PASSWORDS[0]}@127.0.0.1:{redis.port}"
        with proxy_server(
            sandbox, REDIS_URL=url, HOURS_TTL="600", LOG_LEVEL="debug", METRICS_TOKEN="the-token"
        ) as server:
            assert_shares(server)
            Redis(port=redis.port, password=PASSWORDS[1]).config_set("requirepass", "another")
            Redis(port=redis.port, password="another").client_kill_filter(_type="normal")
            assert_works_without_redis(server)
            texts = public_output(server)
            assert "Redis is unavailable" in texts
    assert not [password for password in PASSWORDS if password in texts]


def public_output(server: ServerProcess) -> str:
    """Return its log and the responses of its health endpoints."""
    client = Client(server.url)
    metrics = client.get("/metrics", headers={"Authorization": "Bearer the-token"})
    return "".join((server.output(), client.get("/readyz").text, metrics.text))


def test_four_workers_share_the_few_connections_of_a_small_redis(
    sandbox: Sandbox,
) -> None:
    with redis_server(None, "--maxclients", str(MAX_CONNECTIONS)) as redis:
        settings = {"REDIS_URL": redis.redis_url, "WEB_CONCURRENCY": "4"}
        with proxy_server(sandbox, HOURS_TTL="600", **settings) as server:
            client = Client(server.url)
            slots = [f"{DAY}T{hour:02}:{minute:02}:00Z" for hour in range(10) for minute in (0, 5)]
            book = [partial(client.book, "services", OPEN_SERVICE, slot) for slot in slots]
            read = [
                partial(client.hours, "users", MARK, f"{YEAR}-06-{day:02}") for day in range(2, 22)
            ]
            hits = [partial(client.hours, "users", MARK, f"{YEAR}-06-03")] * 20
            booked: list[requests.Response] = []
            with peak_connections(Redis(port=redis.port)) as connected:
                for _ in range(3):
                    found = concurrently(hits + read + book)
                    assert {response.status_code for response in found[:40]} == {200}
                    assert {response.status_code for response in found[40:]} <= {201, 409}
                    booked += [response for response in found if response.status_code == 201]
                    for response in concurrently([partial(client.get, "/readyz")] * 20):
                        assert (response.status_code, response.json()["redis"]) == (200, "ok")
            assert 4 * 2 < max(connected) <= MAX_CONNECTIONS
            assert Redis(port=redis.port).info("stats")["rejected_connections"] == 0
            assert '"WARNING"' not in server.output()
            assert '"ERROR"' not in server.output()
        assert len(sandbox.appointments()) == len(booked) == 2 * len(slots), "two agents"


@contextmanager
def peak_connections(redis: Redis) -> Iterator[list[int]]:
    """Poll the number of connections until the block ends."""
    connected: list[int] = []
    over = Event()

    def watch() -> None:
        while not over.is_set():
            connected.append(int(redis.info("clients")["connected_clients"]))
            sleep(0.01)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield connected
    finally:
        over.set()
        watcher.join()
