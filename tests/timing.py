"""Marks for timing-sensitive tests."""

import pytest

TIMING = pytest.mark.flaky(reruns=1)
"""For tests that compare elapsed time with a limit, or race real processes. Only these tests are
rerun, once, when they fail. The summary lists them as RERUN.
"""

SERIAL = pytest.mark.serial
"""For tests that cannot run in parallel with others, because they measure times below about 0.3 s or
flood a server. `make test` runs them one by one.
"""
