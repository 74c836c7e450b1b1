"""Deletes stored files without references, and files of processes that were killed between disk and database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Text, cast, delete, exists, select

from ..errors import StorageError
from ..extensions import db, execute_counted, transaction
from ..i18n import gettext as _
from ..models.catalogue import CatalogueFile, Change, StoredFile
from .content_store import FileFolder

BATCH = 200
FILE, STORED, CHANGE = CatalogueFile.__table__, StoredFile.__table__, Change.__table__


def the_folder() -> FileFolder:
    """Return the files folder of this instance."""
    return FileFolder(Path(current_app.config["INSTANCE"]) / "files")


def check_disk() -> None:
    """Raise StorageError if the disk of the files folder is missing.

    Then its folder is missing or is the empty mount point. Files could not be deleted, and would return with the disk.
    """
    folder = the_folder()
    folder.check()
    if next(folder.stored(), None) is None and db.session.scalar(select(STORED.c.sha256).limit(1)) is not None:
        raise StorageError(
            _(
                "The files folder is empty, though files are stored: is its disk mounted? If they are lost, flask "
                "files verify --repair fetches them again."
            )
        )


def delete_unreferenced_files() -> int:
    """Delete stored files that no file row and no change's `before` references. Return their number.

    Also delete what processes left that were killed between disk and database: part files, and files without a row.
    Raise StorageError if there are unreferenced files and the disk of the files folder is missing.
    """
    folder = the_folder()
    unused = select(STORED.c.sha256).where(~exists().where(FILE.c.sha256 == STORED.c.sha256))
    candidates = set(db.session.scalars(unused))
    candidates -= named_before(candidates)
    db.session.rollback()
    if candidates:
        check_disk()
    for sha256 in sorted(candidates):
        with folder.lock():
            with transaction():
                mine = (STORED.c.sha256 == sha256, ~exists().where(FILE.c.sha256 == sha256))
                gone = execute_counted(delete(STORED).where(*mine))
            if gone:
                folder.remove(sha256)
    folder.tidy()
    _remove_nameless(folder)
    return len(candidates)


def _remove_nameless(folder: FileFolder) -> None:
    lying = iter(folder.stored())
    while hashes := set(islice(lying, BATCH)):
        for sha256 in hashes - with_row(hashes):
            with folder.lock():
                if not with_row([sha256]):
                    folder.remove(sha256)


def with_row(hashes: Collection[str]) -> set[str]:
    """Return the hashes that have a row of a stored file."""
    known = set(db.session.scalars(select(STORED.c.sha256).where(STORED.c.sha256.in_(hashes))))
    db.session.rollback()
    return known


def named_before(hashes: Collection[str]) -> set[str]:
    """Return the hashes of files that undoing some change would restore."""
    found: set[str] = set()
    if hashes:
        stored = cast(CHANGE.c.before, Text).like('%"sha256": "%')
        rows = db.session.execute(select(CHANGE.c.before).where(CHANGE.c.before.is_not(None), stored))
        for page in rows.scalars().partitions(100):
            found.update(_hashes(page).intersection(hashes))
    return found


def _hashes(befores: Sequence[dict[str, Any]]) -> set[str]:
    files = [file for before in befores for file in before.get("data", {}).get("files", [])]
    return {file["sha256"] for file in files if file["sha256"]}
