"""Deletes stored files without references, and files of processes that were killed between disk and database."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from pathlib import Path

from flask import current_app
from sqlalchemy import ColumnElement, delete, exists, select

from ..errors import StorageError
from ..extensions import db, execute_counted, transaction
from ..i18n import gettext as _
from ..models.catalogue import FILE, STORED_FILE
from ..models.changes import CHANGE_FILE
from .content_store import FileFolder

FILES_AT_ONCE = 200


def the_folder() -> FileFolder:
    """Return the files folder of this instance."""
    return FileFolder(Path(current_app.config["INSTANCE"]) / "files")


def thumbnail_folder() -> FileFolder:
    """Return the folder of the thumbnails. Each is named after the SHA-256 of the file that it shows."""
    return FileFolder(Path(current_app.config["INSTANCE"]) / "thumbnails")


def check_disk() -> None:
    """Raise StorageError if the disk of the files folder is missing.

    Then its folder is missing or is the empty mount point. Files could not be deleted, and would return with the disk.
    """
    folder = the_folder()
    folder.check()
    if (
        next(folder.all_checksums(), None) is None
        and db.session.scalar(select(STORED_FILE.c.sha256).limit(1)) is not None
    ):
        raise StorageError(
            _(
                "The files folder is empty, though files are stored: is its disk mounted? If they are lost, flask "
                "files verify --repair fetches them again."
            )
        )


def delete_unreferenced_files() -> int:
    """Delete stored files that no item and no undo needs. Return their number.

    Also delete their thumbnails, and what processes left that were killed between disk and database: part files, and
    files without a row.
    Raise StorageError if there are unreferenced files and the disk of the files folder is missing.
    """
    folder = the_folder()
    is_unreferenced = ~exists().where(FILE.c.sha256 == STORED_FILE.c.sha256) & ~needed_by_undo(STORED_FILE.c.sha256)
    candidates = db.session.scalars(select(STORED_FILE.c.sha256).where(is_unreferenced)).all()
    db.session.rollback()
    if candidates:
        check_disk()
    for sha256 in sorted(candidates):
        with folder.lock():
            with transaction():
                gone = execute_counted(delete(STORED_FILE).where(STORED_FILE.c.sha256 == sha256, is_unreferenced))
            if gone:
                folder.remove(sha256)
    for each in (folder, thumbnail_folder()):
        each.tidy()
        _remove_nameless(each)
    return len(candidates)


def _remove_nameless(folder: FileFolder) -> None:
    stored = iter(folder.all_checksums())
    while hashes := set(islice(stored, FILES_AT_ONCE)):
        for sha256 in hashes - with_row(hashes):
            with folder.lock():
                if not with_row([sha256]):
                    folder.remove(sha256)


def with_row(hashes: Collection[str]) -> set[str]:
    """Return the hashes that have a row of a stored file."""
    known = set(db.session.scalars(select(STORED_FILE.c.sha256).where(STORED_FILE.c.sha256.in_(hashes))))
    db.session.rollback()
    return known


def needed_by_undo(sha256: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Return the SQL condition that undoing some change would restore a file with this content."""
    return exists().where(CHANGE_FILE.c.sha256 == sha256)
