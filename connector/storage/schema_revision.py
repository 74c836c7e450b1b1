"""Which migration the database has, and which ones this version of the app has."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from ..errors import NewerVersionError
from ..extensions import db
from ..i18n import lazy_gettext as _l

MIGRATIONS = Path(__file__).parent.parent / "migrations"
NEWER_DATABASE = _l(
    "The database was written by a newer version of DSpace Connector (at %(found)s; this one knows up to %(known)s). "
    "Install that version again; nothing was changed."
)


def revision() -> str | None:
    """Return the migration of the database, or None for an empty one."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def known_revisions() -> list[str]:
    """Return the migrations of this version, the oldest first.

    The names of their files begin with them. Alembic would run all files, at each start.
    """
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def check_known(found: str | None, newer: str = NEWER_DATABASE) -> None:
    """Raise NewerVersionError with the sentence `newer` if this version does not have the migration `found`."""
    known = known_revisions()
    if found not in known:
        raise NewerVersionError(newer % {"found": found, "known": known[-1]})
