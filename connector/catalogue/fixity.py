"""Checks all stored files against the database, byte by byte, and repairs what differs.

It can run while a job runs: each problem is checked again under the lock of the folder before it is reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update

from ..accounts import audit
from ..errors import StorageError
from ..extensions import db, transaction
from ..i18n import gettext as _, ngettext
from ..models.catalogue import FILE, ITEM, STORED_FILE
from ..storage.content_store import FileFolder
from ..storage.garbage_collection import needed_by_undo, with_row
from . import problem_files
from .file_rows import LOST

ROWS_PER_QUERY = 200
PIECE = 2**20  # bytes
AN_EMPTY_DISK = 10  # stored files; if as many exist and the folder is empty, its disk is probably not mounted


class ProblemKind(StrEnum):
    """A kind of problem with stored content."""

    MISSING = "missing"
    DAMAGED = "damaged"
    FORGOTTEN = "forgotten"  # intact and used by a file, but without a row
    NAMELESS = "nameless"  # used by no file

    @property
    def is_loss(self) -> bool:
        """Return whether content is lost that a file needs."""
        return self in (ProblemKind.MISSING, ProblemKind.DAMAGED)


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between the folder and the database. `items`: {id, handle, title, file} of each file concerned.

    `repair`: a sentence about the repair, empty without one.
    """

    kind: ProblemKind
    sha256: str
    reason: str
    items: tuple[dict[str, Any], ...] = ()
    repair: str = ""


def count_stored_files() -> tuple[int, int]:
    """Return the number of stored files and their total size in bytes."""
    number, size = db.session.execute(select(func.count(), func.coalesce(func.sum(STORED_FILE.c.size), 0))).one()
    db.session.rollback()
    return number, size


def verify(folder: FileFolder, repair: bool, checked: Callable[[int], object]) -> Iterator[Finding]:
    """Check every stored file and yield the problems, repaired if `repair` is set.

    `checked` is called with the size of each stored file, in bytes, once it is checked. Raise StorageError if the
    folder cannot be read or, for a repair, seems not to be mounted. The audit trail tells how much was repaired.
    """
    if repair:
        _refuse_empty_disk(folder)
        folder.tidy()
    repaired = 0
    try:
        for finding in _findings(folder, repair, checked):
            repaired += bool(finding.repair)
            yield finding
    finally:
        if repaired:
            audit.record("repair of files", repaired=repaired)


def _findings(folder: FileFolder, repair: bool, checked: Callable[[int], object]) -> Iterator[Finding]:
    yield from _stored(folder, repair, checked)
    yield from _without_anything(folder, repair)
    yield from _without_row(folder, repair)


def _refuse_empty_disk(folder: FileFolder) -> None:
    number, _size = count_stored_files()
    if number >= AN_EMPTY_DISK and next(folder.all_checksums(), None) is None:
        raise StorageError(
            ngettext(
                "The files folder is empty, but %(num)s file is stored. Is its disk mounted? Nothing was changed.",
                "The files folder is empty, but %(num)s files are stored. Is its disk mounted? Nothing was changed.",
                number,
            )
        )


def _stored(folder: FileFolder, repair: bool, checked: Callable[[int], object]) -> Iterator[Finding]:
    """Yield rows of stored content that is missing or damaged in the folder."""
    after = ""
    while rows := _page(select(STORED_FILE).where(STORED_FILE.c.sha256 > after).order_by(STORED_FILE.c.sha256)):
        after = rows[-1].sha256
        for row in rows:
            if folder.fault(row.sha256, row.size):
                with folder.lock():
                    reason = folder.fault(row.sha256, row.size) if with_row([row.sha256]) else None
                    if reason:
                        yield _lost(folder, row.sha256, reason, repair)
            checked(row.size)


def _without_anything(folder: FileFolder, repair: bool) -> Iterator[Finding]:
    """Yield stored files of items that have neither content nor a row of it."""
    orphaned = (FILE.c.sha256.is_not(None), ~exists().where(STORED_FILE.c.sha256 == FILE.c.sha256))
    query = select(FILE.c.sha256).where(*orphaned).distinct().order_by(FILE.c.sha256)
    after = ""
    while rows := _page(query.where(FILE.c.sha256 > after)):
        after = rows[-1].sha256
        for row in rows:
            with folder.lock():
                if not with_row([row.sha256]) and not folder.path(row.sha256).exists() and _files_using(row.sha256):
                    yield _lost(folder, row.sha256, _("The stored content is missing."), repair)


def _without_row(folder: FileFolder, repair: bool) -> Iterator[Finding]:
    """Yield content that has no row."""
    stored = iter(folder.all_checksums())
    while hashes := set(islice(stored, ROWS_PER_QUERY)):
        for sha256 in sorted(hashes - with_row(hashes)):
            with folder.lock():
                if not with_row([sha256]) and folder.path(sha256).exists():
                    yield _unknown(folder, sha256, repair)


def _page(query: Any) -> Sequence[Any]:
    """Return the next rows and close the transaction, because reading their content may take hours."""
    rows = db.session.execute(query.limit(ROWS_PER_QUERY)).all()
    db.session.rollback()
    return rows


def _unknown(folder: FileFolder, sha256: str, repair: bool) -> Finding:
    items = _files_using(sha256)
    is_named = bool(items) or db.session.scalar(select(needed_by_undo(sha256)))
    db.session.rollback()
    if is_named and (reason := folder.fault(sha256)):
        return _lost(folder, sha256, reason, repair)
    if is_named:
        found = Finding(
            ProblemKind.FORGOTTEN, sha256, _("The content is intact, but the database does not list it."), items
        )
        return _repaired(found, _remember, folder, _("Added to the database again.")) if repair else found
    found = Finding(ProblemKind.NAMELESS, sha256, _("No item uses this content."))
    return _repaired(found, FileFolder.remove, folder, _("Removed.")) if repair else found


def _repaired(found: Finding, act: Callable[[FileFolder, str], object], folder: FileFolder, text: str) -> Finding:
    act(folder, found.sha256)
    return replace(found, repair=text)


def _remember(folder: FileFolder, sha256: str) -> None:
    md5, size = hashlib.md5(usedforsecurity=False), 0
    with open(folder.path(sha256), "rb") as file:
        while piece := file.read(PIECE):
            md5.update(piece)
            size += len(piece)
    with transaction():
        db.session.execute(insert(STORED_FILE).values(sha256=sha256, md5=md5.hexdigest(), size=size))


def _lost(folder: FileFolder, sha256: str, reason: str, repair: bool) -> Finding:
    """Return the problem of content that cannot be used. For a repair, move it aside, then delete its row.

    If the process ends between both steps, the content is reported as missing the next time.
    """
    kind = ProblemKind.DAMAGED if folder.path(sha256).exists() else ProblemKind.MISSING
    found = Finding(kind, sha256, reason, _files_using(sha256))
    if not repair:
        return found
    aside = folder.set_aside(sha256)
    with transaction():
        linked = LOST | {"reason": _("Stored before. %(reason)s", reason=reason), "technical_details": None}
        of_these = update(FILE).where(FILE.c.sha256 == sha256).values(linked)
        problem_files.mark(db.session.scalars(of_these.returning(FILE.c.item_id)).all())
        db.session.execute(delete(STORED_FILE).where(STORED_FILE.c.sha256 == sha256))
    sentence = _("The next import with files fetches it again.")
    if aside:
        place = aside.relative_to(folder.folder.parent)
        sentence = _(
            "The next import with files fetches it again. The damaged content is now in %(place)s.", place=place
        )
    return replace(found, repair=sentence)


def _files_using(sha256: str) -> tuple[dict[str, Any], ...]:
    """Return the files that use this content, with their items."""
    query = select(ITEM.c.id, ITEM.c.handle, ITEM.c.title, FILE.c.name.label("file")).join(FILE)
    rows = db.session.execute(query.where(FILE.c.sha256 == sha256).order_by(FILE.c.id)).mappings().all()
    db.session.rollback()
    return tuple(dict(row) for row in rows)
