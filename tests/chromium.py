"""Chromium for the tests that drive pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from tests.tools import path_of

# As root in a container, and without looking for anything outside.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
WAIT = 60_000  # milliseconds
expect.set_options(timeout=WAIT)


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium, and end it with the block. Playwright can be started only once at a time in a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path_of("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()
