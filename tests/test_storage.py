"""A database of an older version is upgraded after a copy of it was made; one of a newer version is left alone."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from config import load
from connector import create_app
from connector.errors import ConflictError, NewerVersionError, StorageError
from connector.extensions import db
from connector.storage.instance import lock_exclusively, prepare
from connector.storage.schema_revision import revision
from connector.storage.schema_upgrade import upgrade
from tests.command_line import CommandLine
from tests.conftest import app_at, let_go
from tests.old_instances import REPOSITORY, at


def sites(database: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT site_url FROM repository").fetchall()


def standing(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def set_standing(database: Path, number: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [number])


@pytest.fixture
def newest_revision(app) -> str:
    """The newest migration."""
    with app.app_context():
        return revision()


@pytest.mark.parametrize("number", ["0001", "0002"])
def test_an_older_database_is_upgraded_with_its_data_and_copied_before(tmp_path, newest_revision, number):
    instance = tmp_path / "old"
    at(instance, number)

    app = app_at(instance)
    prepare(app)
    let_go(app)

    assert standing(instance / "connector.db") == newest_revision
    assert sites(instance / "connector.db") == [(REPOSITORY["site_url"],)]
    [copy] = (instance / "backups").iterdir()
    assert copy.name.startswith(f"before-{newest_revision}-")
    assert (standing(copy), sites(copy)) == (number, [(REPOSITORY["site_url"],)])
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_new_and_current_databases_are_not_copied(tmp_path):
    app = app_at(tmp_path / "new")
    prepare(app)
    prepare(app)
    let_go(app)

    assert not (tmp_path / "new" / "backups").exists()


def test_the_last_three_copies_are_kept(tmp_path, newest_revision):
    instance = tmp_path / "old"
    at(instance, "0002")
    (instance / "backups").mkdir()
    names = [f"before-{number}-2025010{day}T000000000000.db" for number, day in (("0009", 1), ("0001", 2), ("0005", 3))]
    for name in names:
        (instance / "backups" / name).touch()

    app = app_at(instance)
    prepare(app)
    let_go(app)

    kept = {path.name for path in (instance / "backups").iterdir()}
    assert len(kept) == 3
    assert names[0] not in kept
    assert set(names[1:]) < kept


def test_a_database_of_a_newer_version_is_refused_and_not_changed(tmp_path):
    app = app_at(tmp_path / "newer")
    prepare(app)
    let_go(app)
    set_standing(tmp_path / "newer" / "connector.db", "9999")
    before = (tmp_path / "newer" / "connector.db").read_bytes()

    with pytest.raises(NewerVersionError, match="9999"):
        prepare(app)

    let_go(app)
    assert (tmp_path / "newer" / "connector.db").read_bytes() == before


def test_the_command_line_refuses_a_newer_database_with_a_sentence(tmp_path):
    flask = CommandLine(tmp_path / "instance")
    assert flask("jobs")[0] == 0
    set_standing(tmp_path / "instance" / "connector.db", "9999")

    code, out, err = flask("jobs")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "newer version of DSpace Connector" in err


def test_without_a_copy_the_database_is_not_upgraded(tmp_path):
    instance = tmp_path / "old"
    at(instance, "0002")
    (instance / "backups").touch()  # where the folder of the copies would be

    app = app_at(instance)
    with pytest.raises(StorageError, match="could not be copied"):
        prepare(app)
    let_go(app)

    assert standing(instance / "connector.db") == "0002"


def test_a_postgresql_database_is_upgraded_without_a_copy_and_the_log_says_so(postgresql, tmp_path, caplog):
    app = create_app(load({"CONNECTOR_INSTANCE": str(tmp_path), "CONNECTOR_DATABASE_URL": postgresql}))
    with app.app_context():
        upgrade(revision="0002")

    with caplog.at_level(logging.WARNING, "connector.storage.instance"):
        prepare(app)

    with app.app_context():
        assert revision() != "0002"
        db.engine.dispose()
    assert "No copy was made: pg_dump makes one." in caplog.text
    assert not (tmp_path / "backups").exists()


def test_no_process_starts_during_a_restore(tmp_path):
    app, other = app_at(tmp_path / "one"), app_at(tmp_path / "one")
    prepare(app)
    let_go(app)
    lock_exclusively(app)

    with pytest.raises(ConflictError, match="being restored"):
        prepare(other)


def test_only_the_owner_may_read_the_instance_including_older_files(tmp_path):
    instance = tmp_path / "new"
    instance.mkdir(mode=0o755)
    (instance / "queue.db").touch(0o644)
    flask = CommandLine(instance)

    assert flask("jobs")[0] == 0

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (instance, *instance.rglob("*"))}
    assert {"new", "connector.db", "queue.db", "files"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


@pytest.mark.parametrize("args", [("--help",), (), ("import", "--help")])
def test_showing_help_creates_no_instance(tmp_path, args):
    _, out, err = CommandLine(tmp_path / "new")(*args)

    assert "Usage:" in out + err
    assert not (tmp_path / "new").exists()


def test_a_journal_without_database_starts_no_new_database(app):
    instance = app.config["INSTANCE"]
    prepare(app)
    let_go(app)
    (instance / "connector.db").rename(instance / "aside.db")
    (instance / "connector.db-wal").write_bytes(b"the newest changes")

    with pytest.raises(StorageError, match=r"is missing, and its newest changes lie .* in connector\.db-wal\."):
        prepare(app)

    assert not (instance / "connector.db").exists()
    (instance / "connector.db-wal").unlink()
    (instance / "aside.db").rename(instance / "connector.db")


@pytest.mark.parametrize("name", ["a b", "a?b", "a#b", "a%20b", "ä@b:c", "[a]"])
def test_the_database_is_in_the_instance_folder_with_any_name(tmp_path, name):
    app = app_at(tmp_path / name)
    prepare(app)
    with app.app_context():
        db.engine.dispose()  # so that the next connection is one of a running app

        assert revision() is not None
    let_go(app)
    assert (tmp_path / name / "connector.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_journal_of_a_missing_database_is_found_behind_a_symlink(tmp_path):
    app, elsewhere = app_at(tmp_path / "instance"), tmp_path / "disk.db"
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "connector.db").symlink_to(elsewhere)
    prepare(app)
    let_go(app)
    elsewhere.rename(tmp_path / "aside.db")
    (tmp_path / "disk.db-wal").write_bytes(b"the newest changes")

    with pytest.raises(StorageError, match=r"disk\.db-wal"):
        prepare(app)

    assert not elsewhere.exists()


@pytest.mark.parametrize("is_replaced", [True, False])
def test_no_process_starts_with_another_database_file_than_running_ones(tmp_path, is_replaced):
    running, file = app_at(tmp_path / "instance"), tmp_path / "instance" / "connector.db"
    prepare(running)
    file.rename(file.with_suffix(".aside"))
    if is_replaced:
        shutil.copy(file.with_suffix(".aside"), file)

    with pytest.raises(StorageError, match=r"moved or replaced while|is missing, and its newest changes"):
        prepare(app_at(tmp_path / "instance"))

    file.with_suffix(".aside").rename(file)
    later = app_at(tmp_path / "instance")
    prepare(later)
    for app in (running, later):
        let_go(app)
        os.close(app.extensions["in_use"])


def test_the_database_file_may_be_replaced_while_no_process_runs(tmp_path):
    file = tmp_path / "instance" / "connector.db"
    for _ in range(2):
        app = app_at(tmp_path / "instance")
        prepare(app)
        let_go(app)
        os.close(app.extensions["in_use"])
        shutil.copy(file, file.with_suffix(".copy"))
        file.with_suffix(".copy").rename(file)

    assert not file.with_suffix(".copy").exists()
