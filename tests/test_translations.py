"""Under the pseudo-locale, every text outside of its brackets is data, so no text was forgotten."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import click
import pytest
from flask.testing import FlaskClient

from connector.accounts import two_step, user_management
from connector.cli.command import Command
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import creation, lifecycle
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Kind
from connector.tasks import carry_out
from tests.pseudo import outside, pseudo_locale
from tests.signed_in import NAME, PASSWORD, turn_two_step_on
from tests.untranslated import crawl, data_of, forgotten, forgotten_on, is_data

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
TRANSLATE = ("_", "ngettext", "ngettext_or_empty")  # names of functions
FORMS = [  # POST requests whose answer is a page with an error
    ("/repositories/", 422, {"url": "no address", "endpoint": "", "limit": "many"}),
    ("/repositories/1/", 422, {"scope": "repository:", "test": "x", "file_limit": "x", "hours": "x", "ignored": "!"}),
    ("/account/password", 422, {"current": "wrong", "new": "short", "again": "other"}),
    ("/takedown/", 422, {"repository": "1", "names": ""}),
    ("/destinations/new", 422, {"name": "", "address": "no address", "identity": "short", "classes": "x = y"}),
    ("/no/such/page", 404, {}),
]


def test_every_text_of_the_pages_is_translated(stocked_app, stocked_client):
    with pseudo_locale():
        pages = crawl(stocked_client)
        lists = ("view=table&type=Image", "join=not&term=bibo:doi&op=any&value=&from=1884&files=yes", "from=x")
        pages |= {query: stocked_client.get(f"/items/?{query}").text for query in lists}

    assert len(pages) > 20
    assert {"/items/1/history", "/item-sets/new", "/item-sets/1/edit", "/item-sets/1/delete"} <= pages.keys()
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
            job_id = (
                creation.create_undo(1)
                if kind == Kind.UNDO
                else queueing.create(1, ImportOptions(rehearse=2), kind=kind)
            )
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
    assert [line for line in map(str.strip, outside(log).splitlines()) if not is_data(line, data)] == []


@pytest.mark.parametrize("address", ["/jobs/1/problems.csv", "/excluded.csv", "/audit.csv"])
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


def test_every_text_of_the_page_of_a_one_time_link_is_translated(stocked_app):
    stranger = FlaskClient(stocked_app, stocked_app.response_class)
    with stocked_app.app_context():
        address = f"/welcome/{user_management.add('Nora', Role.VIEWER)}"
    with pseudo_locale():
        answers = [stranger.get(address), stranger.post(address, data={"password": "short", "again": "other"})]

    pages = {answer.status: answer.get_data(as_text=True) for answer in answers}
    assert [answer.status_code for answer in answers] == [200, 422]
    assert forgotten_on(pages, stocked_app) == []


def test_every_text_of_the_pages_of_two_step_sign_in_is_translated(stocked_app, stocked_client):
    stranger = FlaskClient(stocked_app, stocked_app.response_class)
    turn_two_step_on(stocked_app)
    with pseudo_locale():
        answers = {
            "late": stranger.get("/sign-in/code"),
            "code": stranger.post("/sign-in", data={"name": NAME, "password": PASSWORD}, follow_redirects=True),
            "wrong code": stranger.post("/sign-in/code", data={"code": "123456"}),
            "settings": stocked_client.get("/account/two-step"),
            "refused move": stocked_client.post("/account/two-step/move", data={}),
            "codes": stocked_client.post("/account/two-step/recovery-codes", data={"current": PASSWORD}),
        }

    pages = {name: answer.get_data(as_text=True) for name, answer in answers.items()}
    codes = set(re.findall(r"<li><code>(.+?)</code>", pages["codes"]))
    assert [answer.status_code for answer in answers.values()] == [409, 200, 422, 200, 422, 200]
    assert "⟦Vërïfïcätïön cödë⟧" in pages["code"]
    assert len(codes) == two_step.RECOVERY_CODES
    assert forgotten_on(pages, stocked_app) == []


@pytest.mark.parametrize(("address", "status", "sent"), FORMS)
def test_every_text_of_a_page_with_errors_is_translated(stocked_app, stocked_client, address, status, sent):
    with pseudo_locale():
        answer = stocked_client.post(address, data=sent)

    assert answer.status_code == status
    assert forgotten(answer.get_data(as_text=True), data_of(stocked_app) | set(sent.values())) == []


def commands(group: click.Group) -> Iterator[click.Command]:
    """Return the commands of this app below a group, without those of Flask and its extensions."""
    context = click.Context(group)
    for command in filter(None, (group.get_command(context, name) for name in group.list_commands(context))):
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
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TRANSLATE:
            names = {keyword.arg for keyword in call.keywords}
            messages = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if None not in names and names:  # values that are given by a mapping are not known here
                yield messages, names | {"num"}
