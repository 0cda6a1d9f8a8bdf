"""Metrics of all workers. A file that cannot be read at the moment is read again."""

import struct
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes import unavailable_redis
from web.metrics import Metrics
from web.metrics_exposition import State, read_all_workers, render


def test_a_file_that_a_worker_is_creating_does_not_fail_the_scrape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    unmade = tmp_path / "counter_1.db"
    unmade.touch()
    making = threading.Timer(0.03, unmade.unlink)
    making.start()
    assert read_all_workers() == b""
    making.join()


def test_a_file_that_stays_unreadable_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_1.db").touch()
    with pytest.raises(struct.error, match="buffer"):
        read_all_workers()


def state(circuit: str = "closed", redis: Any = None, *, key_refused: bool = False) -> State:
    budget = {"limit": 20, "left": 7}
    return State(lambda: {"circuit": circuit, "budget": budget}, lambda: key_refused, redis)


def reachable_redis() -> Any:
    """Return a ResilientRedis whose server has evicted 3 keys. Its clock is half a second behind."""

    def server_time() -> tuple[int, int]:
        microseconds = round((time.time() - 0.5) * 1_000_000)
        return divmod(microseconds, 1_000_000)

    client = SimpleNamespace(time=server_time, info=lambda section: {"evicted_keys": "3"})
    return SimpleNamespace(client=client, unavailable=False, call=lambda action: action())


def gauges(state: State) -> dict[str, float]:
    return {sample.name: sample.value for metric in state.collect() for sample in metric.samples}


def test_gauges_are_read_at_the_scrape() -> None:
    well = gauges(state())
    assert (well["videsk_proxy_circuit_open"], well["videsk_proxy_budget_left"]) == (0, 7)
    assert (well["videsk_proxy_key_refused"], well["videsk_proxy_redis_unavailable"]) == (0, 0)
    assert gauges(state("open"))["videsk_proxy_circuit_open"] == 1
    assert gauges(state(key_refused=True))["videsk_proxy_key_refused"] == 1
    assert gauges(state(redis=unavailable_redis()))["videsk_proxy_redis_unavailable"] == 1


def test_the_state_of_the_redis_server_is_omitted_if_unknown() -> None:
    evicted, clock = (
        "videsk_proxy_redis_evicted_keys_total",
        "videsk_proxy_redis_clock_ahead_seconds",
    )
    for redis in (None, unavailable_redis()):
        assert not {evicted, clock} & set(gauges(state(redis=redis)))
    known = gauges(state(redis=reachable_redis()))
    assert known[evicted] == 3
    assert known[clock] == pytest.approx(-0.5, abs=0.05)
    assert known["videsk_proxy_redis_unavailable"] == 0


def test_counters_and_gauges_are_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    text = render(Metrics(), state()).decode()
    assert "videsk_proxy_budget_left 7.0" in text
    assert "videsk_proxy_bookings_total" in text
