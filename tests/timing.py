"""The mark of tests that a busy machine alone can fail."""

import pytest

TIMING = pytest.mark.flaky(reruns=1)
"""For tests that hold elapsed time against a bound, or race real processes against each other: such a
test runs once more before it has failed, and the summary lists it as RERUN. No other test does.
"""
