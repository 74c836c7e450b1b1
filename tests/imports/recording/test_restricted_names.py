"""Names of files that only a login at the source lists are marked, and hidden from viewers everywhere."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from connector.catalogue.export import as_csv, as_jsonl
from connector.catalogue.search import Selection
from connector.dspace.records import Item
from connector.extensions import db
from connector.models.catalogue import CatalogueFile
from connector.repositories.login_guard import LoginGuard
from tests.sample import SampleRepository, laboratory

from ..sample_importer import SampleImporter

TITLE, OPEN, CLOSED, NOTE = "A file of its own", "open.txt", "divorce of Ann.txt", "from her lawyer"


class Staff(SampleImporter):
    """Somebody with a login, and an item with two files of which only the login lists the second."""

    def __init__(self, app, sample: SampleRepository):
        super().__init__(app, sample)
        data = sample.data
        self.item = data.add_item(data.named("Special files"), [("dc.title", [TITLE])])
        data.add_file(self.item, OPEN, b"open")
        self.closed = data.add_file(self.item, CLOSED, b"closed", bundle="STAFF", description=NOTE)
        self.close()

    def close(self) -> None:
        """Take the file out of the list that a signed-out reader gets. No time stamp moves for this."""
        self._set_open(False)

    def open(self) -> None:
        """Put it back."""
        self._set_open(True)

    def _set_open(self, is_open: bool) -> None:
        self.closed.bundle.readable = self.closed.readable = is_open
        self.item.cache.clear()

    def marks(self) -> dict[str, bool]:
        """Whether the name of each file of the item is restricted."""
        with self.app.app_context():
            files = db.session.scalars(select(CatalogueFile).where(CatalogueFile.name.in_((OPEN, CLOSED))))
            return {file.name: file.name_is_restricted for file in files}

    def found_by(self, words: str, *, viewer: bool) -> list[dict]:
        with self.app.app_context():
            return [json.loads(line) for line in as_jsonl(Selection(words=words, with_restricted=not viewer))]

    def csv(self, *, viewer: bool) -> str:
        with self.app.app_context():
            return "".join(as_csv(Selection(with_restricted=not viewer)))


@pytest.fixture(params=[5, 6, 9])
def staff(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        yield Staff(app, sample)


@pytest.fixture
def dspace9(app):
    with SampleRepository(9, content=laboratory) as sample:
        yield Staff(app, sample)


def test_a_file_that_only_a_login_lists_is_not_shown_to_viewers(staff):
    staff.sign_in()
    assert staff.run().clean

    assert staff.marks() == {OPEN: False, CLOSED: True}
    assert staff.found_by(f'"{CLOSED}"', viewer=True) == []
    [record] = staff.found_by(f'"{CLOSED}"', viewer=False)
    assert [(file["name"], file["restricted"]) for file in record["files"]] == [(OPEN, False), (CLOSED, True)]
    [record] = staff.found_by(f'"{TITLE}" {OPEN}', viewer=True)
    assert [file["name"] for file in record["files"]] == [OPEN]
    assert NOTE not in json.dumps(record)
    assert (CLOSED in staff.csv(viewer=True), CLOSED in staff.csv(viewer=False)) == (False, True)


def test_the_mark_follows_the_source_and_is_no_update(staff):
    staff.sign_in()
    staff.run()
    staff.open()
    opened = staff.run(full=True)
    marks_when_open = staff.marks()
    staff.close()
    closed = staff.run(full=True)

    assert marks_when_open == {OPEN: False, CLOSED: False}
    assert staff.marks() == {OPEN: False, CLOSED: True}
    assert len(staff.found_by(f'"{CLOSED}"', viewer=True)) == 0
    assert (opened.counts["updated"], closed.counts["updated"]) == (0, 0)


def test_an_import_without_login_removes_the_marks_of_listed_files(dspace9):
    dspace9.sign_in()
    dspace9.run()
    dspace9.open()
    dspace9.sign_out()

    dspace9.run()

    assert dspace9.marks() == {OPEN: False, CLOSED: False}
    assert len(dspace9.found_by(f'"{CLOSED}"', viewer=True)) == 1


def test_undo_restores_the_marks(dspace9):
    dspace9.sign_in()
    dspace9.run()
    dspace9.open()
    dspace9.sample.data.edit(dspace9.item, "dc.subject", ["something new"])
    changed = dspace9.run()
    marks_when_open = dspace9.marks()

    dspace9.undo(changed.id)

    assert marks_when_open == {OPEN: False, CLOSED: False}
    assert dspace9.marks() == {OPEN: False, CLOSED: True}
    assert dspace9.found_by(f'"{CLOSED}"', viewer=True) == []


def test_undo_shows_no_name_that_is_restricted_now(dspace9):
    dspace9.open()
    dspace9.sign_in()
    dspace9.run()
    dspace9.close()
    dspace9.sample.data.edit(dspace9.item, "dc.subject", ["something new"])
    changed = dspace9.run()

    dspace9.undo(changed.id)

    assert dspace9.marks() == {OPEN: False, CLOSED: True}
    assert dspace9.found_by(f'"{CLOSED}"', viewer=True) == []


def test_file_names_are_restricted_if_the_public_list_is_unknown(dspace9, monkeypatch):
    unknown = lambda self, scope, items: {item.id: Item(item.id, None, None, None) for item in items}  # noqa: E731
    monkeypatch.setattr(LoginGuard, "open_items", unknown)
    dspace9.sign_in()

    dspace9.run()

    assert dspace9.marks() == {OPEN: True, CLOSED: True}


def test_an_unchanged_import_lists_no_files_again(dspace9):
    dspace9.app.config["RECHECK_RUNS"] = 0
    dspace9.item.indexed_at -= timedelta(hours=1)
    dspace9.sign_in()
    dspace9.run()
    dspace9.sample.reset()

    dspace9.run()

    assert not [path for _, path in dspace9.sample.requests if f"{dspace9.item.uuid}/bundles" in path]
    assert dspace9.marks() == {OPEN: False, CLOSED: True}
