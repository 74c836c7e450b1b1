"""An import after a complete one reads only the changes, and proves by two counts that nothing else changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.dspace.records import SourceState

from ..catalogue import records


def counts(job) -> tuple[int, int, int, int]:
    return job.counts["added"], job.counts["updated"], job.counts["unchanged"], job.counts["vanished"]


@pytest.fixture
def imported(importer, dspace):
    """Ten items of a server that can select, imported a year after they came; then a day goes by."""
    dspace.can_select = True
    for number in range(10):
        dspace.add(f"i{number}")
    dspace.server_time += timedelta(days=365)
    assert importer.run().clean
    dspace.server_time += timedelta(days=1)
    dspace.listings.clear()
    dspace.requests_made = 0
    return importer


def test_an_unchanged_scope_takes_two_counts_and_no_listing(imported, dspace):
    job = imported.run()

    assert (job.state, job.clean, job.counts["seen"], job.expected) == ("completed", True, 10, 10)
    assert counts(job) == (0, 0, 10, 0)
    assert job.counts["requests"] == 2
    assert dspace.listings == []


def test_changed_items_are_read_in_full_and_the_rest_is_not_listed(imported, dspace):
    dspace.edit("i1", title="Another title")
    dspace.edit("i2", version=1, files={"a.txt": b"a file that moved no time stamp"})
    dspace.add("new")

    job = imported.run()

    assert counts(job) == (1, 2, 8, 0)
    assert (job.counts["seen"], job.expected, job.clean) == (11, 11, True)
    assert dspace.listings == ["changes"]
    assert [len(record["files"]) for record in records(imported.app)].count(1) == 1


def test_a_change_is_seen_where_the_clock_of_the_server_is_hours_ahead_of_its_index(imported, dspace):
    index_time, dspace.clock_ahead = dspace.server_time, timedelta(hours=3)
    dspace.server_time += dspace.clock_ahead
    imported.run()
    dspace.edit("i1", title="Another title", indexed=index_time + timedelta(hours=1))
    dspace.server_time += timedelta(hours=2)

    job = imported.run()

    assert counts(job) == (0, 1, 9, 0)
    assert dspace.listings == ["changes"]


@pytest.mark.parametrize("recent", [False, True])
def test_a_change_is_seen_where_the_clock_of_the_server_was_set_back_since_the_last_import(imported, dspace, recent):
    if recent:
        dspace.edit("i1", title="As of the last import")
    imported.run()
    dspace.server_time -= timedelta(hours=5)
    dspace.clock_ahead = timedelta(hours=-5)
    dspace.edit("i1", title="Another title", indexed=dspace.server_time)
    dspace.server_time += timedelta(minutes=1)
    dspace.listings.clear()

    job = imported.run()

    assert counts(job) == (0, 1, 9, 0)
    assert dspace.listings == ["changes"]


def test_a_deleted_item_changes_the_count_and_the_scope_is_listed(imported, dspace):
    del dspace.items["i3"]
    dspace.edit("i4", title="Another title")

    job = imported.run()

    assert counts(job) == (0, 1, 8, 1)
    assert dspace.listings == ["changes", "light"]


def test_a_deleted_and_an_added_item_are_both_noticed(imported, dspace):
    dspace.items["i3"].state = SourceState.WITHDRAWN
    dspace.add("new")

    job = imported.run()

    assert counts(job) == (1, 0, 9, 1)


@pytest.mark.parametrize("why", ["most of it changed", "refused", "another clock", "full", "not clean before"])
def test_without_a_proof_the_whole_scope_is_listed(imported, dspace, why):
    options = {}
    if why == "most of it changed":
        for number in range(6):
            dspace.edit(f"i{number}", version=1)
    if why == "refused":
        dspace.refuses_subsets = True
    if why == "another clock":
        dspace.server_time = None
        imported.run(full=True)
    if why == "full":
        options = {"full": True}
    if why == "not clean before":
        dspace.edit("i0", fails=True)
        imported.run()
    dspace.listings.clear()

    job = imported.run(**options)

    assert dspace.listings == ["complete" if why == "full" else "light"]
    assert job.counts["seen"] == 10


def test_after_an_undo_nothing_counts_as_known(imported, dspace):
    dspace.edit("i1", title="Another title")
    changed = imported.run()
    imported.undo(changed.id)
    dspace.server_time += timedelta(days=1)

    job = imported.run()

    assert counts(job) == (0, 1, 9, 0)
    assert "Another title" in [record["title"] for record in records(imported.app)]


def test_another_item_set_gets_all_items_and_not_only_changed_ones(imported, dspace):
    imported.run(item_set="New set")

    assert {tuple(record["item_sets"]) for record in records(imported.app)} == {("New set",)}


def test_a_run_that_stops_in_the_middle_of_the_changes_counts_each_item_once(importer, dspace):
    dspace.can_select, dspace.page_size = True, 80
    for number in range(400):
        dspace.add(f"i{number:03}")
    dspace.server_time += timedelta(days=365)
    importer.run()
    for number in range(170):
        dspace.edit(f"i{number:03}", title=f"Title {number}")
    job_id = importer.create()
    dspace.before_page = lambda number: number == 1 and importer.stop(job_id)
    importer.work(job_id)
    stopped = importer.job(job_id)
    dspace.before_page = lambda number: None
    job = importer.resume(job_id)

    assert (stopped.state, stopped.counts["seen"]) == ("stopped", 160)
    assert counts(job) == (0, 170, 230, 0)
    assert (job.counts["seen"], job.clean) == (400, True)


def test_newly_wanted_files_of_unchanged_items_are_downloaded(importer, dspace):
    dspace.can_select = True
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    dspace.server_time += timedelta(days=365)
    importer.run()
    dspace.server_time += timedelta(days=1)

    job = importer.run(files=True)

    assert job.counts["files_stored"] == 4
    assert counts(job) == (0, 4, 0, 0)


@pytest.fixture
def just_indexed(importer, dspace):
    """Ten items that were indexed two minutes before they were imported; then three minutes go by."""
    dspace.can_select = True
    for number in range(10):
        dspace.add(f"i{number}", indexed=dspace.server_time - timedelta(minutes=2))
    assert importer.run().clean
    dspace.server_time += timedelta(minutes=3)
    dspace.listings.clear()
    dspace.requests_made = 0
    return importer


def test_an_import_again_within_the_overlap_lists_nothing(just_indexed, dspace):
    job = just_indexed.run()

    assert counts(job) == (0, 0, 10, 0)
    assert (job.clean, dspace.listings) == (True, [])
    assert job.counts["requests"] <= 4


def test_a_change_within_the_overlap_is_read(just_indexed, dspace):
    dspace.edit("i1", title="Another title")

    assert counts(just_indexed.run()) == (0, 1, 9, 0)


def test_an_item_that_the_index_shows_late_is_read(just_indexed, dspace):
    dspace.add("late", indexed=dspace.items["i0"].indexed)

    assert counts(just_indexed.run()) == (1, 0, 10, 0)
