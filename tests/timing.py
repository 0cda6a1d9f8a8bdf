"""Marks for timing-sensitive tests."""

import pytest

TIMING = pytest.mark.flaky(reruns=1)
"""For tests that compare elapsed time with a limit, or race real processes. Only these tests are
rerun, once, when they fail. The summary lists them as RERUN.
"""

SERIAL = pytest.mark.serial
"""For tests that cannot run in parallel with others, because they flood a server or have to do several
things within half a second. `make test` runs them one by one.
"""
