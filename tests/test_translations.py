"""Under the pseudo-locale, every text outside of its brackets is data, so no text was forgotten."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.cli.command import Command
from connector.extensions import db, transaction
from connector.imports.start import queueing
from connector.jobs import creation, lifecycle
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Kind
from connector.tasks import carry_out
from connector.web.help import guide
from tests.pages import links
from tests.pseudo import outside, pseudo_locale

READ_ATTRIBUTES = {"aria-label", "alt", "data-label", "placeholder", "title"}
UNREAD = {"code", "script", "style", "time"}  # what is in them is for machines, or is a time
CODES = {  # columns whose values are words of the app, which pages must not show as they are
    *("job.kind", "job.state", "job.wait_reason", "job_counter.name", "change.action", "preview_row.action"),
    *("file.status", "item.source_state", "account.role"),
}
VOID = {"br", "hr", "img", "input", "link", "meta"}
# Names, addresses, versions and units; and an error of WTForms, which has catalogues of its own.
ALWAYS = re.compile(
    r"Not a valid choice\.|DSpace Connector|https?://\S+|\b\d+\.\d+\.\d+\b|\b(?:dcterms|bibo|dc):\w+|UTC|\b[kMGT]?B\b"
    r"|\bBibTeX\b|\bRIS\b|\bCSL JSON\b|\bJSON-LD\b"
)
SEPARATORS = (r" ?· ?|; | …", r"[:,] | \(|\)")  # what stands between data, the strongest first
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
WORD = re.compile(r"[^\W\d_]{2,}")
FORMS = [  # POST requests whose answer is a page with an error
    ("/repositories/", 422, {"url": "no address", "endpoint": "", "limit": "many"}),
    ("/repositories/1/", 422, {"scope": "repository:", "test": "x", "file_limit": "x", "hours": "x", "ignored": "!"}),
    ("/account/password", 422, {"current": "wrong", "new": "short", "again": "other"}),
    ("/takedown/", 422, {"repository": "1", "names": ""}),
    ("/destinations/new", 422, {"name": "", "address": "no address", "identity": "short", "classes": "x = y"}),
    ("/no/such/page", 404, {}),
]


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
    return sorted({text for text in texts(page) if not _is_data(text, data)})


def _is_data(text: str, data: set[str], separators: tuple[str, ...] = SEPARATORS) -> bool:
    """Return whether a text is from the database, or consists of such texts and signs between them."""
    if text in data or not WORD.search(ALWAYS.sub("", text)):
        return True
    parts = re.split(separators[0], text) if separators else []
    return bool(parts) and all(_is_data(part, data, separators[1:]) for part in parts)


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
            queue += links(answer)
    return pages


def forgotten_on(pages: dict[str, str], app: Flask) -> list[str]:
    """Return the forgotten texts of pages, each with the address of its page."""
    data = data_of(app)
    return [f"{address}: {text}" for address, page in pages.items() for text in forgotten(page, data)]


def test_every_text_of_the_pages_is_translated(stocked_app, stocked_client):
    with pseudo_locale():
        pages = crawl(stocked_client)

    assert len(pages) > 20
    assert forgotten_on(pages, stocked_app) == []


def change_items() -> None:
    """Make the catalogue differ from its source: a new, a changed and a missing item."""
    new, changed, missing = db.session.scalars(db.select(CatalogueItem.id).order_by(CatalogueItem.id).limit(3))
    other = {"title": "Another title", "source_metadata": [], "content_hash": "", "last_modified": None}
    with transaction():
        db.session.execute(db.delete(CatalogueItem).where(CatalogueItem.id == new))
        db.session.execute(db.update(CatalogueItem).where(CatalogueItem.id == changed).values(other))
        unknown = {"source_key": "none", "source_id": str(UUID(int=1)), "handle": "1/none"}
        db.session.execute(db.update(CatalogueItem).where(CatalogueItem.id == missing).values(unknown))


@pytest.mark.parametrize(
    ("kind", "counted"),
    [(Kind.PREVIEW, {"added", "updated", "vanished", "samples"}), (Kind.UNDO, {"removed"})],
)
def test_every_text_of_the_pages_of_a_job_is_translated(stocked_app, stocked_client, kind, counted):
    with pseudo_locale():
        with stocked_app.app_context():
            change_items()
            job_id = creation.create_undo(1) if kind == Kind.UNDO else queueing.create(1, {"rehearse": 2}, kind=kind)
            assert carry_out(job_id)
            assert counted <= lifecycle.get(job_id).counts.keys()
        pages = crawl(stocked_client, f"/jobs/{job_id}/")

    assert forgotten_on(pages, stocked_app) == []


def test_every_text_of_a_request_log_is_translated(stocked_app, stocked_client):
    with stocked_app.app_context(), transaction():
        job = lifecycle.get(1)
        trouble = {"count": 2, "first": "2026-11-24T13:00:00", "last": "2026-11-24T14:00:00"}
        told = {"troubles": {"503": trouble, "timed out": trouble}, "halvings": 1, "unanswered": ["part", "ids"]}
        job.traffic = job.traffic | told
        job.question = {"unseen": 4, "held": 5}
    with pseudo_locale():
        log = stocked_client.get("/jobs/1/request-log.txt").get_data(as_text=True)

    data = data_of(stocked_app)
    assert "⟦- ⟦tïmëd öüt⟧" in log
    assert [line for line in map(str.strip, outside(log).splitlines()) if not _is_data(line, data)] == []


@pytest.mark.parametrize("address", ["/jobs/1/problems.csv", "/items.csv", "/excluded.csv", "/audit.csv"])
def test_headings_of_csv_files_are_names_that_do_not_change(stocked_client, address):
    with pseudo_locale():
        answer = stocked_client.get(address, buffered=True)

    assert answer.mimetype == "text/csv"
    headings = next(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert [heading for heading in headings if "⟦" in heading] == []


def test_every_text_of_the_sign_in_page_is_translated(stocked_app):
    stranger = FlaskClient(stocked_app, stocked_app.response_class)
    with pseudo_locale():
        answers = [stranger.get("/sign-in"), stranger.post("/sign-in", data={"name": "Tess", "password": "wrong"})]

    pages = {answer.status: answer.get_data(as_text=True) for answer in answers}
    assert [answer.status_code for answer in answers] == [200, 422]
    assert forgotten_on(pages, stocked_app) == []


@pytest.mark.parametrize(("address", "status", "sent"), FORMS)
def test_every_text_of_a_page_with_errors_is_translated(stocked_app, stocked_client, address, status, sent):
    with pseudo_locale():
        answer = stocked_client.post(address, data=sent)

    assert answer.status_code == status
    assert forgotten(answer.get_data(as_text=True), data_of(stocked_app) | set(sent.values())) == []


def commands(group: click.Group) -> Iterator[click.Command]:
    """Return the commands of this app below a group, without those of Flask and its extensions."""
    for command in group.commands.values():
        if isinstance(command, Command):
            yield command
        elif isinstance(command, click.Group):
            yield from commands(command)


def test_every_help_text_of_a_command_is_translated(app):
    found = list(commands(app.cli))
    with pseudo_locale():
        texts = {command.get_short_help_str() for command in found}
        for command in found:
            records = [option.get_help_record(click.Context(command)) for option in command.params]
            texts |= {text for _, text in filter(None, records)}

    assert len(found) > 20
    assert sorted(text for text in texts if text and not text.startswith("⟦")) == []


def test_every_placeholder_of_a_message_gets_a_value():
    wrong = [
        f"{path.name}: {messages}"
        for path in Path("connector").rglob("*.py")
        for messages, values in _messages(ast.parse(path.read_text()))
        if any(set(PLACEHOLDER.findall(message)) - values for message in messages)
    ]

    assert wrong == []


def _messages(tree: ast.AST) -> Iterator[tuple[list[str], set[str]]]:
    """Yield the texts and the names of the values of each call that translates now."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "ngettext"):
            names = {keyword.arg for keyword in call.keywords}
            messages = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if None not in names and names:  # values that are given by a mapping are not known here
                yield messages, names | {"num"}
