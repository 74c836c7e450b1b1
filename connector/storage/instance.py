"""Prepares the instance folder and upgrades the database before use, also when two processes start at once."""

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

from flask import Flask, current_app
from huey.storage import SqliteStorage
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from .. import error_translation
from ..errors import ConflictError, StorageError
from ..extensions import db, huey, utcnow
from ..i18n import gettext as _, lazy_gettext as _l
from . import restore_commit, search_index
from .schema_revision import check_known, known_revisions, revision
from .secret_key import secret_key

log = logging.getLogger(__name__)
COPIES_KEPT = 3
OPENED = "database_opened"  # key of the identity of the opened database file in `app.extensions`
MOVED = _l("its file was moved or replaced while DSpace Connector ran")
UNUSABLE = _l(
    "The database cannot be used now: %(moved)s. %(put_back)s", moved=MOVED, put_back=error_translation.PUT_BACK
)
OWN, FOLDER = 0o600, 0o700  # modes without access for other users of this machine


def prepare(app: Flask, *, create: bool = True) -> None:
    """Create what is missing: folders, secret key, tables of the database and the queue. Fast if nothing is missing.

    With `create`, also create an instance if there is none. Raise NewerVersionError if the database is of a newer
    version. Raise StorageError if the copy before an upgrade or the queue cannot be written, or if only the journal of
    the database exists. Raise ConflictError during a restore or if there is no instance.
    """
    instance: Path = app.config["INSTANCE"]
    if not create:
        with app.app_context():
            _refuse_where_none_is(instance)
    for folder in (instance, instance / "files", instance / "thumbnails", instance / "pace"):
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
        _upgrade_database(instance / "backups")
        search_index.prepare()
        _make_queue()
        app.extensions[OPENED] = _identity(database_file())
        with suppress(OSError):  # on a full disk, other processes do not learn which file is used
            os.pwrite(app.extensions["in_use"], str(app.extensions[OPENED]).encode(), 0)
        if is_first and (database := database_file()) is not None:
            _keep_to(app, database)


def _refuse_where_none_is(instance: Path) -> None:
    database = database_file()
    there = revision() is not None if database is None else database.exists()
    restored = (instance / restore_commit.READY).exists()  # and not yet moved into place
    if not (instance / "files").is_dir() or not (there or restored):
        raise ConflictError(
            _(
                "There is no instance in %(instance)s, or it has no database; none was made. Run this with the "
                "settings that the app has, first of all CONNECTOR_INSTANCE.",
                instance=instance,
            )
        )


def _make_queue() -> None:
    """Create the tables of a SQLite queue. Raise StorageError if that fails. A queue on a server needs no tables."""
    if isinstance(huey.storage, SqliteStorage):
        try:
            huey.storage.initialize_schema()
        except sqlite3.Error as error:
            raise error_translation.of_queue(error, huey.storage.filename) from error


def _close_to_others(instance: Path) -> None:
    """Remove permissions of other users that an older version or another umask left. Skip files of other owners."""
    for path in (instance, *instance.iterdir()):
        try:
            found = path.lstat()
            if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077 and not path.is_symlink():
                path.chmod(FOLDER if path.is_dir() else OWN)
        except FileNotFoundError:  # such as the journal of a database that another process has just closed
            continue
        except OSError as error:  # a read-only disk fails the jobs that write, with a clear error
            log.warning("%s can be read by others: %s", path.name, error.strerror)


def database_file() -> Path | None:
    """Return the path of the SQLite database with symlinks resolved, or None for another database.

    SQLite resolves symlinks for the path of its journal, too.
    """
    url = db.engine.url
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None


def database_moved_message() -> str | None:
    """Return a sentence for the pages if the SQLite file is not the one opened at the start, else None."""
    return str(UNUSABLE) if _is_misplaced(current_app, database_file()) else None


def _is_misplaced(app: Flask, database: Path | None) -> bool:
    opened = app.extensions.get(OPENED)
    return opened is not None and _identity(database) != opened


def _keep_to(app: Flask, database: Path) -> None:
    """Refuse all connections while the database file is missing or has been replaced.

    Otherwise, SQLite would create an empty database and delete the journal of the moved one, with its newest changes.
    """

    def refuse() -> None:
        if _is_misplaced(app, database):
            error = sqlite3.OperationalError(str(MOVED))
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
            raise OperationalError("", None, error)

    def connect(dialect: Any, record: Any, args: list[Any], options: dict[str, Any]) -> None:
        refuse()
        args[0], options["uri"] = f"{database.as_uri()}?mode=rw", True

    event.listen(db.engine, "do_connect", connect)
    event.listen(db.engine, "checkout", lambda connection, record, proxy: refuse())


def _refuse_a_journal_alone() -> None:
    """Raise StorageError if the database is missing but its journal, with its newest changes, is there."""
    if (database := database_file()) is None:
        return
    journal = Path(f"{database}-wal")
    if not database.exists() and journal.exists() and journal.stat().st_size:
        raise StorageError(
            _(
                "%(database)s is missing, and its newest changes lie beside where it was, in %(name)s. Put the file "
                "back; to restore a backup, or begin with an empty database, move %(name)s away, too.",
                database=database,
                name=journal.name,
            )
        )


def _identity(database: Path | None) -> tuple[int, int] | None:
    """Return the device and inode of a file, which differ for a replaced file, or None if there is no file."""
    try:
        found = database.stat() if database is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


def copy_database(target: Path) -> None:
    """Copy the SQLite database to a file of mode 600, consistent during other writes. Raise StorageError."""
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.touch(mode=0o600)
        with closing(sqlite3.connect(target)) as copy, closing(db.engine.raw_connection()) as own:
            driver: Any = own.driver_connection
            driver.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal file
    except (OSError, sqlite3.Error) as error:
        raise StorageError(
            _("The database could not be copied to %(target)s: %(error)s.", target=target, error=error)
        ) from error


def lock_exclusively(app: Flask) -> None:
    """Lock the instance for this process until it ends. Raise ConflictError if another process uses it."""
    try:
        fcntl.flock(app.extensions["in_use"], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        sentence = _("The instance is in use: end the app, its workers and other commands first, then restore.")
        raise ConflictError(sentence) from error


def _hold(app: Flask) -> None:
    """Mark the instance as in use. The system frees the lock when the process ends for any reason.

    The lock file contains the identity of the database file while a process holds the lock (see `_agree`).
    """
    if "in_use" in app.extensions:
        os.ftruncate(app.extensions["in_use"], 0)  # a restore may have changed it
        return
    handle = os.open(app.config["INSTANCE"] / "in_use.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)  # no other process holds the lock, so the content is outdated
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise ConflictError(
            _("A backup is being restored into this instance: try again when that has ended.")
        ) from error
    app.extensions["in_use"] = handle


def _agree(app: Flask) -> None:
    """Raise StorageError if other processes use another database file.

    Its journal would be taken for the journal of this one.
    """
    noted = os.pread(app.extensions["in_use"], 100, 0).decode()
    if noted and noted != str(_identity(database_file())):
        raise StorageError(UNUSABLE)


def _upgrade_database(backups: Path) -> None:
    found, head = revision(), known_revisions()[-1]
    if found == head:
        return
    if found is not None:
        check_known(found)
        _keep_copy(backups, found, head)
    from .schema_upgrade import upgrade  # here because few starts need it, and Alembic takes long to load

    upgrade()


def _keep_copy(backups: Path, found: str, head: str) -> None:
    """Copy the database before its upgrade, and delete all but the last few copies."""
    if database_file() is None:
        log.warning("The database is upgraded from %s to %s. No copy was made: pg_dump makes one.", found, head)
        return
    copy = backups / f"before-{head}-{utcnow():%Y%m%dT%H%M%S%f}.db"
    part = copy.with_suffix(".part")
    copy_database(part)
    os.replace(part, copy)
    log.warning("The database is upgraded from %s to %s. A copy of the old database is in %s.", found, head, copy)
    for old in sorted(backups.glob("before-*.db"), key=lambda path: path.stem.rpartition("-")[2])[:-COPIES_KEPT]:
        old.unlink()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the system frees when the process ends for any reason."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
