"""What the system or a database refuses, as an error of the tree, whose sentence says what is wrong and what to do."""

from __future__ import annotations

import errno
import sqlite3

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError

from .errors import ConnectorError, DatabaseUnavailableError, StorageError

QUEUE = (RedisError, sqlite3.Error)  # of its storage; those of the database come within a DBAPIError
ROOM = "Make room on the disk, then try again."
RIGHTS = "The account that DSpace Connector runs as must be able to write there."
PLACE = "Set CONNECTOR_INSTANCE to a folder that is there or can be made."
PUT_BACK = (
    "Put the file back where it was. To use another one, end DSpace Connector, move the -wal and -shm files beside it "
    "away with the old one, then start it again."
)
BROKEN = "See whether the disk is full, read-only or broken."
FILES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), RIGHTS),
    **dict.fromkeys((errno.EIO, errno.EFBIG), BROKEN),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG), PLACE),
}
SQLITE = {
    sqlite3.SQLITE_FULL: ROOM,
    sqlite3.SQLITE_CANTOPEN: f"Its folder must be there. {RIGHTS}",
    sqlite3.SQLITE_READONLY: RIGHTS,
    sqlite3.SQLITE_READONLY_DBMOVED: PUT_BACK,
    sqlite3.SQLITE_IOERR: BROKEN,
}
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def translate(error: Exception) -> ConnectorError | None:
    """The error of the tree that stands for it; None where it may be a fault of ours."""
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, DBAPIError):
        return of_database(error)
    if isinstance(error, QUEUE):
        return of_queue(error)
    if isinstance(error, OSError) and error.errno in FILES:
        return StorageError(f"{error.filename or 'The disk'} cannot be used: {error.strerror}. {FILES[error.errno]}")
    return None


def of_database(error: DBAPIError) -> ConnectorError:
    """DatabaseUnavailableError where its server does not answer or ends the connection, which may go better later."""
    if isinstance(error.orig, sqlite3.Error):
        remedy = "Move the instance folder aside and bring a backup back with flask restore."
        return StorageError(_sentence("The database cannot be used now", error.orig, remedy))
    sentence = _sentence("The database cannot be used now", error.orig)
    if isinstance(error, OperationalError):
        return DatabaseUnavailableError(f"{sentence} Start its server, or correct CONNECTOR_DATABASE_URL.")
    return StorageError(sentence)


def may_pass(error: OperationalError) -> bool:
    """Whether the same may go better later: not where a statement is wrong, which SQLite calls operational, too."""
    if isinstance(error.orig, sqlite3.Error):
        return _code(error.orig) in (*HELD, *SQLITE)
    return True


def of_queue(error: BaseException, name: str = "") -> StorageError:
    """The queue only wakes the workers: without it, jobs wait until it is back. `name`: its file."""
    sentence = _sentence(
        f"The queue {name}".rstrip() + " cannot be used now", error, "Remove that file: no job is lost."
    )
    if isinstance(error, RedisError):
        sentence += " Start its server, or correct CONNECTOR_QUEUE_URL."
    return StorageError(sentence)


def _sentence(beginning: str, error: BaseException | None, if_damaged: str = "") -> str:
    """One line, also of the several that a driver may write."""
    cause = " ".join(str(error).split())
    code = _code(error)
    remedy = if_damaged if code in DAMAGED else SQLITE.get(code, "")
    return f"{beginning}: {cause}{'' if cause.endswith(('.', '?')) else '.'} {remedy}".rstrip()


def _code(error: BaseException | None) -> int:
    code = getattr(error, "sqlite_errorcode", 0)
    return code if code in SQLITE else code & 0xFF  # the rest mostly tells only where in SQLite it happened
