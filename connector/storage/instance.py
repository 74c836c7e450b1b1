"""Makes the instance folder and brings the database up to date before all else, also when two begin at once."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import upgrade
from huey.storage import SqliteStorage
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from config import secret_key

from .. import error_translation
from ..errors import ConflictError, NewerVersionError, StorageError
from ..extensions import db, huey, migrate, utcnow
from . import restore_commit, search_index

log = logging.getLogger(__name__)
COPIES_KEPT = 3
OPENED = "database_opened"  # where the app keeps which file it uses
MOVED = "its file was moved or replaced while DSpace Connector ran"
UNUSABLE = f"The database cannot be used now: {MOVED}. {error_translation.PUT_BACK}"
OWN, FOLDER = 0o600, 0o700  # what others on this machine may not even read


def prepare(app: Flask, *, anew: bool = True) -> None:
    """Make what is missing: folder, secret key, tables of the database and the queue. Cheap when all is there.

    `restart_cursor`: also where there was no instance yet. Raises NewerVersionError, StorageError where the copy before
    an upgrade or the queue cannot be written or only the journal of the database is there, and ConflictError while
    somebody restores a backup, or where there is no instance.
    """
    instance: Path = app.config["INSTANCE"]
    if not anew:
        with app.app_context():
            _refuse_where_none_is(instance)
    for folder in (instance, instance / "files", instance / "pace"):
        folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    _close_to_others(instance)
    with app.app_context(), _alone(instance / "prepare.lock"):
        _hold(app)
        is_first = OPENED not in app.extensions
        app.extensions[OPENED] = None
        restore_commit.finish(instance, database_file())
        app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or secret_key(instance)
        _refuse_a_journal_alone()
        _agree(app)
        _bring_up_to_date(instance / "backups")
        search_index.prepare()
        _make_queue()
        app.extensions[OPENED] = _identity(database_file())
        with suppress(OSError):  # on a full disk others are not told
            os.pwrite(app.extensions["in_use"], str(app.extensions[OPENED]).encode(), 0)
        if is_first and database_file() is not None:
            _keep_to(app, database_file())


def _refuse_where_none_is(instance: Path) -> None:
    database = database_file()
    there = revision() is not None if database is None else database.exists()
    restored = (instance / restore_commit.READY).exists()  # and not yet in its place
    if not (instance / "files").is_dir() or not (there or restored):
        raise ConflictError(
            f"There is no instance in {instance}, or it has no database; none was made. Run this with the settings "
            "that the app has, first of all CONNECTOR_INSTANCE."
        )


def _make_queue() -> None:
    """Raises StorageError. A queue on a server needs no tables."""
    if isinstance(huey.storage, SqliteStorage):
        try:
            huey.storage.initialize_schema()
        except sqlite3.Error as error:
            raise error_translation.of_queue(error, huey.storage.filename) from error


def _close_to_others(instance: Path) -> None:
    """Take from others what an older version, or another umask, let them read. Of another owner's files: nothing."""
    for path in (instance, *instance.iterdir()):
        try:
            found = path.lstat()
            if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077 and not path.is_symlink():
                path.chmod(FOLDER if path.is_dir() else OWN)
        except FileNotFoundError:  # such as the journal of a database that another process has just closed
            continue
        except OSError as error:  # a disk that is read-only now fails the jobs that need it, with a sentence
            log.warning("%s can be read by others: %s", path.name, error.strerror)


def database_file() -> Path | None:
    """Where the SQLite database lies, behind any symlink, as its journal does; None for a database that is no file."""
    url = db.engine.url
    return Path(url.database).resolve() if url.get_backend_name() == "sqlite" else None


def database_moved_message() -> str | None:
    """The sentence for the pages when the SQLite file is not the one opened at the start any more; None while it is."""
    return UNUSABLE if _is_misplaced(current_app, database_file()) else None


def _is_misplaced(app: Flask, database: Path | None) -> bool:
    opened = app.extensions.get(OPENED)
    return opened is not None and _identity(database) != opened


def _keep_to(app: Flask, database: Path) -> None:
    """From now on no connection is made or used while another file, or none, lies in the place of the one opened.

    SQLite would make an empty one, drop the journal that belongs to the one moved away, and with it the newest changes.
    """

    def refuse() -> None:
        if _is_misplaced(app, database):
            error = sqlite3.OperationalError(MOVED)
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
            raise OperationalError("", None, error)

    def connect(dialect: Any, record: Any, args: list[Any], options: dict[str, Any]) -> None:
        refuse()
        args[0], options["uri"] = f"{database.as_uri()}?mode=rw", True

    event.listen(db.engine, "do_connect", connect)
    event.listen(db.engine, "checkout", lambda connection, record, proxy: refuse())


def _refuse_a_journal_alone() -> None:
    """Raises StorageError where the newest changes of a database are there and the database itself is not."""
    database = database_file()
    journal = database and Path(f"{database}-wal")
    if journal and not database.exists() and journal.exists() and journal.stat().st_size:
        raise StorageError(
            f"{database} is missing, and its newest changes lie beside where it was, in {journal.name}. Put the file "
            f"back; to restore a backup, or begin with an empty database, move {journal.name} away, too."
        )


def _identity(database: Path | None) -> tuple[int, int] | None:
    """What a file keeps when others are put in its place (device and inode); None where there is none."""
    try:
        found = database.stat() if database is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


def revision() -> str | None:
    """The migration that the database stands at; None for an empty one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check_known(found: str, what: str) -> None:
    """Raises NewerVersionError where `what` stands at a migration that this version does not have."""
    if found not in {script.revision for script in _scripts().walk_revisions()}:
        raise NewerVersionError(
            f"{what} was written by a newer version of DSpace Connector (at {found}; this one knows up to "
            f"{_scripts().get_current_head()}). Install that version again; nothing was changed."
        )


def copy_database(target: Path) -> None:
    """Copy the SQLite database into a new file of mode 600, consistent while others write. Raises StorageError."""
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.touch(mode=0o600)
        with closing(sqlite3.connect(target)) as copy, closing(db.engine.raw_connection()) as own:
            own.driver_connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without the -wal beside it
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"The database could not be copied to {target}: {error}.") from error


def lock_exclusively(app: Flask) -> None:
    """From now on nobody else may use the instance, until this process ends. Raises ConflictError while somebody
    does."""
    try:
        fcntl.flock(app.extensions["in_use"], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        sentence = "The instance is in use: end the app, its workers and other commands first, then restore."
        raise ConflictError(sentence) from error


def _hold(app: Flask) -> None:
    """Show others that the instance is in use. The system frees the lock when the process ends, however it ends.

    The file of the lock tells which database file is used, as long as somebody holds it (see `_agree`).
    """
    if "in_use" in app.extensions:
        os.ftruncate(app.extensions["in_use"], 0)  # a restore may have changed it
        return
    handle = os.open(app.config["INSTANCE"] / "in_use.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)  # nobody else holds it: what it tells is of before
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise ConflictError("A backup is being restored into this instance: try again when that has ended.") from error
    app.extensions["in_use"] = handle


def _agree(app: Flask) -> None:
    """Raises StorageError where others use another database file: its journal would be taken for that of this one."""
    told = os.pread(app.extensions["in_use"], 100, 0).decode()
    if told and told != str(_identity(database_file())):
        raise StorageError(UNUSABLE)


def _bring_up_to_date(backups: Path) -> None:
    found, head = revision(), _scripts().get_current_head()
    if found == head:
        return
    if found is not None:
        check_known(found, "The database")
        _keep_copy(backups, found, head)
    upgrade()


def _keep_copy(backups: Path, found: str, head: str) -> None:
    """A copy of the database as it is before its upgrade, and no more than the last few of them."""
    if database_file() is None:
        log.warning("The database is upgraded from %s to %s. No copy was made: pg_dump makes one.", found, head)
        return
    copy = backups / f"before-{head}-{utcnow():%Y%m%dT%H%M%S%f}.db"
    part = copy.with_suffix(".part")
    copy_database(part)
    os.replace(part, copy)
    log.warning("The database is upgraded from %s to %s. As it was, it lies in %s.", found, head, copy)
    for old in sorted(backups.glob("before-*.db"), key=lambda path: path.stem.rpartition("-")[2])[:-COPIES_KEPT]:
        old.unlink()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(migrate.directory)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the system frees when the process ends, however it ends."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
