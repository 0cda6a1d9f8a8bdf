"""Marks of tests that a busy machine alone can fail."""

import pytest

TIMING = pytest.mark.flaky(reruns=1)
"""For tests that compare elapsed time with a bound, or race real processes. Such a test is run once
more when it fails, and the summary lists it as RERUN. No other test is.
"""

SERIAL = pytest.mark.serial
"""For tests of which other tests would disturb the measurement, or which would disturb other tests:
bounds below some 0.3 s, and floods. `make test` runs no other test meanwhile.
"""
