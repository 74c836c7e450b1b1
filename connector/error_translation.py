"""Translates errors of the system or a database to `connector.errors`, with sentences that say what to do."""

from __future__ import annotations

import errno
import sqlite3

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError

from .errors import ConnectorError, DatabaseUnavailableError, StorageError
from .i18n import gettext as _, lazy_gettext as _l

QUEUE = (RedisError, sqlite3.Error)  # errors of the queue's storage; errors of the database are DBAPIErrors
ROOM = _l("Make room on the disk, then try again.")
RIGHTS = _l("The account that DSpace Connector runs as must be able to write there.")
PLACE = _l("Set CONNECTOR_INSTANCE to a folder that is there or can be made.")
PUT_BACK = _l(
    "Put the file back where it was. To use another one, end DSpace Connector, move the -wal and -shm "
    "files beside it away with the old one, then start it again."
)
BROKEN = _l("See whether the disk is full, read-only or broken.")
FILES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), RIGHTS),
    **dict.fromkeys((errno.EIO, errno.EFBIG), BROKEN),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG), PLACE),
}
SQLITE = {
    sqlite3.SQLITE_FULL: ROOM,
    sqlite3.SQLITE_CANTOPEN: _l("Its folder must be there. %(rights)s", rights=RIGHTS),
    sqlite3.SQLITE_READONLY: RIGHTS,
    sqlite3.SQLITE_READONLY_DBMOVED: PUT_BACK,
    sqlite3.SQLITE_IOERR: BROKEN,
}
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def translate(error: Exception) -> ConnectorError | None:
    """Return the ConnectorError for an error, or None if the error may be a bug."""
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, DBAPIError):
        return of_database(error)
    if isinstance(error, QUEUE):
        return of_queue(error)
    if isinstance(error, OSError) and error.errno in FILES:
        values = {"file": error.filename, "reason": error.strerror, "remedy": FILES[error.errno]}
        if error.filename:
            return StorageError(_("%(file)s cannot be used: %(reason)s. %(remedy)s", **values))
        return StorageError(_("The disk cannot be used: %(reason)s. %(remedy)s", **values))
    return None


def of_database(error: DBAPIError) -> ConnectorError:
    """Return the ConnectorError for a database error.

    DatabaseUnavailableError means that the server does not answer or closed the connection, so a retry may succeed.
    """
    if isinstance(error.orig, sqlite3.Error):
        remedy = _remedy(error.orig, _("Move the instance folder aside and bring a backup back with flask restore."))
        return StorageError(_of_database(error.orig, remedy))
    if isinstance(error, OperationalError):
        remedy = _("Start its server, or correct CONNECTOR_DATABASE_URL.")
        return DatabaseUnavailableError(_of_database(error.orig, remedy))
    return StorageError(_of_database(error.orig))


def _of_database(error: BaseException | None, remedy: str = "") -> str:
    sentence = _("The database cannot be used now: %(cause)s %(remedy)s", cause=_cause(error), remedy=remedy)
    return sentence.rstrip()


def may_pass(error: OperationalError) -> bool:
    """Return whether a retry may succeed. It cannot for a wrong statement, which SQLite reports as operational, too."""
    if isinstance(error.orig, sqlite3.Error):
        return _code(error.orig) in (*HELD, *SQLITE)
    return True


def of_queue(error: BaseException, name: str = "") -> StorageError:
    """Return the StorageError for an error of the queue. `name`: its file.

    The queue only wakes the workers. Without it, jobs wait until it is available again.
    """
    remedy = _remedy(error, _("Remove that file: no job is lost."))
    if isinstance(error, RedisError):
        remedy = _("Start its server, or correct CONNECTOR_QUEUE_URL.")
    values = {"name": name, "cause": _cause(error), "remedy": remedy}
    if name:
        return StorageError(_("The queue %(name)s cannot be used now: %(cause)s %(remedy)s", **values).rstrip())
    return StorageError(_("The queue cannot be used now: %(cause)s %(remedy)s", **values).rstrip())


def _cause(error: BaseException | None) -> str:
    """Return the error as one line that ends a sentence, because drivers may write several."""
    cause = " ".join(str(error).split())
    return cause if cause.endswith((".", "?")) else f"{cause}."


def _remedy(error: BaseException, if_damaged: str) -> str:
    code = _code(error)
    return if_damaged if code in DAMAGED else str(SQLITE.get(code, ""))


def _code(error: BaseException | None) -> int:
    code = getattr(error, "sqlite_errorcode", 0)
    return code if code in SQLITE else code & 0xFF  # the other bits mostly say where in SQLite the error occurred
