"""A retry reads only the items and files that failed, without listing the whole source."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from connector.catalogue.problem_files import mark
from connector.errors import ConflictError, RestrictedError, ServerError
from connector.extensions import db, transaction, utcnow
from connector.imports.results import import_report
from connector.imports.start import preview_selection, queueing, retry_failed
from connector.imports.start.preview_rows import PreviewAction
from connector.jobs import lifecycle, report
from connector.models.catalogue import CatalogueFile, FileStatus
from connector.models.changes import FileProblem
from tests.pages import words

from ..catalogue import records
from ..steps import can_retry, retry


def test_a_retry_imports_an_item_that_failed(importer, dspace):
    for number in range(5):
        dspace.add(f"i{number}", fails=number == 3)
    first = importer.run()
    assert (first.counts["failed"], first.clean) == (1, False)
    dspace.items["i3"].fails = False
    dspace.details.clear()

    job = retry(importer, first.id)

    assert (job.state, job.clean, job.counts["added"], job.counts["seen"]) == ("completed", True, 1, 1)
    assert dspace.details == ["i3"]
    assert len(records(importer.app)) == 5


def test_a_retry_downloads_only_failed_and_restricted_files(importer, dspace):
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = {"i1/a.txt": ServerError("It answered with 500."), "i2/a.txt": RestrictedError("Not for us.")}
    first = importer.run(files=True)
    assert (first.counts["files_failed"], first.counts["files_restricted"]) == (1, 1)
    dspace.file_errors.clear()
    dspace.downloads.clear()

    job = retry(importer, first.id)

    assert (job.clean, job.counts["files_stored"], job.counts["files_failed"], job.counts["files_restricted"]) == (
        True,
        4,
        0,
        0,
    )
    assert sorted(dspace.downloads) == ["i1/a.txt", "i2/a.txt"]
    assert job.counts["vanished"] == 0


def test_repeated_failures_are_reported_by_the_new_job(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": ServerError("It answered with 500.")}
    first = importer.run(files=True)

    job = retry(importer, first.id)

    assert (job.clean, job.counts["files_failed"]) == (False, 1)
    with importer.app.app_context():
        assert ["a.txt" in problem["reason"] for problem in report.problems(lifecycle.get(job.id))] == [True]
        db.session.rollback()


def test_a_retry_counts_only_the_items_it_read(importer, dspace):
    for number in range(3):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = {f"i{number}/a.txt": RestrictedError("Not for us.") for number in (1, 2)}
    first = importer.run(files=True)
    del dspace.file_errors["i1/a.txt"]

    job = retry(importer, first.id)

    assert (job.counts["seen"], job.counts["updated"], job.counts["unchanged"], job.counts["failed"]) == (2, 1, 1, 0)


def test_a_retry_reads_a_failed_item_whose_file_failed_too(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": RestrictedError("Not for us.")}
    importer.run(files=True)
    dspace.edit("i0", title="Another title", fails=True)
    second = importer.run(files=True)
    dspace.items["i0"].fails = False

    job = retry(importer, second.id)

    assert second.counts["failed"] == 1
    assert (job.counts["seen"], job.counts["updated"]) == (1, 1)
    assert records(importer.app)[0]["title"] == "Another title"


def test_a_failure_without_item_is_reported_and_the_retry_ends_with_problems(importer, dspace):
    dspace.add("i0")
    dspace.add("i1", fails=True)
    dspace.nameless_failures = ["Row 7 of the list: an error (500)."]
    first = importer.run()
    dspace.items["i1"].fails, dspace.nameless_failures = False, []

    job = retry(importer, first.id)

    assert (first.counts["failed"], job.counts["added"], job.clean) == (2, 1, False)
    assert "1 failure names no item" in job.message


def test_undo_of_a_retry_removes_only_its_own_changes(importer, dspace):
    dspace.add("i0")
    dspace.add("i1", fails=True)
    first = importer.run()
    dspace.items["i1"].fails = False
    job = retry(importer, first.id)

    importer.undo(job.id)

    assert [record["source_id"] for record in records(importer.app)] == ["i0"]


def test_a_job_without_problems_offers_no_retry(importer, dspace):
    dspace.add("i0")
    job = importer.run()

    with importer.app.app_context(), pytest.raises(ConflictError, match="nothing to retry"):
        retry_failed.retry(job.id)


def test_a_raised_file_limit_downloads_files_that_were_too_large(importer, dspace):
    dspace.add("i0", files={"large.bin": b"x" * 1000, "small.txt": b"y" * 10})

    first = importer.run(files=True, file_limit=100)
    again = importer.run(files=True, file_limit=100)
    raised = importer.run(files=True)

    assert (first.counts["files_too_large"], first.counts["files_stored"], first.clean) == (1, 1, True)
    assert again.counts["files_too_large"] == 1
    assert (raised.counts["files_too_large"], raised.counts["files_stored"], raised.clean) == (0, 2, True)
    assert dspace.downloads == ["i0/small.txt", "i0/large.bin"]
    assert records(importer.app)[0]["files"][0]["sha256"] == hashlib.sha256(b"x" * 1000).hexdigest()


def test_the_page_offers_a_retry_only_after_failures(importer, dspace, client):
    dspace.add("i0", fails=True)
    dspace.add("i1", collections=("c2",))
    failed = importer.run("c1").id
    fine = importer.run("c2").id

    assert "Retry failed" in client.get(f"/jobs/{failed}/").text
    assert "Retry failed" not in client.get(f"/jobs/{fine}/").text
    assert client.post(f"/jobs/{fine}/retry").status_code == 409
    assert client.post(f"/jobs/{failed}/retry").status_code == 303


def test_a_re_run_of_a_retry_reads_the_whole_source(importer, dspace):
    dspace.add("i0", fails=True)
    dspace.add("i1")
    first = importer.run()
    again = retry(importer, first.id)

    with importer.app.app_context():
        rerun = queueing.rerun(again.id)
    importer.work(rerun)

    assert importer.job(rerun).counts["seen"] == 2
    assert importer.job(rerun).source.options == first.options


@pytest.mark.parametrize(("days", "comes"), [(0, True), (-1, True), (1, False)])
def test_an_embargoed_file_is_listed_with_its_end_and_tried_again_on_that_day(importer, dspace, days, comes):
    end = utcnow().date() + timedelta(days=days)
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": RestrictedError("Not open to the public.")}
    dspace.embargoes = {"i0/a.txt": end}
    first = importer.run(files=True)
    [file] = records(importer.app)[0]["files"]
    dspace.file_errors.clear()

    again = importer.run(files=True)

    assert (first.counts["files_restricted"], first.clean) == (1, True)
    assert f"Its embargo ends on {end}" in file["reason"]
    assert (again.counts["files_stored"], again.counts["files_restricted"]) == ((1, 0) if comes else (0, 1))


def test_failed_files_of_an_earlier_import_are_offered_after_an_import_without_files(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.add("i1", files={"b.txt": b"other"})
    dspace.file_errors = {"i0/a.txt": ServerError("It answered with 500.")}
    with_files = importer.run(files=True)
    without = importer.run(files=False)
    assert (without.counts["files_failed"], without.clean, can_retry(importer, without.id)) == (1, False, True)
    assert not can_retry(importer, with_files.id)
    dspace.file_errors.clear()

    job = retry(importer, without.id)

    assert (job.clean, job.counts["files_stored"], job.counts["files_failed"]) == (True, 2, 0)
    with importer.app.app_context():
        assert lifecycle.get(without.id).source.options == {}


def test_a_retry_after_an_import_without_files_downloads_none(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"}, fails=True)
    first = importer.run()
    dspace.items["i0"].fails = False

    job = retry(importer, first.id)

    assert (job.clean, job.counts["added"], job.counts["files_linked"], dspace.downloads) == (True, 1, 1, [])


def test_a_retry_accepts_a_checksum_that_the_source_corrected(importer, dspace):
    dspace.add("i0", files={"a.txt": b"as announced", "b.txt": b"fine"})
    dspace.add("i1", files={"c.txt": b"fine"})
    dspace.served["i0/a.txt"] = b"as it is"
    first = importer.run(files=True)
    dspace.edit("i0", files={"a.txt": b"as it is", "b.txt": b"fine"})
    dspace.details.clear()
    dspace.downloads.clear()

    job = retry(importer, first.id)

    assert (first.counts["files_damaged"], job.counts["files_damaged"], job.counts["files_stored"], job.clean) == (
        1,
        0,
        3,
        True,
    )
    assert (job.counts["seen"], job.counts["updated"], job.counts["failed"]) == (1, 1, 0)
    assert (dspace.details, dspace.downloads) == (["i0"], ["i0/a.txt"])


def test_a_file_that_is_still_damaged_is_reported_by_the_retry(importer, dspace):
    dspace.add("i0", files={"a.txt": b"as announced"})
    dspace.served["i0/a.txt"] = b"broken"
    first = importer.run(files=True)

    job = retry(importer, first.id)

    assert (job.counts["seen"], job.counts["unchanged"], job.counts["files_damaged"], job.clean) == (1, 1, 1, False)
    assert can_retry(importer, job.id)
    assert not can_retry(importer, first.id)


def test_a_file_over_the_chosen_limit_is_listed_and_tried_again_only_when_the_limit_has_grown(importer, dspace):
    dspace.add("i0", files={"large.bin": b"x" * 1000})
    importer.app.config["MAX_FILE_BYTES"] = 100
    job = importer.run(files=True)
    offered = can_retry(importer, job.id)
    with importer.app.app_context():
        reasons = [problem["reason"] for problem in report.problems(lifecycle.get(job.id))]
        db.session.rollback()
    importer.app.config["MAX_FILE_BYTES"] = 1000

    again = retry(importer, job.id)

    assert (job.clean, offered, ["too large" in reason for reason in reasons]) == (True, False, [True])
    assert (again.counts["files_stored"], again.counts["files_too_large"], again.counts["seen"]) == (1, 0, 1)


def test_a_job_names_the_later_job_that_tried_its_files_and_offers_no_retry(importer, dspace, client):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": ServerError("It answered with 500.")}
    first = importer.run(files=True).id
    alone = words(client.get(f"/jobs/{first}/"))
    second = importer.run(files=True).id

    page = client.get(f"/jobs/{first}/")

    assert "still open" not in alone
    assert f"1 of 1 still open. See job {second} ." in words(page)
    assert f'href="/jobs/{second}/"' in page.text
    assert f"Job {second}: download failed." in client.get(f"/jobs/{first}/problems.csv").text
    assert "Retry failed" not in page.text
    refused = client.post(f"/jobs/{first}/retry")
    assert (refused.status_code, f"Job {second} has checked its files since" in words(refused)) == (409, True)
    assert "Retry failed" in client.get(f"/jobs/{second}/").text


def test_the_page_of_a_job_says_that_an_import_of_another_source_solved_its_file_problems(importer, dspace, client):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": ServerError("It answered with 500.")}
    job_id = importer.run(files=True).id
    before = words(client.get(f"/jobs/{job_id}/"))
    with importer.app.app_context(), transaction():
        stored = db.update(CatalogueFile).values(status=FileStatus.STORED, last_tried_job_id=7)
        mark(db.session.scalars(stored.returning(CatalogueFile.item_id)).all())

    after = words(client.get(f"/jobs/{job_id}/"))
    with importer.app.app_context(), transaction():
        db.session.execute(db.delete(FileProblem))
    from_before_an_upgrade = words(client.get(f"/jobs/{job_id}/"))

    assert "File “a.txt”: download failed." in before
    assert "File “a.txt”: It answered with 500. Downloaded by job 7." in after
    assert "All file problems of this job have been solved since." in from_before_an_upgrade


def test_a_job_names_the_last_job_that_tried_its_files(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {"i0/a.txt": ServerError("It answered with 500.")}
    first = importer.run(files=True).id
    dspace.file_errors.clear()
    importer.run(files=True)
    last = importer.run(files=True).id

    with importer.app.app_context():
        assert (import_report.rechecked_by(lifecycle.get(first)), import_report.rechecked_by(lifecycle.get(last))) == (
            [last],
            [],
        )
        db.session.rollback()


def test_a_later_import_of_ticked_new_items_reports_no_older_file(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.file_errors = {f"{id}/a.txt": ServerError("It answered with 500.") for id in ("i0", "i1")}
    first = importer.run(files=True).id
    dspace.add("i1", files={"a.txt": b"other bytes"})

    preview = importer.preview(files=True)

    with importer.app.app_context():
        preview_selection.tick_all(preview.id, PreviewAction.NEW)
        chosen = preview_selection.import_ticked(preview.id)
    importer.work(chosen)

    assert importer.job(chosen).counts["files_failed"] == 2
    with importer.app.app_context():
        assert import_report.rechecked_by(lifecycle.get(first)) == []
        db.session.rollback()
    assert can_retry(importer, first)


def test_an_item_that_failed_and_was_read_by_a_later_run_is_not_offered_again(importer, dspace):
    dspace.add("i0", fails=True)
    first = importer.run().id
    before = can_retry(importer, first)
    dspace.items["i0"].fails = False
    importer.run()

    assert (before, can_retry(importer, first)) == (True, False)


def test_a_job_with_more_failures_than_are_checked_always_offers_a_retry(importer, dspace, monkeypatch):
    monkeypatch.setattr(retry_failed, "CHECKED", 2)
    for number in range(3):
        dspace.add(f"i{number}", fails=True)
    first = importer.run()
    for item in dspace.items.values():
        item.fails = False
    importer.run()

    assert can_retry(importer, first.id)


def test_a_file_that_is_too_large_is_offered_again_only_when_the_limit_has_grown(importer, dspace):
    dspace.add("i0", files={"a.txt": b"b" * 200})
    first = importer.run(files=True, file_limit=100)

    with importer.app.app_context():
        job, possible = lifecycle.get(first.id), []
        for limit in (199, 200):
            job.options = job.options | {"file_limit": limit}
            possible.append(retry_failed.can_retry(job))

    assert possible == [False, True]
