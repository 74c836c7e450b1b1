"""A tour of all pages. The app is served twice: with data for every page, and empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, Page

from connector.storage.instance import prepare
from tests import signed_in
from tests.conftest import app_at, let_go
from tests.omeka_server import Omeka
from tests.sample import SampleRepository
from tests.web_server import serve

from .instance import TWO_STEP_TOKEN, VIEWER_TOKEN, furnish
from .states import ADMIN, STRANGER, TWO_STEP, VIEWER, State

WAIT = 60_000  # milliseconds
TOKENS = {ADMIN: signed_in.TOKEN, VIEWER: VIEWER_TOKEN, TWO_STEP: TWO_STEP_TOKEN}


@dataclass
class Tour:
    """Opens pages in their states. `pages`: a page for each reader, who is signed in at both instances.

    `values`: what stands in the addresses of states in braces.
    """

    pages: dict[str, Page]
    url: str
    empty_url: str
    values: dict[str, int | str]

    def at(self, state: State) -> Page:
        """Return the page of the reader in this state. It keeps its size and colours from the state before."""
        page = self.pages[state.reader]
        page.goto((self.empty_url if state.is_empty else self.url) + state.address.format(**self.values))
        state.act(page)
        page.wait_for_load_state()
        return page


@contextmanager
def begin(browser: Browser, folder: Path) -> Iterator[Tour]:
    """Create both instances in the folder, serve them, and sign the readers in."""
    empty, full = _prepared(folder / "empty"), _prepared(folder / "full")  # the queue belongs to the last app
    with SampleRepository(9) as sample, Omeka() as omeka, serve(full) as url, serve(empty) as empty_url:
        values = furnish(full, sample, omeka)
        pages = {reader: browser.new_context().new_page() for reader in (*TOKENS, STRANGER)}
        for reader, token in TOKENS.items():
            kept = signed_in.cookie(full, token)  # both apps have the same secret key
            pages[reader].context.add_cookies([kept | {"url": url}, kept | {"url": empty_url}])
        try:
            for page in pages.values():
                page.set_default_timeout(WAIT)
            yield Tour(pages, url, empty_url, values)
        finally:
            for page in pages.values():
                page.context.close()
    let_go(full)
    let_go(empty)


def _prepared(instance: Path) -> Flask:
    app = app_at(instance)
    prepare(app)
    signed_in.admit(app)
    return app
