"""Jobs that are started while the queue is not available wait, as their pages say, and start when it is back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import time

import pytest
from huey.storage import SqliteStorage

from connector import tasks
from connector.extensions import db, huey, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.imports.start.preview_rows import PreviewAction
from connector.jobs import lifecycle
from connector.jobs.schedule import Every, Schedule
from connector.models.jobs import Job, Kind, State
from connector.models.previews import PreviewRow
from connector.models.repositories import Source
from connector.tasks import periodic_tasks, workers
from tests.pages import words
from tests.ports import free_port

LAST = 3  # the last job of the stocked catalogue
ALL_TICKED = {"undo": ["1", "2", str(LAST)], "rerun": ["1", "2", str(LAST)], "confirmed": "yes"}


@pytest.fixture
def queue_file(stocked_app):
    """The file of the queue, for which nobody waits long."""
    huey.storage = SqliteStorage(huey.name, **huey.storage_kwargs, timeout=0.01)
    return huey.storage.filename


@pytest.fixture
def nobody_listens(stocked_app):
    stocked_app.config["QUEUE_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    huey.init_app(stocked_app)


@pytest.fixture
def locked(queue_file):
    with closing(sqlite3.connect(queue_file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture
def full(queue_file):
    [(pages,)] = huey.storage.sql("PRAGMA page_count", results=True)
    huey.storage.sql(f"PRAGMA max_page_count = {pages}")
    huey.storage.sql("INSERT INTO kv VALUES ('other', 'ballast', zeroblob(1))")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        while True:
            tasks.run_job(10**6)


@pytest.fixture
def damaged_queue(queue_file):
    huey.storage.filename = f"{queue_file}.damaged"
    with open(huey.storage.filename, "wb") as file:
        file.write(b"no database" * 100)


@pytest.fixture
def unavailable_queue(request):
    request.getfixturevalue(request.param)


def change(job_id, **values):
    with transaction():
        db.session.execute(db.update(Job).where(Job.id == job_id).values(**values))


def stopped():
    change(LAST, state=State.STOPPED.value)
    return f"/jobs/{LAST}/resume", {}


def asking():
    change(LAST, state=State.STOPPED.value, question={"unseen": 3})
    return f"/jobs/{LAST}/answer", {"answer": "leave"}


def preview():
    job_id = queueing.create(lifecycle.get(LAST).source_id, ImportOptions(), kind=Kind.PREVIEW)
    change(job_id, state=State.COMPLETED.value)
    with transaction():
        row = {"source_key": "k", "source_id": "i", "title": "An item", "data": {}}
        db.session.add(PreviewRow(job_id=job_id, action=PreviewAction.NEW.value, ticked=True, **row))
    return job_id


def previewed(do):
    job_id = preview()
    with db.engine.connect() as connection:
        row = connection.scalar(db.select(PreviewRow.id).where(PreviewRow.job_id == job_id))
    return f"/jobs/{job_id}/preview/", {"do": do, "shown": row, "row": row}


def of_whole_repository(address):
    return address, {"scope": "repository:", "item_set": "", "number": "3"}


WAYS = {
    "import": lambda: of_whole_repository("/repositories/1/"),
    "sample items of what was chosen": lambda: of_whole_repository("/repositories/1/samples"),
    "resume": stopped,
    "answer": asking,
    "retry": lambda: (f"/jobs/{LAST}/retry", {}),
    "re-run": lambda: (f"/jobs/{LAST}/rerun", {}),
    "undo": lambda: (f"/jobs/{LAST}/undo", {}),
    "preview of a job": lambda: (f"/jobs/{LAST}/preview-again", {}),
    "preview of a source": lambda: ("/sources/1/preview", {}),
    "import again": lambda: ("/sources/1/import", {}),
    "import all of a preview": lambda: previewed("all"),
    "import what is ticked": lambda: previewed("ticked"),
}


def sentence(caplog) -> str:
    """The only one that the log has; without a trace."""
    [record] = caplog.records
    assert record.exc_info is None
    return record.getMessage()


@pytest.mark.parametrize("unavailable_queue", ["nobody_listens", "locked"], indirect=True)
@pytest.mark.parametrize("way", WAYS)
def test_a_job_created_while_the_queue_is_unavailable_waits_and_says_so(
    stocked_app, stocked_client, caplog, way, unavailable_queue
):
    with stocked_app.app_context():
        address, form = WAYS[way]()

    answer = stocked_client.post(address, data=form)
    page = stocked_client.get(answer.location)

    assert (answer.status_code, page.status_code) == (303, 200)
    assert "Queued" in words(page)
    assert sentence(caplog).startswith("The queue cannot be used now: ")
    with stocked_app.app_context():
        assert f"/jobs/{lifecycle.recover()[0]}/" == answer.location.partition("#")[0]


@pytest.mark.parametrize("unavailable_queue", ["nobody_listens", "locked", "full", "damaged_queue"], indirect=True)
def test_many_jobs_created_without_the_queue_show_one_sentence(stocked_app, stocked_client, caplog, unavailable_queue):
    page = stocked_client.post("/jobs/", data=ALL_TICKED, follow_redirects=True)

    assert page.status_code == 200
    assert "Job 1 will be undone by job 4. Job 2 was not undone: Job 4 of this repository is still active" in words(
        page
    )
    assert words(page).count("Queued") == 4
    assert sentence(caplog).startswith("The queue cannot be used now: ")


@pytest.mark.parametrize("unavailable_queue", ["nobody_listens", "locked"], indirect=True)
def test_a_job_completes_while_another_waits_for_the_queue(stocked_app, caplog, unavailable_queue):
    with stocked_app.app_context():
        first, second = queueing.rerun(1), queueing.rerun(2)

        assert tasks.carry_out(first)

        assert lifecycle.get(first).state == State.COMPLETED
        assert lifecycle.get(second).state == State.QUEUED
    assert sentence(caplog).startswith("The queue cannot be used now: ")


def test_a_due_import_is_queued_once_while_the_queue_is_unavailable(stocked_app, caplog, nobody_listens):
    with stocked_app.app_context(), transaction():
        schedule = Schedule(Every.DAY, time(3, 0)).to_json()
        db.session.execute(db.update(Source).where(Source.id == 1).values(schedule=schedule, due_at=utcnow()))

    workers.attempt(stocked_app, periodic_tasks.start_due)
    workers.attempt(stocked_app, periodic_tasks.start_due)

    assert sentence(caplog).startswith("The queue cannot be used now: ")
    with stocked_app.app_context():
        assert lifecycle.recover() == [LAST + 1]


def test_waiting_jobs_start_when_the_queue_is_available_again(stocked_app, stocked_client, nobody_listens):
    stocked_client.post(f"/jobs/{LAST}/rerun")
    stocked_app.config["QUEUE_URL"] = f"sqlite:///{stocked_app.config['INSTANCE'] / 'queue.db'}"
    huey.init_app(stocked_app)

    workers.attempt(stocked_app, periodic_tasks.recover)

    assert huey.pending_count() == 1


def test_the_end_of_a_job_without_a_resource_wakes_no_other_job(stocked_app):
    with stocked_app.app_context():
        first, second = queueing.rerun(1), queueing.rerun(2)
        for job_id in (first, second):
            change(job_id, resource=None)

        assert tasks.carry_out(first)

        assert huey.pending_count() == 0
        assert lifecycle.get(second).state == State.QUEUED
