"""Checks of access to files at the source take few requests. An import names the number of files not checked."""

from __future__ import annotations

from collections import Counter

import pytest

from connector.errors import NotFoundError, RestrictedError
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.tasks import carry_out
from tests.sample import SampleRepository, grow
from tests.sample.grow import BEGIN

from ..catalogue import records
from ..steps import import_of

SAME = b"the same bytes in all files, which are downloaded once"


def add_items(dspace, number: int) -> None:
    for each in range(number):
        dspace.add(str(each), files={"a.txt": SAME, "b.txt": SAME})


def fill(sample, files: int, items: int = 1_000):
    """A collection of items with this many files each, all of the same bytes, so that a first import is quick."""
    home = grow(sample.data, items=items)
    for item in [item for item in sample.data.items.values() if home in item.collections]:
        for number in range(files):
            sample.data.add_file(item, f"{number}.txt", SAME)
        item.indexed_at = BEGIN
    return home


@pytest.mark.parametrize(("generation", "files"), [(9, 2), (7, 1), (7, 2), (6, 2), (5, 2)])
def test_an_unchanged_run_of_a_thousand_items_with_files_takes_few_requests(app, generation, files):
    with SampleRepository(generation) as sample, app.app_context():
        run = import_of(sample, fill(sample, files), files=True)
        assert run().clean

        job = run()

        assert (job.clean, job.counts["seen"], job.counts["unchanged"]) == (True, 1_000, 1_000)
        assert job.counts["requests"] <= 70


@pytest.mark.parametrize(("generation", "files"), [(9, 2), (7, 1)])
def test_a_full_check_asks_for_access_in_the_pages_that_it_reads(app, generation, files):
    with SampleRepository(generation) as sample, app.app_context():
        run = import_of(sample, fill(sample, files, items=100), files=True)
        first = run()
        sample.requests.clear()

        full = full_check(first.source_id)

        # Only plans of pages, which depend on how fast the server is, may differ from those of the first import.
        paths = [path for _, path in sample.requests]
        besides = [path for path in paths if "/content" in path or ("/bundles?" in path and "format" not in path)]
        assert (full.clean, full.message, besides) == (True, "", [])
        assert any("accessStatus" in path for path in paths)


def full_check(source_id: int):
    job_id = queueing.create(source_id, ImportOptions(files=True, full=True))
    assert carry_out(job_id)
    return lifecycle.get(job_id)


def test_files_whose_access_is_not_in_pages_are_checked_in_turns_and_the_rest_is_reported(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    add_items(dspace, 40)
    importer.run(files=True)

    runs = [importer.run(files=True) for _ in range(3)]

    assert Counter(Counter(dspace.asked_for).values()) == {1: 70, 2: 10}
    assert all(job.clean for job in runs)
    assert {job.message for job in runs} == {
        "Later imports check whether 50 files are still open or closed at the source."
    }


def test_a_full_check_sends_a_limited_number_of_requests_for_single_files(importer, dspace):
    dspace.page_size = 80
    add_items(dspace, 600)
    importer.run(files=True)

    first = importer.run(files=True, full=True)
    asked = dspace.asked_for[:]
    second = importer.run(files=True, full=True)

    assert len(set(asked)) == len(asked) == 1_000
    assert set(dspace.asked_for) == {f"{id}/{name}" for id in dspace.items for name in ("a.txt", "b.txt")}
    assert first.message == second.message
    assert "200 files" in first.message


def test_a_file_with_unknown_access_does_not_delay_the_checks_of_others(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    add_items(dspace, 30)
    importer.run(files=True)
    for id in list(dspace.items)[:15]:
        dspace.file_errors |= dict.fromkeys((f"{id}/a.txt", f"{id}/b.txt"), NotFoundError("It is not there."))

    for _ in range(2):
        importer.run(files=True)

    assert len(set(dspace.asked_for)) == 60


def test_restricted_files_are_retried_only_up_to_the_limit_of_an_import(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    add_items(dspace, 40)
    dspace.file_errors = {
        f"{id}/{name}": RestrictedError("closed") for id in dspace.items for name in ("a.txt", "b.txt")
    }
    importer.run(files=True)
    dspace.downloads.clear()

    job = importer.run(files=True)

    assert (len(dspace.asked_for), dspace.downloads) == (30, [])
    assert "50 files" in job.message


def test_a_restricted_file_that_becomes_public_is_downloaded_in_its_turn(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    add_items(dspace, 20)
    dspace.file_errors = {
        f"{id}/{name}": RestrictedError("closed") for id in dspace.items for name in ("a.txt", "b.txt")
    }
    importer.run(files=True)
    dspace.file_errors = {}

    runs = [importer.run(files=True) for _ in range(2)]

    assert [job.files["stored"] for job in runs] == [30, 40]


def test_a_restricted_file_in_a_page_is_confirmed_and_recorded(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    dspace.tells_access = True
    add_items(dspace, 20)
    importer.run(files=True)
    dspace.file_errors = {"3/a.txt": RestrictedError("closed")}

    job = importer.run(files=True)

    assert (dspace.asked_for, job.counts["updated"], job.message) == (["3/a.txt"], 1, "")
    assert [file["restricted"] for record in records(importer.app) for file in record["files"]].count(True) == 1


def test_changes_of_access_in_pages_are_confirmed_up_to_the_limit_of_an_import(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    dspace.tells_access = True
    add_items(dspace, 20)
    importer.run(files=True)
    dspace.file_errors = {
        f"{id}/{name}": RestrictedError("closed") for id in dspace.items for name in ("a.txt", "b.txt")
    }

    job = importer.run(files=True)

    assert len(dspace.asked_for) == 30
    assert "10 files" in job.message
