"""Unit tests, which start no process.

Hypothesis tries few examples ("quick"), or many in `make test` ("thorough"). Simulations do the same.
https://hypothesis.readthedocs.io/en/latest/tutorial/settings.html#settings-profiles
"""

import os

from hypothesis import settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
IS_THOROUGH = PROFILE == "thorough"

settings.register_profile("quick", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=300)
settings.load_profile(PROFILE)
