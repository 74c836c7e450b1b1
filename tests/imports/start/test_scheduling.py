"""Scheduled imports start once, are made up once, and run only in their hours."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from config import load
from connector import create_app
from connector.dspace.records import Scope, ScopeKind
from connector.errors import ConflictError, InvalidInputError
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.importer import run as run_import
from connector.imports.reading import page_writer
from connector.imports.start import queueing, scheduling
from connector.jobs import creation, lifecycle
from connector.jobs.attempt import work
from connector.jobs.schedule import Every, Schedule, Window
from connector.models.jobs import Job, Kind
from connector.models.repositories import Repository, Source
from connector.repositories.service import source_for
from connector.storage.instance import prepare

NIGHTLY = Schedule(Every.DAY, time(2))
ALONE = "Stopped."


@pytest.fixture
def importer(app, importer):
    """An importer in UTC, whose source has been imported once."""
    app.config["TIMEZONE"] = ZoneInfo("UTC")
    for number in range(7):
        importer.dspace.add(f"i{number}")
    return importer


@pytest.fixture
def source_id(importer):
    return importer.run(files=True, full=True, test=2).source_id


def at(clock: datetime, minutes: int) -> time:
    return (clock + timedelta(minutes=minutes)).time().replace(second=0, microsecond=0)


def hours(first: int, last: int) -> Schedule:
    """A schedule whose hours begin and end this many minutes from now."""
    window = Window(at(utcnow(), first), at(utcnow(), last))
    return Schedule(Every.DAY, window.start, window=window)


OPEN, CLOSED = (-60, 60), (60, 120)


def set_schedule(importer, source_id, schedule, due=None):
    with importer.app.app_context():
        scheduling.set_schedule(source_id, schedule)
        if due:
            with transaction():
                db.session.execute(db.update(Source).where(Source.id == source_id).values(due_at=due))


def due_of(importer, source_id):
    with importer.app.app_context():
        return db.session.get(Source, source_id).due_at


def start(importer, now=None):
    with importer.app.app_context():
        return scheduling.start_due(now)


def scheduled_run(importer, source_id, schedule):
    """A job that this schedule has begun, queued."""
    set_schedule(importer, source_id, Schedule(Every.DAY, time(2)), due=utcnow() - timedelta(minutes=1))
    (job_id,) = start(importer)
    set_schedule(importer, source_id, schedule)
    return job_id


def test_a_schedule_says_when_it_is_due_and_off_is_never(importer, source_id):
    before = utcnow()
    set_schedule(importer, source_id, NIGHTLY)
    assert due_of(importer, source_id).time() == time(2)
    assert before < due_of(importer, source_id) <= utcnow() + timedelta(days=1)

    set_schedule(importer, source_id, None)

    assert due_of(importer, source_id) is None
    assert start(importer, utcnow() + timedelta(days=40)) == []


def test_a_due_import_starts_once_with_the_lasting_options_of_the_last_import(importer, source_id):
    with importer.app.app_context():
        queueing.create(source_id, ImportOptions(files=True, item_set="Theses", test=2, full=True), comment="Weekly")
        lifecycle.stop(2)
        with transaction():
            db.session.execute(db.update(Job).where(Job.id == 2).values(owner="Ada"))
    set_schedule(importer, source_id, NIGHTLY)
    now = due_of(importer, source_id)

    started = [start(importer, now - timedelta(seconds=1)), start(importer, now), start(importer, now)]

    assert [len(ids) for ids in started] == [0, 1, 0]
    job = importer.job(started[1][0])
    assert job.options == {"files": True, "item_set": "Theses"}
    assert (job.comment, job.owner, job.scheduled) == ("Weekly", "local operator", True)  # who set the schedule
    assert due_of(importer, source_id) == now + timedelta(days=1)


def test_ten_missed_days_cause_one_import(importer, source_id):
    now = datetime(2026, 11, 24, 9)
    set_schedule(importer, source_id, NIGHTLY, due=datetime(2026, 11, 14, 2))

    assert len(start(importer, now)) == 1
    assert due_of(importer, source_id) == datetime(2026, 11, 25, 2)
    assert start(importer, now + timedelta(minutes=1)) == []


def test_a_missed_import_waits_for_its_hours(importer, source_id):
    night = Schedule(Every.DAY, time(23), window=Window(time(22), time(6)))
    set_schedule(importer, source_id, night, due=datetime(2026, 11, 23, 23))

    assert start(importer, datetime(2026, 11, 24, 9)) == []
    assert due_of(importer, source_id) == datetime(2026, 11, 24, 22)
    assert len(start(importer, datetime(2026, 11, 24, 22))) == 1
    assert due_of(importer, source_id) == datetime(2026, 11, 24, 23)


@pytest.mark.parametrize("state", ["queued", "running", "stopping", "waiting"])
def test_no_scheduled_import_is_queued_while_another_is_active(importer, source_id, state):
    waits = {"state": "stopped", "resume_at": utcnow() + timedelta(hours=3)}
    with importer.app.app_context(), transaction():
        job_id = creation.add(db.session.get(Source, source_id), Kind.IMPORT, ImportOptions())
        values = waits if state == "waiting" else {"state": state}
        db.session.execute(db.update(Job).where(Job.id == job_id).values(values))
    set_schedule(importer, source_id, NIGHTLY, due=utcnow() - timedelta(minutes=1))

    assert start(importer) == []
    assert due_of(importer, source_id) > utcnow()


def test_a_due_time_from_a_fast_clock_is_corrected(importer, source_id):
    set_schedule(importer, source_id, NIGHTLY, due=datetime(2040, 1, 1, 2))
    now = datetime(2026, 11, 24, 9)

    assert start(importer, now) == []

    assert due_of(importer, source_id) == datetime(2026, 11, 25, 2)


def in_many_threads(app, number=6):
    """What each of this many workers started that looked at the same time."""
    together = threading.Barrier(number)

    def worker():
        with app.app_context():
            together.wait()
            return scheduling.start_due()

    with ThreadPoolExecutor(number) as pool:
        return [job_id for future in [pool.submit(worker) for _ in range(number)] for job_id in future.result()]


@pytest.mark.timing
def test_only_one_of_many_workers_starts_a_scheduled_job(importer, source_id):
    set_schedule(importer, source_id, NIGHTLY, due=utcnow() - timedelta(days=3))

    assert len(in_many_threads(importer.app)) == 1


def test_a_worker_with_outdated_data_starts_no_second_scheduled_job(importer, source_id):
    set_schedule(importer, source_id, NIGHTLY, due=utcnow() - timedelta(days=3))
    others = []

    def meanwhile(connection, cursor, statement, *rest):
        if statement.startswith("SELECT source.id, source.due_at") and not others:
            others.append(None)
            with importer.app.app_context():
                others[:] = scheduling.start_due()
            importer.work(others[0])

    with importer.app.app_context():
        event.listen(db.engine, "after_cursor_execute", meanwhile)

    assert start(importer) == []
    assert importer.job(*others).state == "completed"


@pytest.mark.timing
def test_scheduled_jobs_start_once_on_postgresql(postgresql, tmp_path):
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_DATABASE_URL": postgresql}))
    prepare(app)
    with app.app_context():
        with transaction():
            urls = dict.fromkeys(("site_url", "api_url", "endpoint", "address_key"), "https://example.org")
            db.session.add(Repository(**urls, generation=9, version="9.3"))
        source_id = source_for(db.session.scalar(db.select(Repository.id)), Scope(ScopeKind.COLLECTION, "c", None, "C"))
        scheduling.set_schedule(source_id, NIGHTLY)
        with transaction():
            db.session.execute(db.update(Source).values(due_at=utcnow() - timedelta(days=3)))

    started = in_many_threads(app)

    with app.app_context():
        assert len(started) == db.session.scalar(db.select(db.func.count()).select_from(Job)) == 1
        db.session.remove()
        db.engine.dispose()


def test_a_scheduled_import_sends_no_request_outside_its_hours(importer, source_id):
    closed = hours(*CLOSED)
    job_id = scheduled_run(importer, source_id, closed)
    asked = importer.dspace.requests_made

    assert importer.work(job_id)

    job = importer.job(job_id)
    assert (job.state, job.is_waiting, job.can_resume, job.can_stop) == ("stopped", True, True, True)
    assert job.resume_at.replace(second=0, microsecond=0).time() == closed.window.start
    assert f"Waiting until {closed.window.start:%H:%M}" in job.message
    assert importer.dspace.requests_made == asked


def test_a_running_job_pauses_at_its_cursor_outside_its_hours(importer, source_id):
    importer.dspace.page_size, total = page_writer.FULL_PAGE, 2 * page_writer.FULL_PAGE + 7
    for number in range(7, total):
        importer.dspace.add(f"i{number}")
    job_id = scheduled_run(importer, source_id, hours(*OPEN))

    def runner(run):
        def end_hours(number):
            if number == 1:
                set_schedule(importer, source_id, hours(*CLOSED))
                assert run.stop.wait(60)

        importer.dspace.before_page = end_hours
        return run_import(run, importer.dspace.connect)

    with importer.app.app_context():
        assert work(job_id, runner)
    paused = importer.job(job_id)
    assert paused.is_waiting and 0 < paused.counts["seen"] < total
    importer.dspace.before_page = lambda number: None

    with importer.app.app_context():
        assert job_id not in lifecycle.recover()
        with transaction():
            db.session.execute(db.update(Job).values(resume_at=utcnow()))
        assert job_id in lifecycle.recover()
    set_schedule(importer, source_id, hours(*OPEN))
    assert importer.work(job_id)

    job = importer.job(job_id)
    assert (job.state, job.clean, job.counts["seen"], job.resume_at) == ("completed", True, total, None)
    assert (job.counts["added"], job.counts["unchanged"]) == (total - 2, 2)


def test_a_job_resumed_by_a_person_runs_at_any_hour(importer, source_id):
    job_id = scheduled_run(importer, source_id, hours(*CLOSED))
    importer.work(job_id)

    job = importer.resume(job_id)

    assert (job.state, job.counts["seen"], job.resume_at, job.scheduled) == ("completed", 7, None, True)


def test_a_job_started_by_a_person_runs_at_any_hour_without_effect_on_the_next(importer, source_id):
    set_schedule(importer, source_id, hours(*CLOSED))
    with importer.app.app_context():
        job_id = scheduling.import_again(source_id, full=True)
    assert importer.job(job_id).options == {"files": True, "full": True}
    importer.work(job_id)
    assert importer.job(job_id).state == "completed"

    with importer.app.app_context():
        again = queueing.create(source_id, ImportOptions(files=True, any_hour=True))
    assert importer.job(again).options == {"files": True}


def test_an_import_with_hours_started_by_a_person_respects_them(importer, source_id):
    closed, open_ = (hours(*when).window for when in (CLOSED, OPEN))
    waits, works = importer.create(hours=closed), importer.create(collection="c2", hours=open_)

    assert importer.work(waits) and importer.work(works)

    assert importer.job(works).state == "completed"
    assert (importer.job(waits).is_waiting, importer.job(waits).counts["seen"]) == (True, 0)
    importer.resume(waits)

    assert (importer.job(waits).state, importer.job(waits).counts["seen"]) == ("completed", 7)


def test_a_job_resumed_after_a_stop_respects_its_hours(importer, source_id):
    job_id = importer.create(hours=hours(*CLOSED).window)
    with importer.app.app_context():
        lifecycle.stop(job_id)
        lifecycle.resume(job_id)

    importer.work(job_id)

    assert importer.job(job_id).is_waiting


def test_the_next_imports_keep_to_the_same_hours_unless_the_schedule_has_its_own(importer, source_id):
    closed = hours(*CLOSED).window
    with importer.app.app_context():
        lifecycle.stop(importer.create(hours=closed))
    job_id = scheduled_run(importer, source_id, Schedule(Every.DAY, time(2)))
    assert importer.job(job_id).options["hours"] == closed.to_json()
    importer.work(job_id)
    assert importer.job(job_id).is_waiting

    set_schedule(importer, source_id, hours(*OPEN))
    with importer.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == job_id).values(state="queued", resume_at=None))
    importer.work(job_id)

    assert importer.job(job_id).state == "completed"


def test_a_preview_of_an_import_with_hours_runs_at_any_hour(importer, source_id):
    assert importer.preview(hours=hours(*CLOSED).window).state == "completed"


def test_a_stopped_waiting_job_does_not_resume_automatically(importer, source_id):
    job_id = scheduled_run(importer, source_id, hours(*CLOSED))
    importer.work(job_id)

    with importer.app.app_context():
        lifecycle.stop(job_id)

        job = lifecycle.get(job_id)
        assert (job.state, job.resume_at, job.message, job.can_resume) == ("stopped", None, ALONE, True)
        with pytest.raises(ConflictError):
            lifecycle.stop(job_id)


def test_a_stop_request_during_a_pause_for_hours_stops_the_job(importer, source_id):
    job_id = scheduled_run(importer, source_id, hours(*OPEN))

    def runner(run):
        set_schedule(importer, source_id, hours(*CLOSED))
        assert run.stop.wait(60)
        lifecycle.stop(job_id)
        run.check()

    with importer.app.app_context():
        assert work(job_id, runner)

    job = importer.job(job_id)
    assert (job.state, job.resume_at, job.message) == ("stopped", None, ALONE)


def test_a_waiting_job_that_is_undone_does_not_resume(importer, source_id):
    job_id = scheduled_run(importer, source_id, hours(*CLOSED))
    importer.work(job_id)

    importer.undo(job_id)

    assert importer.job(job_id).resume_at is None


def test_a_source_is_found_by_number_handle_or_name(importer, source_id):
    with importer.app.app_context():
        assert {scheduling.find_source(text).id for text in (str(source_id), "1/c1", "Collection c1")} == {source_id}
        with pytest.raises(InvalidInputError, match="no source"):
            scheduling.find_source("Collection c2")
