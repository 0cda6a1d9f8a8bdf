"""Tests. Failed assertions in these helper modules show the compared values too."""

import pytest

pytest.register_assert_rewrite("tests.client", "tests.e2e")
