"""A browser that all tests of a file share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import CHROMIUM_FLAGS, chromium_command


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Launch the installed Chromium with Playwright, without connections to other machines."""
    command = chromium_command()
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=command, args=CHROMIUM_FLAGS)
