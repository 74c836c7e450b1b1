"""What could not be read or fetched is tried again by itself, without walking the whole source once more."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from connector.errors import Conflict, Restricted, ServerTrouble
from connector.extensions import db, utcnow
from connector.imports import jobs, report

from .catalogue import records


def retry(desk, job_id: int):
    """Try again what a job could not do, and give the new job as it ended."""
    with desk.app.app_context():
        new = jobs.retry(job_id)
    assert desk.work(new)
    return desk.job(new)


def test_an_item_that_failed_comes_when_it_is_tried_again(desk, dspace):
    for number in range(5):
        dspace.add(f"i{number}", fails=number == 3)
    first = desk.run()
    assert (first.failed, first.clean) == (1, False)
    dspace.items["i3"].fails = False
    dspace.details.clear()

    job = retry(desk, first.id)

    assert (job.state, job.clean, job.added, job.seen) == ("completed", True, 1, 1)
    assert dspace.details == ["i3"]
    assert len(records(desk.app)) == 5


def test_files_that_failed_or_were_restricted_are_fetched_again_and_no_others(desk, dspace):
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = {"i1/a.txt": ServerTrouble("It answered with 500."), "i2/a.txt": Restricted("Not for us.")}
    first = desk.run(files=True)
    assert (first.files_failed, first.files_restricted) == (1, 1)
    dspace.file_errors.clear()
    dspace.downloads.clear()

    job = retry(desk, first.id)

    assert (job.clean, job.files_stored, job.files_failed, job.files_restricted) == (True, 4, 0, 0)
    assert sorted(dspace.downloads) == ["i1/a.txt", "i2/a.txt"]
    assert job.vanished == 0


def test_what_fails_again_is_named_again_by_the_new_job(desk, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": ServerTrouble("It answered with 500.")}
    first = desk.run(files=True)

    job = retry(desk, first.id)

    assert (job.clean, job.files_failed) == (False, 1)
    with desk.app.app_context():
        assert ["a.txt" in problem["reason"] for problem in report.problems(jobs.get(job.id))] == [True]
        db.session.rollback()


def test_the_counts_of_a_retry_are_of_the_items_it_looked_at(desk, dspace):
    for number in range(3):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = {f"i{number}/a.txt": Restricted("Not for us.") for number in (1, 2)}
    first = desk.run(files=True)
    del dspace.file_errors["i1/a.txt"]

    job = retry(desk, first.id)

    assert (job.seen, job.updated, job.unchanged, job.failed) == (2, 1, 1, 0)


def test_an_item_that_failed_is_read_again_though_a_file_of_it_did_not_come_either(desk, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": Restricted("Not for us.")}
    desk.run(files=True)
    dspace.edit("i0", title="Another title", fails=True)
    second = desk.run(files=True)
    dspace.items["i0"].fails = False

    job = retry(desk, second.id)

    assert second.failed == 1
    assert (job.seen, job.updated) == (1, 1)
    assert records(desk.app)[0]["title"] == "Another title"


def test_a_failure_that_names_no_item_is_said_and_leaves_the_retry_with_problems(desk, dspace):
    dspace.add("i0")
    dspace.add("i1", fails=True)
    dspace.nameless_failures = ["Row 7 of the list: an error (500)."]
    first = desk.run()
    dspace.items["i1"].fails, dspace.nameless_failures = False, []

    job = retry(desk, first.id)

    assert (first.failed, job.added, job.clean) == (2, 1, False)
    assert "1 failure names no item" in job.message


def test_undo_of_a_retry_takes_back_what_it_brought_alone(desk, dspace):
    dspace.add("i0")
    dspace.add("i1", fails=True)
    first = desk.run()
    dspace.items["i1"].fails = False
    job = retry(desk, first.id)

    desk.undo(job.id)

    assert [record["source_id"] for record in records(desk.app)] == ["i0"]


def test_a_job_without_problems_has_nothing_to_try_again(desk, dspace):
    dspace.add("i0")
    job = desk.run()

    with desk.app.app_context(), pytest.raises(Conflict, match="nothing to try again"):
        jobs.retry(job.id)


def test_a_limit_of_the_job_leaves_larger_files_and_a_raised_one_fetches_them(desk, dspace):
    dspace.add("i0", files={"large.bin": b"x" * 1000, "small.txt": b"y" * 10})

    first = desk.run(files=True, file_limit=100)
    again = desk.run(files=True, file_limit=100)
    raised = desk.run(files=True)

    assert (first.files_too_large, first.files_stored, first.clean) == (1, 1, False)
    assert again.files_too_large == 1
    assert (raised.files_too_large, raised.files_stored, raised.clean) == (0, 2, True)
    assert dspace.downloads == ["i0/small.txt", "i0/large.bin"]
    assert records(desk.app)[0]["files"][0]["sha256"] == hashlib.sha256(b"x" * 1000).hexdigest()


def test_the_page_offers_to_try_again_only_where_something_failed(desk, dspace, client):
    dspace.add("i0", fails=True)
    dspace.add("i1")
    failed = desk.run().id
    dspace.items["i0"].fails = False
    fine = desk.run().id

    assert "Retry failed" in client.get(f"/jobs/{failed}/").text
    assert "Retry failed" not in client.get(f"/jobs/{fine}/").text
    assert client.post(f"/jobs/{fine}/retry").status_code == 409
    assert client.post(f"/jobs/{failed}/retry").status_code == 303


def test_a_re_run_of_a_retry_reads_the_whole_source(desk, dspace):
    dspace.add("i0", fails=True)
    dspace.add("i1")
    first = desk.run()
    again = retry(desk, first.id)

    with desk.app.app_context():
        rerun = jobs.rerun(again.id)
    desk.work(rerun)

    assert desk.job(rerun).seen == 2
    assert desk.job(rerun).source.options == first.options


@pytest.mark.parametrize(("days", "comes"), [(0, True), (-1, True), (1, False)])
def test_an_embargoed_file_is_named_with_its_end_and_tried_again_on_that_day_and_not_before(desk, dspace, days, comes):
    end = utcnow().date() + timedelta(days=days)
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": Restricted("Not open to the public.")}
    dspace.embargoes = {"i0/a.txt": end}
    first = desk.run(files=True)
    [file] = records(desk.app)[0]["files"]
    dspace.file_errors.clear()

    again = desk.run(files=True)

    assert (first.files_restricted, first.clean) == (1, True)
    assert f"Its embargo ends on {end}" in file["reason"]
    assert (again.files_stored, again.files_restricted) == ((1, 0) if comes else (0, 1))


def test_an_import_without_files_offers_no_retry_of_what_an_earlier_one_could_not_fetch(desk, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": ServerTrouble("It answered with 500.")}
    with_files = desk.run(files=True)

    without = desk.run()

    assert (with_files.can_retry, without.files_failed, without.can_retry) == (True, 1, False)
