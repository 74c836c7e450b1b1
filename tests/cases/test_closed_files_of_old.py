"""Closed files of DSpace 4 to 6 leave the lists there, as deleted files do."""

from __future__ import annotations

import json

import pytest

from connector.catalogue.export import as_jsonl
from connector.catalogue.search import Selection
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

TITLE, OPEN, NAME = "A file of its own", "open.txt", "thesis.txt"


class Reader(SampleImporter):
    """Somebody who imports an item with two files."""

    def __init__(self, app, sample: SampleRepository):
        super().__init__(app, sample)
        self.item = sample.data.add_item(sample.data.named("Special files"), [("dc.title", [TITLE])])
        sample.data.add_file(self.item, OPEN, b"open")
        self.thesis = sample.data.add_file(self.item, NAME, b"a thesis")

    def open(self) -> None:
        """Open the thesis again at the source. No time stamp moves for this."""
        self.thesis.readable = True
        self.item.cache.clear()

    def names(self) -> set[str]:
        """The names of the files that viewers see."""
        with self.app.app_context():
            records = map(json.loads, as_jsonl(Selection(with_restricted=False)))
            return {file["name"] for record in records if record["title"] == TITLE for file in record["files"]}

    def found_by_viewers(self, words: str) -> bool:
        with self.app.app_context():
            return bool(list(as_jsonl(Selection(words=words, with_restricted=False))))

    def asked(self) -> int:
        """How many requests asked for the thesis since the last reset."""
        ids = (self.thesis.uuid, str(self.thesis.number))
        return sum(any(path.startswith(f"/rest/bitstreams/{id}/") for id in ids) for _, path in self.sample.requests)


@pytest.fixture(params=[4, 5, 6])
def reader(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        yield Reader(app, sample)


def test_a_closed_file_is_restricted_and_kept(reader):
    reader.run()
    stored = reader.file(TITLE, NAME)
    reader.sample.data.embargo(reader.thesis)

    job = reader.run(full=True)

    closed = reader.file(TITLE, NAME)
    assert (closed["fate"], closed["restricted"], closed["path"]) == ("restricted", True, stored["path"])
    assert "Closed at the source" in closed["reason"]
    assert ("may also have been deleted" in closed["reason"]) == (reader.sample.generation == 4)
    assert reader.names() == {OPEN}
    assert not reader.found_by_viewers(NAME)
    assert (job.counts["updated"], job.clean) == (1, True), job.message


def test_a_deleted_file_is_removed_if_the_source_reports_the_deletion(reader):
    reader.run()
    reader.sample.data.remove_file(reader.item, reader.thesis)

    reader.run(full=True)

    left = [file["fate"] for file in reader.records()[TITLE]["files"] if file["name"] == NAME]
    assert left == (["restricted"] if reader.sample.generation == 4 else [])
    assert reader.names() == {OPEN}


def test_a_file_that_opens_again_is_shown_again(reader):
    reader.run()
    reader.sample.data.embargo(reader.thesis)
    reader.run(full=True)
    reader.open()

    reader.run(full=True)

    opened = reader.file(TITLE, NAME)
    assert (opened["fate"], opened["restricted"]) == ("stored", False)
    assert reader.names() == {OPEN, NAME}
    assert reader.found_by_viewers(NAME)


def test_a_closed_file_is_asked_for_once(reader):
    reader.app.config["RECHECK_RUNS"] = 0  # otherwise a run may read just this item again
    reader.run()
    reader.sample.data.embargo(reader.thesis)
    reader.sample.reset()
    reader.run(full=True)
    asked = reader.asked()
    reader.sample.reset()

    reader.run()
    reader.run()

    assert (asked, reader.asked()) == (1, 0)


def test_a_closed_file_stays_when_its_item_changes_later(reader):
    reader.run()
    reader.sample.data.embargo(reader.thesis)
    reader.run(full=True)
    reader.sample.data.edit(reader.item, "dc.subject", ["Edited"])

    reader.run(full=True)

    assert reader.file(TITLE, NAME)["fate"] == "restricted"


def test_a_file_that_was_replaced_under_its_name_is_not_kept(reader):
    reader.run()
    reader.sample.data.remove_file(reader.item, reader.thesis)
    reader.sample.data.add_file(reader.item, NAME, b"a better thesis")

    reader.run(full=True)

    assert [file["fate"] for file in reader.records()[TITLE]["files"]] == ["stored", "stored"]


def test_a_closed_file_is_kept_where_another_file_has_its_name(reader):
    reader.sample.data.add_file(reader.item, NAME, b"another thesis of this name")
    reader.run()
    reader.sample.data.embargo(reader.thesis)

    reader.run(full=True)

    statuses = [file["fate"] for file in reader.records()[TITLE]["files"] if file["name"] == NAME]
    assert statuses == ["stored", "restricted"]


def test_undo_shows_no_file_that_was_closed_since(reader):
    reader.run()
    reader.sample.data.embargo(reader.thesis)
    closed = reader.run(full=True)

    reader.undo(closed.id)

    restored = reader.file(TITLE, NAME)
    assert (restored["fate"], restored["restricted"]) == ("restricted", True)
    assert reader.names() == {OPEN}


def test_a_file_that_cannot_be_asked_for_is_kept(reader):
    reader.run()
    reader.sample.data.remove_file(reader.item, reader.thesis)
    reader.sample.faults.add("/retrieve", None, status=500)

    reader.run(full=True)

    assert reader.file(TITLE, NAME)["fate"] == "restricted"
    assert reader.names() == {OPEN}
