"""The served app, a worker that starts on request, and Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page

from connector.extensions import huey
from tests import signed_in
from tests.chromium import WAIT
from tests.sample import SampleRepository
from tests.web_server import serve

WITHOUT_CONNECTION = ("Failed to load resource", "htmx:error: Failed to fetch")


@dataclass
class Site:
    """A running app. `work` starts its worker."""

    url: str
    work: Callable[[], None]


@pytest.fixture
def site(app: Flask, sample: SampleRepository) -> Iterator[Site]:
    """The app on a port of its own; nothing is worked on until `work` is called. It ends before the sample does."""
    consumer = huey.create_consumer(workers=2, worker_type="thread", initial_delay=0.05, max_delay=0.1)
    consumer._set_signal_handlers = lambda: None
    working: list[bool] = []

    def work() -> None:
        consumer.start()
        working.append(True)

    with serve(app) as url:
        yield Site(url, work)
        if working:
            consumer.stop(graceful=True)


@pytest.fixture
def open_page(chromium: Browser, site: Site, app: Flask) -> Iterator[Callable[..., Page]]:
    """Opens windows in which an admin is signed in; at the end, none may have complained about a script or the policy.

    They are closed before the site is: a server waits for the connections that a browser keeps open.
    """
    complaints: list[str] = []
    contexts = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in WITHOUT_CONNECTION):
            complaints.append(message.text)

    def open_one(**options: object) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(WAIT)
        context.add_cookies([signed_in.cookie(app) | {"url": site.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
