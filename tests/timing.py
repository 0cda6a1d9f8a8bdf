"""Marks for timing-sensitive tests."""

import pytest

TIMING = pytest.mark.flaky(reruns=1)
"""For tests that compare elapsed time with a limit, or race real processes. Only these tests are
rerun when they fail: once immediately, and then `make test` runs those that failed beside others
again, one by one. The summary lists them as RERUN.
"""

SERIAL = pytest.mark.serial
"""For tests that cannot run in parallel with others, because they flood a server or have to do several
things within half a second. `make test` runs them one by one.
"""
