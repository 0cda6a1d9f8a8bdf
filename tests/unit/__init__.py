"""Tests of single modules, in the process. Hypothesis has two profiles: quick, and thorough for `make test`.

https://hypothesis.readthedocs.io/en/latest/tutorial/settings.html#settings-profiles
"""

import os

from hypothesis import settings

settings.register_profile("quick", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
