"""A database that is locked, restarted or replaced while the app runs: jobs continue at their cursor."""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from connector.extensions import db, transaction, utcnow
from connector.jobs import lifecycle
from connector.models.jobs import Job
from connector.storage.instance import prepare
from tests.command_line import CommandLine
from tests.conftest import app_at, let_go
from tests.imports.fake_repository_importer import FakeRepositoryImporter
from tests.imports.fakes import FakeDSpace
from tests.pages import words
from tests.postgresql import as_its_user, program, server
from tests.sample import SampleRepository
from tests.signed_in import admit
from tests.tools import needs

SHORT, LONG = 50, 60_000  # milliseconds: the busy timeout of the product would make a slow test
ITEMS = 9
AWAY = "The database cannot be used now: perhaps it is just being started, or its disk is full."


@pytest.fixture
def importer(app):
    importer = FakeRepositoryImporter(app, FakeDSpace())
    for number in range(ITEMS):
        importer.dspace.add(f"i{number}", files={f"{number}.txt": b"bytes %d" % number})
    return importer


@contextmanager
def other_program(app: Flask) -> Iterator[sqlite3.Connection]:
    """Open the database as somebody else does. While that has a transaction, the app waits only for a moment."""
    path = app.config["INSTANCE"] / "connector.db"

    def set_timeout(connection: sqlite3.Connection, *rest: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {SHORT if other.in_transaction else LONG}")

    with app.app_context(), closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        event.listen(db.engine, "checkout", set_timeout)
        try:
            yield other
        finally:
            event.remove(db.engine, "checkout", set_timeout)
            db.engine.dispose()


@contextmanager
def lock_before_second_page(importer: FakeRepositoryImporter) -> Iterator[sqlite3.Connection]:
    """Somebody else begins to write when the second page is asked for, once."""

    def begin(number: int) -> None:
        if number == 1:
            importer.dspace.before_page = lambda number: None
            other.execute("BEGIN EXCLUSIVE")

    with other_program(importer.app) as other:
        importer.dspace.before_page = begin
        yield other


def assert_complete(importer: FakeRepositoryImporter, job_id: int) -> None:
    job = importer.job(job_id)
    assert (job.state, job.clean, job.counts["seen"], job.counts["added"], job.counts["files_stored"]) == (
        "completed",
        True,
        ITEMS,
        ITEMS,
        ITEMS,
    )


@pytest.mark.timing
def test_a_job_continues_after_its_database_was_locked_for_a_minute(importer):
    job_id = importer.create(files=True)
    with lock_before_second_page(importer) as other:
        with pytest.raises(OperationalError, match="locked"):
            importer.work(job_id)

        assert importer.job(job_id).state == "running"
        other.execute("ROLLBACK")
    with importer.app.app_context():
        a_minute_ago = utcnow() - lifecycle.STALE * 2
        with transaction():
            db.session.execute(db.update(Job).values(heartbeat_at=a_minute_ago))

        assert lifecycle.recover() == [job_id]

    assert importer.work(job_id)
    assert_complete(importer, job_id)


@pytest.mark.timing
def test_a_job_is_queued_at_once_when_its_database_is_unlocked(importer):
    job_id, worker = importer.create(files=True), threading.current_thread()
    with importer.app.app_context(), lock_before_second_page(importer) as other:

        def unlock(context: object) -> None:
            if threading.current_thread() is worker and other.in_transaction:  # not for an error of the heartbeat
                other.execute("ROLLBACK")

        event.listen(db.engine, "handle_error", unlock)

        assert importer.work(job_id)

    job = importer.job(job_id)
    assert (job.state, job.crash_count) == ("queued", 1)
    assert importer.work(job_id)
    assert_complete(importer, job_id)


@pytest.mark.timing
def test_a_page_reports_a_locked_database_and_changes_nothing(importer, client, caplog):
    importer.app.config["PROPAGATE_EXCEPTIONS"] = False
    job_id = importer.create()
    with other_program(importer.app) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = client.post(f"/jobs/{job_id}/stop")
        other.execute("ROLLBACK")

    assert answer.status_code == 503
    assert AWAY in words(answer)
    assert "Past imports" in words(answer)  # who it is was known before
    assert "The database cannot be used now: database is locked." in caplog.text
    assert importer.job(job_id).state == "queued"


@needs("postgresql")
def test_pages_report_an_unavailable_postgresql_and_static_files_still_work(tmp_path, caplog):
    with server() as url:
        app = app_at(tmp_path / "instance", CONNECTOR_DATABASE_URL=url)
        app.config["PROPAGATE_EXCEPTIONS"] = False
        prepare(app)
        admit(app)
        client = app.test_client()
        before = client.get("/items/")
    answers = {path: client.get(path, buffered=True) for path in ("/items/", "/sign-in", "/static/style.css")}
    alive = client.get("/healthz")
    let_go_of_the_file(app)

    assert before.status_code == 200
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/items/": 503,
        "/sign-in": 503,
        "/static/style.css": 200,
    }
    assert AWAY in words(answers["/items/"])
    assert alive.text == "alive\n"
    assert "The database cannot be used now" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "content", [b"", b"not a database but a letter\n" * 1000], ids=["empty", "another kind of file"]
)
def test_a_replaced_database_file_is_reported_without_traceback(importer, client, content):
    importer.run()
    importer.app.config["PROPAGATE_EXCEPTIONS"] = False
    path = importer.app.config["INSTANCE"] / "connector.db"
    let_go(importer.app)
    right = path.read_bytes()
    path.write_bytes(content)

    pages = [client.get(address) for address in ("/", "/jobs/", "/jobs/1/", "/items/")] + [client.post("/jobs/1/stop")]
    let_go_of_the_file(importer.app)
    path.write_bytes(right)

    assert [page.status_code for page in pages] == [500] * 5
    assert all("Something went wrong in this app." in words(page) for page in pages)
    assert not any("sqlite" in page.get_data(as_text=True).lower() for page in pages)
    assert client.get("/jobs/1/").status_code == 200


def let_go_of_the_file(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_thread_that_ends_early_leaves_no_job_active(importer):
    job_id = importer.create(files=True)

    def end(number: int) -> None:
        if number == 1:
            raise SystemExit("out of the blue")

    importer.dspace.before_page = end

    with pytest.raises(SystemExit):
        importer.work(job_id)

    job = importer.job(job_id)
    assert (job.state, "can be resumed" in job.message) == ("failed", True)
    importer.dspace.before_page = lambda number: None
    importer.resume(job_id)
    assert_complete(importer, job_id)


@pytest.mark.timing
def test_an_import_resumes_after_a_restart_of_postgresql(postgresql, tmp_path):
    flask = CommandLine(tmp_path / "instance")
    flask.environment["CONNECTOR_DATABASE_URL"] = postgresql
    with SampleRepository(9) as sample:
        files = itertools.count(1)
        restarted = threading.Event()

        def restart(path: str) -> bool:
            if "/content" in path and next(files) == 20:
                restart_server(postgresql)
                restarted.set()
            return False

        sample.faults.add(restart, times=None)

        code = flask("import", sample.url, "--all", "--files")[0]

        assert restarted.wait(60)  # the import can end before the server is back
        if code == 75:  # the server was not back yet when the job was to be given back
            assert flask("resume", "1")[0] == 0
        [job] = json.loads(flask("jobs", "--json")[1])
        again = flask.json("rerun", "1")[1]

    assert (job["state"], job["clean"], job["added"]) == ("completed", True, job["seen"])
    assert (again["unchanged"], again["bytes"], again["files"]) == (job["seen"], 0, job["files"])


def restart_server(url: str) -> None:
    """As a crash of the server: no transaction is ended in order."""
    with closing(psycopg.connect(url)) as connection:
        folder = connection.execute("SHOW data_directory").fetchone()[0]
    as_its_user(program("pg_ctl"), "-D", folder, "-w", "-m", "immediate", "restart")
