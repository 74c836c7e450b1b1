"""Each import reads the files of one slice of the items again, so several imports read those of all items."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.dspace.page_plans import SIZES, complete_plans
from connector.extensions import db
from connector.models.catalogue import ItemSet
from connector.models.repositories import Source
from tests.sample import FREE, SampleRepository, grow

from ..catalogue import records, titles
from ..steps import import_of

RUNS = 4
UNTOUCHED = {"version": 1, "indexed": datetime(2020, 1, 1, tzinfo=UTC)}  # neither time stamp nor index tells of it


def counts(job) -> tuple[int, int, int, int]:
    return job.counts["seen"], job.counts["updated"], job.counts["unchanged"], job.counts["failed"]


def turn(importer) -> int:
    with importer.app.app_context():
        return db.session.scalar(db.select(Source.recheck_slice))


@pytest.fixture(params=["selected", "refused", "listed"])
def imported(request, importer, dspace):
    """Eight items, two for each of four runs; of a server that selects, refuses the query, or cannot select at all."""
    dspace.can_select, dspace.refuses_subsets = request.param != "listed", request.param == "refused"
    importer.app.config["RECHECK_RUNS"] = RUNS
    for number in range(8):
        dspace.add(str(number), files={"a.txt": f"file of {number}".encode()})
    dspace.server_time += timedelta(days=365)
    assert importer.run().clean
    dspace.server_time += timedelta(days=1)
    dspace.listings.clear()
    return importer


def lose_a_file(dspace, id: str) -> None:
    dspace.edit(id, files={}, **UNTOUCHED)


def test_a_file_removed_without_a_new_time_stamp_is_noticed_within_all_slices(imported, dspace):
    for number in range(8):
        lose_a_file(dspace, str(number))

    found = [imported.run() for _ in range(RUNS)]

    assert [counts(job) for job in found] == [(8, 2, 6, 0)] * RUNS
    assert all(job.clean and job.expected == 8 for job in found)
    assert [record["files"] for record in records(imported.app)] == [[]] * 8


def test_each_import_reads_only_its_slice(imported, dspace):
    dspace.details.clear()
    for _ in range(RUNS):
        imported.run()

    if dspace.refuses_subsets:
        assert sorted(dspace.details) == sorted(dspace.items)
        assert dspace.listings == ["light"] * RUNS
    else:
        assert dspace.listings == (["slice"] if dspace.can_select else ["light", "slice"]) * RUNS
        assert dspace.details == []


def test_changes_found_by_a_slice_are_updates_and_can_be_undone(imported, dspace):
    before = records(imported.app)
    lose_a_file(dspace, "0")

    job = imported.run()
    undone = imported.undo(job.id)

    assert counts(job) == (8, 1, 7, 0)
    assert (undone.counts["restored"], undone.counts["kept"]) == (1, 0)
    assert records(imported.app) == before


def test_an_item_that_changed_by_the_list_and_again_before_its_slice_counts_once(imported, dspace):
    before = records(imported.app)
    dspace.edit("0", title="Changed", indexed=dspace.server_time)
    when_it_is_read_again(dspace, "0", lambda: dspace.edit("0", title="Changed again"))

    job = imported.run()
    seen = titles(imported.app)["0"]
    imported.undo(job.id)

    assert (counts(job), seen) == ((8, 1, 7, 0), "Changed again")
    assert records(imported.app) == before


def when_it_is_read_again(dspace, id: str, act: Callable[[], object]) -> None:
    """Do something at the source before this item is read in full for the second time."""
    give, read = dspace._item, []

    def item(one, light, with_collection):
        if one.id == id and not light:
            read.append(one)
            if len(read) == 2:
                act()
                one = dspace.items[id]
        return give(one, light, with_collection)

    dspace._item = item


def when_the_slice_is_asked_for(dspace, act: Callable[[], object]) -> None:
    """Do something at the source between the list and the slice of a server that can select."""
    walk = dspace.walk

    def late_walk(*args, subset=None, **options):
        if subset is not None and subset.part:
            act()
        return walk(*args, subset=subset, **options)

    dspace.walk = late_walk


def test_full_checks_test_imports_and_first_imports_read_no_slice(imported, dspace):
    dspace.details.clear()
    imported.run(full=True)
    imported.run(test=3)
    imported.run("")

    assert turn(imported) == 0
    assert (dspace.details, "slice" in dspace.listings) == ([], False)


def test_slices_can_be_turned_off(imported, dspace):
    imported.app.config["RECHECK_RUNS"] = 0
    for number in range(8):
        lose_a_file(dspace, str(number))
    dspace.details.clear()

    runs = [imported.run() for _ in range(RUNS)]

    assert [job.counts["updated"] for job in runs] == [0] * RUNS
    assert (dspace.details, "slice" in dspace.listings) == ([], False)


def test_an_import_that_stops_in_its_slice_resumes_and_counts_nothing_twice(imported, dspace):
    imported.app.config["RECHECK_RUNS"] = 1
    for number in range(8, 400):
        dspace.add(str(number), files={"a.txt": f"file of {number}".encode()})
    imported.run()
    for id in dspace.items:
        lose_a_file(dspace, id)
    job_id = imported.create()
    read = stop_in_full_reading(imported, dspace, job_id)
    imported.work(job_id)
    stopped = imported.job(job_id)
    dspace.listings.clear()
    job = imported.resume(job_id)

    assert (stopped.state, stopped.cursor["slice"]["part"], turn(imported)) == ("stopped", [0, 1], 2)
    assert 0 < stopped.counts["updated"] < 400
    assert counts(job) == (400, 400, 0, 0)
    assert 400 <= len(read) < 500
    assert dspace.listings in ([], ["slice"])


def stop_in_full_reading(importer, dspace, job_id: int) -> list[str]:
    """Stop the job when it has read 150 items in full; gives the ids of all that are read so."""
    give, read = dspace._item, []

    def item(one, light, with_collection):
        if not light:
            read.append(one.id)
        if len(read) == 150:
            importer.stop(job_id)
        return give(one, light, with_collection)

    dspace._item = item
    return read


def test_an_item_that_fails_in_its_slice_is_no_longer_counted_as_unchanged(imported, dspace):
    dspace.broken_in_full = {"0"}

    job = imported.run()

    assert counts(job) == (8, 0, 7, 1)
    assert not job.clean


def test_an_item_that_failed_in_the_list_stays_failed_after_its_slice(imported, dspace):
    dspace.edit("0", fails=True, indexed=dspace.server_time)
    when_the_slice_is_asked_for(dspace, lambda: dspace.edit("0", fails=False, title="Changed"))

    job = imported.run()

    assert counts(job) == (8, 0, 7, 1)
    assert titles(imported.app)["0"] == "A title"


def test_items_added_between_list_and_slice_are_left_to_the_next_import(imported, dspace):
    when_the_slice_is_asked_for(dspace, lambda: dspace.add("12"))

    job = imported.run()

    assert (job.counts["seen"], job.counts["added"]) == (8, 0)


@pytest.mark.parametrize("generation", [9, 6, 5, 4])
def test_a_file_deleted_on_a_real_server_is_noticed_after_all_slices(app, generation):
    app.config["RECHECK_RUNS"] = 7
    with SampleRepository(generation) as sample, app.app_context():
        home = sample.data.named("Aldermouth Gazette")
        items = [item for item in sample.data.items.values() if home in item.collections and item.bitstreams]
        for item in sample.data.items.values():
            item.indexed_at = datetime(2020, 1, 1, tzinfo=UTC)
        run = import_of(sample, home)

        first = run()
        for item in items:
            sample.data.remove_file(item, item.bitstreams[0])
            item.indexed_at = datetime(2020, 1, 1, tzinfo=UTC)
        runs = [run() for _ in range(7)]

        assert first.clean and all(job.clean and job.counts["seen"] == first.counts["seen"] for job in runs)
        assert sum(job.counts["updated"] for job in runs) == len(items) > 7
        if generation in (5, 6):  # their lists with details cost no more than light ones
            assert runs[0].counts["updated"] == len(items)
        else:
            assert all(job.counts["updated"] < len(items) for job in runs)


@pytest.mark.parametrize("generation", [7, 6, 5])
def test_an_unchanged_run_of_a_thousand_items_takes_few_requests(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        run = import_of(sample, grow(sample.data, items=1_000, files=1))
        run()

        job = run()

        assert (job.clean, job.counts["seen"], job.counts["unchanged"]) == (True, 1_000, 1_000)
        assert job.counts["requests"] <= 70


@pytest.mark.parametrize("generation", [6, 5])
def test_a_slice_is_read_in_pages_if_details_are_slow(app, generation):
    app.config["RECHECK_RUNS"] = 7
    with SampleRepository(generation, costs=DEAR_FILES) as sample, app.app_context():
        home = grow(sample.data, items=900, files=1)
        items = list(home_items(sample, home))
        run = import_of(sample, home)
        run()
        for item in items:
            sample.data.remove_file(item, item.bitstreams[0])

        sample.reset()
        runs = [run() for _ in range(7)]

        singly = [path for _, path in sample.requests if re.search(r"/items/[^/]+\?", path)]
        assert sum(job.counts["updated"] for job in runs) == 900
        assert runs[0].counts["updated"] < 900
        assert singly == []


DEAR_FILES = replace(FREE, per_row_file=0.002)


def home_items(sample, home):
    return (item for item in sample.data.items.values() if home in item.collections)


def test_a_mapped_item_stays_in_the_item_set_of_the_collection_that_shows_it(app):
    app.config["RECHECK_RUNS"] = 1
    with SampleRepository(9) as sample, app.app_context():
        home, other = (sample.data.named(name) for name in ("Aldermouth Gazette", "Harbour photographs"))
        mapped = next(item for item in sample.data.items.values() if item.collection is other)
        sample.data.map_to(mapped, home)
        sample.faults.add(lambda path: "resourceid" in path, times=None, status=422)
        run = import_of(sample, home, item_set_from_collection=True)

        runs = [run(), run()]

        assert [(job.clean, job.counts["seen"]) for job in runs] == [(True, 46)] * 2
        assert runs[1].counts["requests"] > 46
        assert db.session.scalars(db.select(ItemSet.name)).all() == ["Aldermouth Gazette"]


def test_a_slice_uses_the_page_plan_of_the_import(app):
    """Which plan is the best depends on the machine, so that it is set here."""
    app.config["RECHECK_RUNS"] = 1
    with SampleRepository(9) as sample, app.app_context():
        run = import_of(sample, grow(sample.data, items=300, files=1))
        source = db.session.get_one(Source, run().source_id)
        found = source.completeness_proof["plan"]["plan"]
        source.completeness_proof = source.completeness_proof | {"plan": {"plan": "items with files by 20"}}
        db.session.commit()
        asked = []
        for _ in range(2):
            sample.requests.clear()
            assert run().clean
            asked.append([path for _, path in sample.requests if "resourceid" in path])

        # A search for one item asks whether the repository answers such searches.
        sizes = [{path.rpartition("&size=")[2] for path in paths} - {"1"} for paths in asked]
        assert found in {trial.plan.name for trial in complete_plans(SIZES).trials}
        assert sizes == [{"20"}, {"20"}]
