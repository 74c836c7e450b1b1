"""Finds texts that nobody translates: under the pseudo-locale, every text outside of its brackets has to be data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from connector.extensions import db
from connector.web.help import guide
from tests.pages import lasting_links
from tests.pseudo import outside

READ_ATTRIBUTES = {"aria-label", "alt", "data-label", "placeholder", "title"}
UNREAD = {"code", "script", "style", "time"}  # what is in them is for machines, or is a time
CODES = {  # columns whose values are words of the app, which pages must not show as they are
    *("job.kind", "job.state", "job.wait_reason", "job_counter.name", "change.action", "preview_row.action"),
    *("file.status", "item.source_state", "account.role", "audit.what"),
}
VOID = {"br", "hr", "img", "input", "link", "meta"}
# Names, addresses, versions and units; and an error of WTForms, which has catalogues of its own.
ALWAYS = re.compile(
    r"Not a valid choice\.|DSpace Connector|https?://\S+|\b\d+\.\d+\.\d+\b|\b(?:dcterms|bibo|dc):\w+|UTC|\b[kMGT]?B\b"
    r"|\bBibTeX\b|\bRIS\b|\bCSL JSON\b|\bJSON-LD\b"
)
SEPARATORS = (r" ?· ?|; | …", r"[:,] | \(|\)")  # what stands between data, the strongest first
WORD = re.compile(r"[^\W\d_]{2,}")


class Texts(HTMLParser):
    """The texts and labels of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the labels of an element."""
        if tag not in VOID:
            self._open.append(tag)
        self.found += [value or "" for name, value in attrs if name in READ_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and those in it that need no end tag."""
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Take a text, or the next part of a translated one that has markup in it."""
        if UNREAD.isdisjoint(self._open):
            self.found.append(data)


def texts(page: str) -> list[str]:
    """Return what stands outside of translated texts."""
    parser = Texts()
    parser.feed(page)
    return [" ".join(part.split()) for part in outside("\0".join(parser.found)).split("\0")]


def data_of(app: Flask) -> set[str]:
    """Return every text in the database, except codes, and those of the guide, which has a file for each language."""
    with app.app_context():
        columns = [[column for column in table.c if str(column) not in CODES] for table in db.metadata.sorted_tables]
        rows = [row for selected in columns for row in db.session.execute(db.select(*selected))]
        data = {text for row in rows for value in row for leaf in _leaves(value) for text in _texts_of(leaf)}
    return data.union(*([part.title, part.summary, *texts(part.html(""))] for part in guide.parts()))


def _texts_of(value: str) -> Iterator[str]:
    yield " ".join(value.split())
    if "<" in value:  # a description in HTML
        yield from texts(value)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)


def forgotten(page: str, data: set[str]) -> list[str]:
    """Return the texts of a page that are neither translated nor data."""
    return sorted({text for text in texts(page) if not is_data(text, data)})


def is_data(text: str, data: set[str], separators: tuple[str, ...] = SEPARATORS) -> bool:
    """Return whether a text is from the database, or consists of such texts and signs between them."""
    if text in data or not WORD.search(ALWAYS.sub("", text)):
        return True
    parts = re.split(separators[0], text) if separators else []
    return bool(parts) and all(is_data(part, data, separators[1:]) for part in parts)


def crawl(client: FlaskClient, start: str = "/") -> dict[str, str]:
    """Return the page at `start` and those below it by address, once for each kind of address."""
    pages, queue = dict[str, str](), [start]
    while queue:
        address = queue.pop(0).partition("#")[0]
        kind = re.sub(r"\d+", "1", address)
        if kind in pages or not address.startswith(start) or "/files/" in address:
            continue
        answer = client.get(address, buffered=True, follow_redirects=True)
        assert answer.status_code == 200, address
        pages[kind] = ""
        if answer.mimetype == "text/html":
            pages[kind] = answer.get_data(as_text=True)
            queue += lasting_links(answer)
    return pages


def forgotten_on(pages: dict[str, str], app: Flask) -> list[str]:
    """Return the forgotten texts of pages, each with the address of its page."""
    data = data_of(app)
    return [f"{address}: {text}" for address, page in pages.items() for text in forgotten(page, data)]
