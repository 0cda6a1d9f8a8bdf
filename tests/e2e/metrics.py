"""Run the proxy with metrics and three workers, and parse /metrics as Prometheus does."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from tests.client import Client, bearer
from tests.e2e.fleet import wait_until, workers_of
from tests.processes import Sandbox, ServerProcess, proxy_server

TOKEN = "the-token-of-a-prometheus"
WORKERS = 3


@contextmanager
def proxy_with_metrics(
    sandbox: Sandbox, redis_url: str, **settings: str
) -> Iterator[ServerProcess]:
    """Run the proxy with METRICS_TOKEN and three workers, and wait until all of them are running."""
    defaults = {"METRICS_TOKEN": TOKEN, "REDIS_URL": redis_url, "WEB_CONCURRENCY": str(WORKERS)}
    with proxy_server(sandbox, **defaults | {"HOURS_TTL": "600"} | settings) as server:
        wait_until(lambda: len(workers_of(server)) == WORKERS)
        yield server


def metrics_text(server: ServerProcess) -> str:
    response = Client(server.url).get("/metrics", headers=bearer(TOKEN))
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"
    return response.text


def samples(server: ServerProcess, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of this name by their label values, sorted by label name."""
    return {
        tuple(text for _, text in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics_text(server))
        for sample in family.samples
        if sample.name == f"videsk_proxy_{name}"
    }


def sample(server: ServerProcess, name: str, *labels: str) -> float:
    return samples(server, name).get(labels, 0)
