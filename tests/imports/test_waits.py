"""A job stores the reason of each wait in its row. A file with a long wait delays no other file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from connector.errors import RequestTimeoutError, ServerError
from connector.extensions import db
from connector.jobs import attempt as run_module, completion, lifecycle, steady_wait
from connector.jobs.attempt import JobAttempt, work
from connector.jobs.report import as_dict
from connector.models.catalogue import CatalogueFile
from connector.models.jobs import Job, State, WaitReason
from tests.waiting import until

LONG = ServerError("The repository asks for fewer requests.", retry_after=3600)


def reasons(importer) -> dict[str, str | None]:
    with importer.app.app_context():
        rows = db.session.scalars(db.select(CatalogueFile).order_by(CatalogueFile.bitstream_id))
        return {row.bitstream_id: row.reason for row in rows}


# Files that are to wait


def test_a_file_with_a_long_wait_is_postponed_to_the_next_import(importer, dspace, files):
    dspace.file_errors[files[1]] = LONG

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_stored"], job.counts["files_failed"]) == ("completed", False, 3, 1)
    assert dspace.now == 0
    assert reasons(importer)[files[1]].startswith("Put off: the repository asks to wait until ")
    assert "it tries again at its end; otherwise the next import does." in reasons(importer)[files[1]]

    dspace.file_errors.clear()
    assert (importer.run(files=True).counts["files_stored"], importer.job(2).clean) == (4, True)


def test_a_postponed_file_is_tried_again_at_the_end_of_the_import(importer, dspace, files):
    dspace.file_errors[files[1]] = LONG
    download = dspace.download

    def slowly(id, sink, *, limit=None):
        """The download of the last file takes two hours, in which the first one becomes free."""
        if id == files[3] and limit != 1:
            dspace.now += 7200
            dspace.file_errors.clear()
        return download(id, sink, limit=limit)

    dspace.download = slowly

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_stored"], job.counts["files_failed"]) == ("completed", True, 4, 0)


def test_the_job_waits_for_the_repository_if_all_files_must_wait(importer, dspace, files):
    download = dspace.download

    def busy(id, sink, *, limit=None):
        if dspace.now < 3600:
            dspace.requests_made += 1
            raise LONG
        return download(id, sink, limit=limit)

    dspace.download = busy
    dspace.is_open = lambda id: busy(id, lambda piece: None) is not None

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_stored"], job.counts["files_failed"]) == ("completed", True, 4, 0)
    assert dspace.now >= 3600


def test_a_file_that_asks_for_an_endless_wait_is_postponed_and_the_job_completes(importer, dspace):
    importer.app.config["MAX_OUTAGE_SECONDS"] = 600
    dspace.add("i1", files={"a.txt": b"bytes"})
    dspace.file_errors["i1/a.txt"] = ServerError("The repository asks for fewer requests.", retry_after=10**9)

    job = importer.run(files=True)

    assert (job.state, job.counts["files_failed"], dspace.now) == ("completed", 1, 0)
    assert reasons(importer)["i1/a.txt"].startswith("Put off: ")


@pytest.mark.parametrize("number", [1, 40])
def test_the_maximum_outage_ends_a_job_if_all_files_hang_but_not_for_one(importer, dspace, number):
    dspace.width = 1
    importer.app.config["MAX_OUTAGE_SECONDS"] = 600
    for each in range(number):
        dspace.add(f"i{each}", files={"a.txt": f"bytes {each}".encode()})

    outages, connect = [], dspace.connect

    def connected(repository, **options):
        connection = connect(repository, **options)
        outages.append(connection.outage)
        return connection

    def hang(id, sink, *, limit=None):
        with outages[-1].request("file"):
            dspace.now += 60
            raise RequestTimeoutError("The repository did not answer in time.")

    dspace.connect, dspace.download = connected, hang

    job = importer.run(files=True)

    assert (job.state, job.counts["files_failed"]) == (("completed", 1) if number == 1 else ("failed", 5))
    assert dspace.now <= 660


# What the row says


@pytest.fixture
def quick_beats(monkeypatch):
    monkeypatch.setattr(run_module, "CHECK_SECONDS", 0.005)
    monkeypatch.setattr(steady_wait, "HOLD_SECONDS", 0)


def written(job_id: int, is_so: Callable[[Job], bool]) -> Job:
    """Return the row of a job as soon as the heartbeat of the job has written it so."""

    def is_written() -> bool:
        db.session.rollback()
        return is_so(lifecycle.get(job_id))

    until(is_written)
    return lifecycle.get(job_id)


@pytest.mark.parametrize(("kind", "reason"), [("page", "repository"), ("file", "file")])
def test_a_wait_for_the_repository_is_stored_while_it_lasts(importer, quick_beats, kind, reason):
    job_id, seen = importer.create(), []

    def runner(run: JobAttempt):
        def pause(seconds: float) -> bool:
            job = written(job_id, lambda job: job.wait_reason is not None)
            seen.append((job.wait_reason, job.wait_detail, as_dict(job)["wait"]["reason"], job.is_waiting_for_resource))
            return False

        outage = run.new_outage(pause=pause, spread=lambda: 1.0)
        outage.wait(kind, ServerError("It is busy."))
        assert not written(job_id, lambda job: job.wait_reason is None).is_waiting_for_resource
        return True, ""

    with importer.app.app_context():
        work(job_id, runner)

    assert seen == [(reason, "It is busy. The app waits 5 seconds between attempts.", reason, True)]
    assert importer.job(job_id).wait_reason is None


def test_a_request_without_response_is_shown_as_a_wait(importer, quick_beats):
    job_id, seen = importer.create(), []

    def runner(run: JobAttempt):
        now = [0.0]
        outage = run.new_outage(clock=lambda: now[0])
        with outage.request():
            now[0] = 6.0
            seen.append(written(job_id, lambda job: job.wait_reason is not None).wait_detail)
        return True, ""

    with importer.app.app_context():
        work(job_id, runner)

    assert seen == ["No answer yet to a request."]


def test_an_ended_job_shows_no_wait(importer, dspace):
    dspace.down = True
    importer.app.config["MAX_OUTAGE_SECONDS"] = 60
    dspace.add("i1")

    job = importer.run()

    assert (job.state, job.wait_reason, job.wait_detail, job.wait_since) == ("failed", None, "", None)


def test_a_queued_job_names_the_job_it_waits_for(importer):
    first, second = importer.create(), importer.create("c2")

    with importer.app.app_context():
        lifecycle.claim(first)
        assert not work(second, lambda run: (True, ""))
        job = lifecycle.get(second)

        assert (job.wait_reason, job.wait_detail) == (
            WaitReason.OTHER_JOB,
            f"Job {first} of this repository is running.",
        )
        completion.finish(first, 1, State.COMPLETED, "", True)
        db.session.rollback()
        assert work(second, lambda run: (True, ""))
    assert importer.job(second).wait_reason is None


def test_a_job_outside_its_hours_shows_that_it_waits_for_them(importer):
    job_id = importer.create()

    with importer.app.app_context():
        completion.finish(
            job_id, lifecycle.claim(job_id), State.STOPPED, "Waiting until 22:00.", None, datetime(2030, 1, 1)
        )
        job = lifecycle.get(job_id)
        assert (job.wait_reason, job.wait_detail) == (WaitReason.HOURS, "Waiting until 22:00.")
        db.session.rollback()
        lifecycle.stop(job_id)
        db.session.rollback()
        assert lifecycle.get(job_id).wait_reason is None


def test_after_several_failures_in_a_row_files_are_requested_less_often(importer, dspace):
    """A file store that is broken gets few requests, and the job ends soon."""
    dspace.width = 1
    names = [f"i{number}/a.txt" for number in range(6)]
    for number in range(6):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    dspace.file_errors = dict.fromkeys(names, ServerError("500"))

    job = importer.run(files=True)

    requests = [dspace.downloads.count(name) for name in names]
    assert (job.state, job.clean, job.counts["files_failed"]) == ("completed", False, 6)
    assert requests[3:] == [2, 2, 2]
    assert max(requests) == requests[0] > 2
