"""A preview lists what the next import changes, and writes nothing to the catalogue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from connector.catalogue import takedown
from connector.dspace.records import SourceState
from connector.extensions import db
from connector.imports.results.retention import forget_previews_before
from connector.jobs import lifecycle, report
from connector.models.changes import Action, Change
from connector.models.jobs import Kind
from connector.models.previews import PreviewRow

from .catalogue import dump

DONE = {Action.ADDED: "new", Action.UPDATED: "changed", Action.MARKED: "vanished", Action.FAILED: "failed"}


def told(app, job, *actions) -> set[tuple[str, str]]:
    """What a preview told, as (action, key); without the unchanged, unless those are asked for."""
    with app.app_context():
        rows = db.session.scalars(db.select(PreviewRow).where(PreviewRow.job_id == job.id)).all()
        return {(row.action, row.source_key) for row in rows if row.action in (actions or DONE.values())}


def done(app, job) -> set[tuple[str, str]]:
    """What an import did, in the same words."""
    with app.app_context():
        rows = db.session.scalars(db.select(Change).where(Change.job_id == job.id)).all()
        return {(DONE[Action(row.action)], row.source_key) for row in rows}


def counts(job) -> tuple[int, ...]:
    return (
        job.counts["seen"],
        job.counts["added"],
        job.counts["updated"],
        job.counts["unchanged"],
        job.counts["vanished"],
        job.counts["failed"],
    )


def data_of(app, job, key) -> dict:
    with app.app_context():
        mine = (PreviewRow.job_id == job.id, PreviewRow.source_key == key)
        return db.session.scalars(db.select(PreviewRow.data).where(*mine)).one()


@pytest.fixture(params=["listed", "selected"])
def imported(request, importer, dspace):
    """Ten items, imported once; a server that is listed, or one that tells by query what it has indexed since."""
    dspace.can_select = request.param == "selected"
    for number in range(10):
        dspace.add(f"i{number}", files={"a.txt": b"aaa"})
    dspace.server_time += timedelta(days=365)
    assert importer.run(files=True).clean
    dspace.server_time += timedelta(days=1)
    return importer


def change_all_sorts(dspace) -> None:
    """One of each: new, other title, other file, came back elsewhere, gone, failing."""
    dspace.add("new", files={"b.txt": b"bbb", "c.txt": b"c"})
    dspace.edit("i1", title="Another title")
    dspace.edit("i2", files={"a.txt": b"other bytes"})
    dspace.edit("i3", files={})
    del dspace.items["i4"]
    dspace.edit("i5", collections=("c2",))
    dspace.edit("i6", fails=True)


def test_a_preview_of_a_new_source_lists_all_items_as_new(importer, dspace):
    for number in range(7):
        dspace.add(f"i{number}")

    job = importer.preview()

    assert (job.kind, job.state, job.clean, job.message) == ("preview", "completed", True, "")
    assert counts(job) == (7, 7, 0, 0, 0, 0)
    assert told(importer.app, job) == {("new", f"1/i{number}") for number in range(7)}
    assert data_of(importer.app, job, "1/i0") == {"brings": {"values": 2, "files": 0}}


def test_nothing_but_the_job_and_its_rows_is_written(imported, dspace):
    change_all_sorts(dspace)
    before = dump(imported.app)

    job = imported.preview(files=True)

    assert job.state == "completed"
    assert dump(imported.app) == before


def test_the_import_after_a_preview_makes_exactly_its_changes(imported, dspace):
    change_all_sorts(dspace)

    said = imported.preview(files=True)
    job = imported.run(files=True)

    assert told(imported.app, said) == done(imported.app, job)
    assert counts(said) == counts(job)
    assert said.clean is False


def test_a_preview_without_changes_counts_all_items_as_unchanged(imported):
    job = imported.preview(files=True)

    assert (job.clean, counts(job)) == (True, (10, 0, 0, 10, 0, 0))
    assert told(imported.app, job, "unchanged") == {("unchanged", f"1/i{number}") for number in range(10)}
    assert told(imported.app, job) == set()


def test_a_preview_lists_changes_field_by_field_and_file_by_file(importer, dspace):
    dspace.add("i0", title="Old", files={"same.txt": b"s", "other.txt": b"o", "gone.txt": b"g"})
    importer.run()
    dspace.edit("i0", title="New", files={"same.txt": b"s", "other.txt": b"longer", "more.txt": b"m"})

    data = data_of(importer.app, importer.preview(), "1/i0")

    assert [(f["field"], f["before"][0]["value"], f["after"][0]["value"]) for f in data["fields"]] == [
        ("dc.title", "Old", "New")
    ]
    assert [(f["name"], f["change"]) for f in data["files"]] == [
        ("other.txt", "changed"),
        ("more.txt", "added"),
        ("gone.txt", "removed"),
    ]
    sizes = {"what": "Size in bytes", "before": 1, "after": 6}
    assert sizes in data["files"][0]["about"]
    assert data["about"] == []


def test_an_item_with_a_new_handle_is_listed_once_and_not_as_missing(imported, dspace):
    uuid = "11111111-2222-4333-8444-555555555555"
    dspace.add(uuid, handle="1/first")
    assert imported.run().counts["added"] == 1
    dspace.server_time += timedelta(days=1)
    dspace.edit(uuid, handle="1/second")

    said, job = imported.preview(), imported.run()

    assert told(imported.app, said) == done(imported.app, job) == {("changed", "1/second")}
    assert counts(said) == counts(job)


def test_a_preview_with_files_lists_files_that_were_never_downloaded(importer, dspace):
    dspace.add("i0", files={"a.txt": b"a", "license.txt": b"l"})
    dspace.add("i1")
    importer.run()

    without, wanting = importer.preview(), importer.preview(files=True)
    job = importer.run(files=True)

    assert counts(without) == (2, 0, 0, 2, 0, 0)
    assert counts(wanting) == counts(job) == (2, 0, 1, 1, 0, 0)
    assert told(importer.app, wanting) == done(importer.app, job)
    assert data_of(importer.app, wanting, "1/i0") == {"fetch": ["a.txt"]}
    assert dspace.downloads == ["i0/a.txt"]


def test_items_that_return_are_listed_with_their_earlier_state(importer, dspace):
    dspace.add("stays")
    dspace.add("moved")
    dspace.add("withdrawn")
    importer.run()
    dspace.edit("moved", collections=("c2",))
    dspace.edit("withdrawn", state=SourceState.WITHDRAWN)
    assert importer.run().counts["vanished"] == 2
    dspace.edit("moved", collections=("c1",))
    dspace.edit("withdrawn", state=SourceState.PRESENT)

    said = importer.preview()

    assert told(importer.app, said) == {("changed", "1/moved"), ("changed", "1/withdrawn")}
    assert "since" in data_of(importer.app, said, "1/moved")["returns"]
    assert "marked: Withdrawn at the source." in data_of(importer.app, said, "1/withdrawn")["returns"]
    assert done(importer.app, importer.run()) == told(importer.app, said)


def test_a_stopped_preview_resumes_at_its_cursor(imported, dspace):
    change_all_sorts(dspace)
    job_id = imported.create(kind=Kind.PREVIEW, full=True)
    dspace.before_page = lambda number: imported.stop(job_id) if number == 2 else None
    imported.work(job_id)
    assert imported.job(job_id).state == "stopped"
    dspace.before_page = lambda number: None

    said = imported.resume(job_id)

    assert said.state == "completed"
    assert counts(said) == counts(imported.run(full=True))


def test_a_failed_preview_is_not_clean_and_keeps_its_rows(imported, dspace):
    dspace.add("new")
    imported.app.config["MAX_OUTAGE_SECONDS"] = 10.0

    def fall_over(number):
        dspace.down = number == 3

    dspace.before_page = fall_over

    job = imported.preview(full=True)

    assert (job.state, job.clean) == ("failed", None)
    assert job.counts["seen"] > 0


def test_a_preview_of_a_nearly_empty_source_lists_no_missing_items(imported, dspace):
    imported.app.config["MAX_MISSING_PERCENT"] = 20
    for number in range(1, 10):
        del dspace.items[f"i{number}"]

    job = imported.preview()

    assert (job.state, job.clean, job.counts["vanished"], job.asks) == ("completed", False, 0, False)
    assert "only 1 of the 10 items" in job.message
    assert "ask you whether the other 9 are really gone" in job.message
    assert told(imported.app, job) == set()


def test_an_item_that_cannot_be_requested_is_reported_by_a_preview(imported, dspace):
    dspace.edit("i1", state=SourceState.WITHDRAWN)
    dspace.silent_about.add("i1")

    job = imported.preview(full=True)

    assert (job.clean, job.counts["vanished"]) == (False, 0)
    assert "1/i1" in job.message


def test_failures_of_a_preview_are_listed_like_problems_of_an_import(importer, dspace):
    dspace.add("bad", fails=True)

    job = importer.preview()

    with importer.app.app_context():
        assert [(p["handle"], p["reason"]) for p in report.problems(lifecycle.get(job.id))] == [
            ("1/bad", "it is broken")
        ]


def test_a_preview_does_not_affect_what_the_next_import_reads(importer, dspace):
    dspace.add("i0")
    importer.preview(files=True)
    dspace.details.clear()

    assert importer.run().counts["added"] == 1
    assert dspace.listings == ["complete", "complete"]


def test_a_preview_keeps_none_of_its_options_on_the_source(importer, dspace):
    dspace.add("i0")
    importer.run(item_set="kept")
    importer.preview(files=True, full=True)

    with importer.app.app_context():
        assert lifecycle.get(1).source.options == {"item_set": "kept"}


def test_a_preview_and_an_import_of_the_same_source_are_two_jobs(importer):
    first = importer.create(kind=Kind.PREVIEW)

    assert importer.create(kind=Kind.PREVIEW) == first
    assert importer.create() != first


@pytest.mark.parametrize("can_select", [True, False])
def test_a_preview_reads_the_slice_that_the_import_would_read(importer, dspace, can_select):
    dspace.can_select, importer.app.config["RECHECK_RUNS"] = can_select, 1
    for number in range(10):
        dspace.add(str(number), files={"a.txt": b"a"})
    dspace.server_time += timedelta(days=365)
    importer.run()
    dspace.server_time += timedelta(days=1)
    dspace.edit("1", title="Another title")
    dspace.edit("2", version=1, files={}, indexed=dspace.server_time - timedelta(days=30))
    before = dump(importer.app)

    said = importer.preview()

    assert dump(importer.app) == before
    job = importer.run()
    assert told(importer.app, said) == done(importer.app, job) == {("changed", "1/1"), ("changed", "1/2")}
    assert counts(said) == counts(job) == (10, 0, 2, 8, 0, 0)


def test_a_preview_killed_between_two_pages_resumes_and_lists_each_item_once(imported, dspace):
    change_all_sorts(dspace)
    job_id = imported.create(kind=Kind.PREVIEW, full=True)

    def die(number):
        if number == 2:
            raise OperationalError("UPDATE", {}, Exception("the database went away"))

    dspace.before_page = die
    imported.work(job_id)
    assert imported.job(job_id).state == "queued"
    dspace.before_page = lambda number: None

    imported.work(job_id)

    said, job = imported.job(job_id), imported.run(full=True)
    assert counts(said) == counts(job)
    assert told(imported.app, said) == done(imported.app, job)


def test_excluded_items_are_no_changes_of_a_preview_and_are_reported(imported, dspace):
    with imported.app.app_context():
        named = takedown.find_items(imported.repository_id, ["1/i1"])
        takedown.take_down(imported.repository_id, named, "a reason")

    said = imported.preview(full=True)

    assert (said.counts["added"], said.counts["seen"]) == (0, 10)
    assert "1 item is excluded by a takedown." in said.message
    assert told(imported.app, said) == set()


def test_a_preview_of_a_test_import_reads_as_many_items_and_lists_none_as_missing(imported, dspace):
    del dspace.items["i9"]

    said = imported.preview(test=4, full=True)

    assert (said.clean, counts(said)) == (True, (4, 0, 0, 4, 0, 0))


def test_rows_of_previews_are_deleted_later_but_not_while_they_are_active(imported, app):
    ended, waiting = imported.preview(), imported.create(kind=Kind.PREVIEW)
    with app.app_context():
        assert forget_previews_before(ended.ended_at) == 0
        assert forget_previews_before(ended.ended_at + timedelta(seconds=1)) == 1
        assert forget_previews_before(ended.ended_at + timedelta(days=1)) == 0

    assert told(app, ended, "unchanged") == set()
    assert imported.job(ended.id).pruned_at is not None
    assert imported.job(waiting).pruned_at is None


def test_a_preview_sends_no_more_requests_than_the_import(imported, dspace):
    """Where the source tells by query what it has indexed since, nothing is listed, though there is a new item."""
    dspace.add("new")
    dspace.edit("i1", title="Another title")
    dspace.listings.clear()

    said = imported.preview()
    listed = list(dspace.listings)

    dspace.listings.clear()
    job = imported.run()
    assert listed == dspace.listings
    assert counts(said) == counts(job)


def test_a_stored_item_that_fails_without_its_handle_counts_as_listed(importer, dspace):
    for number in range(3):
        dspace.add(str(number))
    importer.run()
    dspace.edit("1", handle=None, fails=True)
    dspace.silent_about.add("1")

    said, job = importer.preview(full=True), importer.run(full=True)

    assert said.message == job.message == "1 item could not be read."
    assert counts(said) == counts(job)


@pytest.mark.parametrize("mends", [False, True])
def test_an_item_that_failed_in_the_listing_is_counted_once_in_a_preview(importer, dspace, mends):
    importer.app.config["RECHECK_RUNS"] = 1
    for number in range(4):
        dspace.add(str(number))
    importer.run()
    dspace.edit("1", title="Another title")

    def mend(number):
        if mends and dspace.listings[-1] == "slice":
            dspace.broken_in_full.clear()

    dspace.can_select, dspace.before_page = True, mend
    dspace.broken_in_full.add("1")
    said = importer.preview()
    dspace.broken_in_full.add("1")
    job = importer.run()

    assert counts(said) == counts(job) == (4, 0, 0, 3, 0, 1)
    assert told(importer.app, said) == done(importer.app, job) == {("failed", "1/1")}
