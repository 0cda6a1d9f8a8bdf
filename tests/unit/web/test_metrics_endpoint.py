"""Figures over workers: a file that cannot be read at this instant is read again."""

import threading
from pathlib import Path

import pytest

from web.metrics_endpoint import of_all_workers


def test_a_file_that_a_worker_is_just_making_spoils_no_scrape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    unmade = tmp_path / "counter_1.db"
    unmade.touch()
    making = threading.Timer(0.03, unmade.unlink)
    making.start()
    assert of_all_workers() == b""
    making.join()


def test_a_file_that_stays_unreadable_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_1.db").touch()
    with pytest.raises(Exception, match="buffer"):
        of_all_workers()
