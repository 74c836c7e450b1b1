"""The page of the audit trail shows words, not the fixed names that the trail stores."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.accounts import audit
from connector.extensions import db, transaction
from connector.models.accounts import Role
from connector.models.repositories import Repository
from connector.web.accounts import audit_words
from tests.pages import words


@pytest.fixture
def page_after(office):
    """Return a function that adds an entry and returns the words of the page."""
    office.add("Anna", Role.ADMIN)
    browser = office.enter("Anna")

    def page(*args: str, **data: object) -> str:
        with office.app.app_context():
            audit.record(*args, **data)
        return words(browser.get("/audit/"))

    return page


def test_lists_are_shown_as_texts_and_long_ones_with_a_count(page_after):
    handles = [f"1/{number}" for number in range(30)]

    page = page_after("takedown", "A family asked", repository=1, items=handles, not_held=["1/99"])

    shown = ", ".join(handles[:20])
    found = f"Reason: A family asked Repository: 1 Items: {shown} and 10 more Not in the catalogue: 1/99 "
    assert f"Takedown {found}" in page


def test_a_repository_is_named(office, page_after):
    with office.app.app_context(), transaction():
        server = {"endpoint": "server/api", "generation": 9, "version": "9.3"}
        repository = Repository(
            id=7, address_key="x", site_url="http://x.example", api_url="http://x.example/server/api", **server
        )
        repository.name = "Our library"
        db.session.add(repository)

    assert "Reason: A family asked Repository: Our library Items: 1/2 " in page_after(
        "takedown", "A family asked", repository=7, items=["1/2"]
    )


def test_an_entry_of_a_job_says_so_in_words(page_after):
    page = page_after("resume", "job 7", answer="mark")

    assert "Command line Job resumed Job 7 Answer: Mark as missing Command line" in page


def test_values_with_codes_and_texts_before_a_change_are_shown_in_words(page_after):
    role = page_after("role", "Ben", before="viewer", after="editor")
    item_set = page_after("item set changed", "Boats", item_set=3, before={"name": "Ships", "rights": ""})

    assert "Role changed Ben Before: Viewer After: Editor " in role
    assert "Item set changed Boats Item set: 3 Before: Name: Ships " in item_set


def test_a_kind_of_an_earlier_version_is_shown_as_it_is(page_after):
    assert "Command line repair A repository " in page_after("repair", "A repository")


def test_jobs_are_named_by_their_kind(page_after):
    assert "Command line Preview of publishing Boats Job: 4 " in page_after("publish_preview", "Boats", job=4)


def test_every_action_and_detail_that_the_app_records_has_words():
    recorded = list(_recorded())

    assert len(recorded) > 40
    assert [what for what, _ in recorded if what not in audit_words.ACTIONS] == []
    assert {name for _, names in recorded for name in names} - audit_words.DETAILS.keys() == set()


def _recorded() -> Iterator[tuple[str, set[str]]]:
    """Yield each literal name of an action in the code, with the names of its details."""
    for path in Path("connector").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("audit.note", "audit.record", "record"):
                names = {keyword.arg for keyword in call.keywords if keyword.arg}
                for part in ast.walk(call.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value, names
