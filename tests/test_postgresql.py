"""The app on a real PostgreSQL, for instances with several worker processes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
from sqlalchemy import text

from config import load
from connector import create_app
from connector.accounts import sessions, user_management
from connector.dspace.records import Scope, ScopeKind
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.models.accounts import Account, Role
from connector.repositories import discovery, service
from connector.storage.instance import prepare
from tests.command_line import GAZETTE, CommandLine
from tests.conftest import app_at
from tests.sample import SampleRepository
from tests.waiting import until


def test_imports_reruns_undos_and_exports_work_on_postgresql(postgresql, tmp_path):
    flask = CommandLine(tmp_path / "instance")
    flask.environment["CONNECTOR_DATABASE_URL"] = postgresql
    both = [flask.start("jobs", "--json") for _ in range(2)]
    assert [process.communicate()[0] for process in both] == ["[]\n"] * 2
    with SampleRepository(9) as sample:
        gazette = sample.data.named(GAZETTE)
        code, first = flask.json("import", sample.url, "--all", "--files", "--item-set-from-collection")
        assert (code, first["clean"]) == (0, True)
        before = flask("export")[1]
        edited = next(item for item in sample.data.items.values() if item.collection is gazette)
        sample.data.edit(edited, "dc.title", ["Another title"])
        sample.data.add_file(edited, "more.txt", b"more")

        code, again = flask.json("rerun", str(first["job"]))

        assert (code, again["updated"], again["unchanged"]) == (0, 1, first["seen"] - 1)
        assert "Another title" in flask("export", "--item-set", GAZETTE)[1]
        code, undone = flask.json("undo", str(again["job"]))
        assert (code, undone["restored"]) == (0, 1)
        assert flask("export")[1] == before
        code, undone = flask.json("undo", str(first["job"]))
        assert (code, undone["removed"]) == (0, first["seen"])
    assert [path for path in (tmp_path / "instance" / "files").rglob("*") if path.is_file()] == []


def test_concurrent_imports_of_a_source_are_one_job_on_postgresql(postgresql, tmp_path):
    settings = {"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8"}
    app = create_app(load(settings | {"CONNECTOR_DATABASE_URL": postgresql}))
    prepare(app)
    with SampleRepository(9) as sample, app.app_context():
        found = discovery.connect(sample.url, "rest", None)
        source_id = service.source_for(found.repository_id, Scope(ScopeKind.REPOSITORY))
        db.session.remove()
    ready = threading.Barrier(5)

    def ask(_: int) -> int:
        with app.app_context():
            db.session.connection()
            ready.wait()
            return queueing.create(source_id, ImportOptions())

    with ThreadPoolExecutor(5) as pool:
        ids = list(pool.map(ask, range(5)))

    assert len(ids) == 5
    assert len(set(ids)) == 1
    with app.app_context():
        db.engine.dispose()


def waits_for_a_row(connection: psycopg.Connection) -> bool:
    """Whether somebody in this database waits for a row that another transaction holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return connection.execute(waiting).fetchone()[0] > 0


def test_disabling_an_account_ends_a_session_that_starts_concurrently_on_postgresql(postgresql, tmp_path):
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_DATABASE_URL": postgresql}))
    prepare(app)
    with app.app_context():
        anna = user_management.redeem_link(user_management.add("Anna", Role.EDITOR), "gentle otters fold paper maps")

    def disable() -> None:
        with app.app_context():
            user_management.disable(anna)

    with psycopg.connect(postgresql, autocommit=True) as onlooker, ThreadPoolExecutor(1) as pool, app.app_context():
        with transaction():
            db.session.execute(db.select(Account.password).where(Account.id == anna).with_for_update())
            sessions.begin(anna, "192.0.2.7")
            disabled = pool.submit(disable)
            until(lambda: waits_for_a_row(onlooker))
        disabled.result()

        assert list(sessions.of_account(anna)) == []
        db.session.remove()
        db.engine.dispose()


def test_postgresql_does_not_compile_queries(postgresql, tmp_path):
    app = app_at(tmp_path, CONNECTOR_DATABASE_URL=postgresql)
    with app.app_context():
        assert db.session.scalar(text("SHOW jit")) == "off"
        db.session.remove()
        db.engine.dispose()
