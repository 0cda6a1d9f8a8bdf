"""Tests. Failed assertions in these helper modules show the values that were compared, too."""

import pytest

pytest.register_assert_rewrite("tests.client", "tests.e2e")
