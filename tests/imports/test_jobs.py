"""The life of a job: created, claimed once, stopped, resumed, recovered."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import InvalidRequestError, OperationalError

from connector.dspace.records import Scope, ScopeKind
from connector.errors import ConflictError, NotFoundError
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import attempt as run_module, completion, creation, lifecycle
from connector.jobs.attempt import work
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job, JobCounter, State, WaitReason
from connector.models.repositories import Repository
from connector.repositories.service import source_for
from tests.waiting import until

from .catalogue import titles
from .steps import set_counts


def set_job(importer, job_id, **values):
    with importer.app.app_context(), transaction():
        db.session.execute(update(Job).where(Job.id == job_id).values(**values))


@pytest.mark.timing
def test_only_one_of_many_workers_gets_a_job(importer):
    job_id = importer.create()
    ready, got = threading.Barrier(6), []

    def try_it():
        with importer.app.app_context():
            ready.wait()
            got.append(lifecycle.claim(job_id))

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got, key=str) == [1, None, None, None, None, None]


def test_a_second_import_of_the_same_source_returns_the_active_job(importer):
    assert importer.create() == importer.create()


def test_jobs_of_one_repository_wait_for_each_other_and_others_do_not(importer):
    first, second = importer.create("c1"), importer.create("c2")
    with importer.app.app_context(), transaction():
        other = Repository(
            address_key="o", site_url="https://o", api_url="https://o/x", endpoint="x", generation=6, version="6"
        )
        db.session.add(other)
        db.session.flush()
        other_id = other.id
    with importer.app.app_context():
        third = queueing.create(source_for(other_id, Scope(ScopeKind.REPOSITORY)), ImportOptions())

        assert lifecycle.claim(first) == 1
        assert lifecycle.claim(second) is None
        assert lifecycle.claim(third) == 1


def test_a_job_starts_only_while_no_other_uses_its_resource(importer):
    first, second = importer.create("c1"), importer.create("c2")
    with importer.app.app_context():
        assert lifecycle.get(first).resource == lifecycle.get(second).resource == "repository:1"
        assert lifecycle.claim(first) == 1
        assert lifecycle.claim(second) is None
        with transaction():
            db.session.get_one(Job, second).resource = "repository:2"

        assert lifecycle.claim(second) == 1


def test_an_import_waits_for_an_undo_in_the_same_repository(importer):
    job = importer.run("c1")
    with importer.app.app_context():
        assert lifecycle.claim(creation.create_undo(job.id)) == 1
        waiting = importer.create("c2")

        assert lifecycle.claim(waiting) is None


def test_a_queued_job_is_stopped_at_once_and_can_be_resumed(importer, dspace):
    dspace.add("a")
    job_id = importer.create()
    with importer.app.app_context():
        lifecycle.stop(job_id)
    assert importer.job(job_id).state == State.STOPPED
    importer.resume(job_id)

    assert (importer.job(job_id).state, importer.job(job_id).counts["seen"]) == (State.COMPLETED, 1)


@pytest.mark.timing
def test_a_running_job_stops_at_its_cursor_and_brings_the_rest_once_when_resumed(importer, dspace):
    dspace.page_size = 80
    for n in range(200):
        dspace.add(f"i{n:03}")
    job_id = importer.create()
    dspace.before_page = lambda number: number == 1 and importer.stop(job_id)
    importer.work(job_id)
    stopped = importer.job(job_id)
    assert (stopped.state, stopped.message) == (State.STOPPED, "Stopped.")
    assert 0 < stopped.counts["seen"] < 200
    dspace.before_page = lambda number: None
    requests = dspace.requests_made

    job = importer.resume(job_id)

    assert (job.state, job.counts["added"], job.counts["seen"], job.counts["unchanged"]) == (
        State.COMPLETED,
        200,
        200,
        0,
    )
    assert dspace.requests_made - requests < 3


@pytest.mark.parametrize("ago", [timedelta(seconds=61), -timedelta(days=400)], ids=["gone", "of a clock ahead"])
def test_a_job_without_worker_is_queued_again_or_stopped_if_requested(importer, dspace, ago):
    dspace.add("a")
    running, stopping = importer.create("c1"), importer.create("c2")
    long_ago = utcnow() - ago
    set_job(importer, running, state=State.RUNNING, heartbeat_at=long_ago)
    set_job(importer, stopping, state=State.QUEUED)
    with importer.app.app_context():
        assert lifecycle.recover() == [running, stopping]
    set_job(importer, running, state=State.STOPPED)
    set_job(importer, stopping, state=State.STOPPING, heartbeat_at=long_ago)
    with importer.app.app_context():
        assert lifecycle.recover() == []
    assert importer.job(stopping).state == State.STOPPED


def test_a_job_with_a_recent_heartbeat_is_not_taken_over(importer):
    job_id = importer.create()
    set_job(importer, job_id, state=State.RUNNING, heartbeat_at=utcnow())

    with importer.app.app_context():
        assert lifecycle.recover() == []
        assert lifecycle.claim(job_id) is None


@pytest.mark.timing
def test_a_waiting_job_shows_its_requests_and_counts_each_once(importer, dspace, monkeypatch):
    monkeypatch.setattr(run_module, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(run_module, "HEARTBEAT_SECONDS", 0.01)
    for n in range(9):
        dspace.add(f"i{n}")
    job_id, told = importer.create(), []
    query = db.select(JobCounter.value).where(JobCounter.job_id == job_id, JobCounter.name == "requests")

    def all_are_told() -> bool:
        with db.engine.connect() as connection:
            told.append(connection.scalar(query) or 0)
        return told[-1] == dspace.requests_made

    def wait_to_be_told(number: int) -> None:
        until(all_are_told)

    dspace.before_page = wait_to_be_told
    importer.work(job_id)

    assert [number for number in (1, 2) if number not in told] == []
    assert importer.job(job_id).counts["requests"] == dspace.requests_made


@pytest.mark.timing
def test_a_failed_heartbeat_loses_no_request_counts(importer, monkeypatch):
    monkeypatch.setattr(run_module, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(run_module, "HEARTBEAT_SECONDS", 0.01)
    job_id, asked, beaten = importer.create(), iter([5, 2]), threading.Event()
    failed, last = [], []

    def fail_once(connection, cursor, statement, *rest):
        if statement.startswith("INSERT INTO job_counter") and last == [5] and not failed:
            failed.append(statement)
            raise OperationalError(statement, {}, Exception("database is locked"))

    def new_requests():
        last[:] = [next(asked, 0)]
        if last == [0]:
            beaten.set()
        return {"requests": last[0]}

    def runner(run):
        run.new_requests = new_requests
        assert beaten.wait(60)
        return True, ""

    with importer.app.app_context():
        event.listen(db.engine, "before_cursor_execute", fail_once)
        assert work(job_id, runner)

    assert (len(failed), importer.job(job_id).counts["requests"]) == (1, 7)


@pytest.mark.timing
@pytest.mark.parametrize(
    ("error", "told", "has_trace"),
    [
        (
            OperationalError("", {}, Exception("moved")),
            " The database cannot be used now: moved.",
            False,
        ),
        (InvalidRequestError("a fault of ours"), "", True),
    ],
)
def test_failed_heartbeats_are_logged_once_a_minute_with_traceback_only_for_unexpected_errors(
    importer, monkeypatch, caplog, error, told, has_trace
):
    monkeypatch.setattr(run_module, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(run_module, "HEARTBEAT_SECONDS", 0.01)
    job_id, failed, enough = importer.create(), [], threading.Event()

    def fail(connection, cursor, statement, *rest):
        if threading.current_thread().name == f"job-{job_id}-heartbeat":
            failed.append(statement)
            if len(failed) > 3:
                enough.set()
            raise error

    with importer.app.app_context():
        event.listen(db.engine, "before_cursor_execute", fail)
        assert work(job_id, lambda run: (enough.wait(60), ""))

    [record] = [record for record in caplog.records if "heartbeat" in record.getMessage()]
    assert record.getMessage().startswith(f"The heartbeat of job {job_id} could not be written.{told}")
    assert bool(record.exc_info) == has_trace


@pytest.mark.timing
def test_a_job_shows_the_wait_of_any_of_its_threads(importer):
    job_id, said = importer.create(), []

    def in_a_thread_of_its_own(run):
        run.waiting(WaitReason.VIRUS_SCANNER, "It is away.")
        run.waiting(WaitReason.VIRUS_SCANNER, "")

    def runner(run):
        run.waiting(WaitReason.DISK_SPACE, "It is full.")
        other = threading.Thread(target=in_a_thread_of_its_own, args=(run,))
        other.start()
        other.join()
        said.append(run.wait and run.wait[:2])
        run.waiting(WaitReason.DISK_SPACE, "")
        said.append(run.wait)
        return True, ""

    with importer.app.app_context():
        work(job_id, runner)

    assert said == [(WaitReason.DISK_SPACE, "It is full."), None]


def test_an_attempt_that_lost_its_job_writes_nothing(importer, dspace):
    dspace.page_size = 80
    for n in range(200):
        dspace.add(f"i{n:03}")
    job_id = importer.create()
    dspace.before_page = lambda number: number == 1 and set_job(importer, job_id, attempt=7)

    importer.work(job_id)

    job = importer.job(job_id)
    assert (job.state, job.attempt, job.counts["seen"]) == (State.RUNNING, 7, 80)


def test_an_unexpected_error_ends_the_job_with_a_sentence_without_traceback(importer, caplog):
    job_id = importer.create()

    def broken(run):
        raise ZeroDivisionError("secret detail")

    with importer.app.app_context():
        work(job_id, broken)

    job = importer.job(job_id)
    assert job.state == State.FAILED
    assert "secret" not in job.message
    assert "in this app" in job.message
    assert "ZeroDivisionError" in caplog.text
    assert job.ended_at is not None


@pytest.mark.parametrize("act", [lifecycle.stop, lifecycle.resume])
def test_actions_that_do_not_apply_to_a_completed_job_are_refused(importer, dspace, act):
    dspace.add("a")
    job = importer.run()

    with importer.app.app_context(), pytest.raises(ConflictError, match=str(job.id)):
        act(job.id)


def test_an_unknown_job_is_not_found(importer):
    with importer.app.app_context(), pytest.raises(NotFoundError, match="no job 99"):
        lifecycle.get(99)


def test_a_re_run_has_the_options_and_comment_of_its_job(importer, dspace):
    dspace.add("a", files={"a.txt": b"aaa"})
    job = importer.run(files=True, item_set="Set")
    with importer.app.app_context():
        again = queueing.rerun(job.id)
        assert queueing.rerun(job.id) == again
    importer.work(again)

    assert importer.job(again).options == job.options
    assert (importer.job(again).reruns_id, importer.job(again).counts["unchanged"]) == (job.id, 1)


def die(importer, job_id: int, **moved: int) -> None:
    """The process that works on the job is gone, and somebody looks after it."""
    set_counts(importer, job_id, **moved)
    set_job(
        importer,
        job_id,
        state=State.RUNNING,
        heartbeat_at=utcnow() - timedelta(seconds=61),
        status_text="Fetching a.pdf",
    )
    with importer.app.app_context():
        lifecycle.recover()


def test_a_job_that_dies_five_times_at_the_same_place_fails_and_names_it(importer):
    job_id = importer.create()
    set_job(importer, job_id, cursor={"walk": {"offset": 120}})
    set_counts(importer, job_id, seen=120)

    for _ in range(4):
        die(importer, job_id)
        assert importer.job(job_id).state == State.QUEUED
    die(importer, job_id)

    job = importer.job(job_id)
    assert (job.state, job.ended_at is not None) == (State.FAILED, True)
    assert "5 times at the same place" in job.message
    assert "after 120 items" in job.message
    assert "Fetching a.pdf" in job.message


def test_a_job_that_fails_five_times_by_the_database_names_the_database(importer):
    job_id = importer.create()

    with importer.app.app_context():
        for _ in range(5):
            completion.requeue_after_database_error(job_id, lifecycle.claim(job_id))

    job = importer.job(job_id)
    assert job.state == State.FAILED
    assert "The database of this app failed 5 times at the same place" in job.message
    assert "process" not in job.message


def test_an_item_removed_while_its_job_was_stopped_is_imported_again_once(importer, dspace):
    for number in range(100):
        dspace.add(f"i{number}")
    job_id = importer.create()
    dspace.before_page = lambda number: number == 10 and importer.stop(job_id)
    importer.work(job_id)
    stopped = importer.job(job_id)
    with importer.app.app_context(), transaction():
        db.session.execute(db.delete(CatalogueItem).where(CatalogueItem.source_id == "i0"))
    set_job(importer, job_id, cursor={})
    dspace.before_page = lambda number: None
    job = importer.resume(job_id)

    assert (stopped.state, 0 < stopped.counts["added"] < 100) == (State.STOPPED, True)
    assert (job.state, job.counts["seen"], job.counts["added"], job.counts["unchanged"]) == (
        State.COMPLETED,
        100,
        100,
        0,
    )
    assert (job.clean, "i0" in titles(importer.app)) == (True, True)


@pytest.mark.parametrize("moved", ["seen", "bytes", "files_stored"])
def test_a_job_that_makes_progress_may_die_any_number_of_times(importer, moved):
    job_id = importer.create()

    for number in range(9):
        die(importer, job_id, **{moved: number})

    assert importer.job(job_id).state == State.QUEUED


def test_a_job_resumed_by_a_person_may_die_five_more_times(importer):
    job_id = importer.create()
    for _ in range(5):
        die(importer, job_id)
    with importer.app.app_context():
        lifecycle.resume(job_id)

    die(importer, job_id)

    assert importer.job(job_id).state == State.QUEUED
