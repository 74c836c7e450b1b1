"""Runs an export: writes its file beside its place, then moves it there. A resumed export begins again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from flask import current_app
from sqlalchemy import delete, select

from ..errors import ConflictError, StorageError
from ..extensions import count_rows, db, transaction
from ..i18n import decimal, gettext as _, ngettext_or_empty
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.changes import CHANGE
from ..models.exports import ExportItem
from ..models.jobs import Job
from ..storage.content_store import Part
from ..storage.disk_space import Room
from . import results
from .contents import Contents
from .export_kind import ExportOptions
from .formats import FORMATS

OWNER_ONLY = 0o700


def run(attempt: JobAttempt) -> tuple[bool, str]:
    """Export the items of a job. Return (clean, message)."""
    form = FORMATS[ExportOptions.of(lifecycle.get(attempt.job_id)).format]
    _begin(attempt)
    attempt.say(_("Writing the file"))
    contents, part = Contents(attempt), _part()
    try:
        size = _write(attempt, part, form.write(contents))
        with transaction():  # another attempt that has taken over keeps its file
            attempt.advance(totals={"bytes": size})
            os.replace(part.path, results.path_of(attempt.job_id))
    finally:
        part.discard()
    return _result(attempt, contents.not_imported)


def _begin(attempt: JobAttempt) -> None:
    """Forget what an earlier attempt counted and noted. Raise ConflictError if the list of items was deleted."""
    with transaction():
        attempt.advance(totals={"seen": 0, "files": 0, "bytes": 0})
        db.session.execute(delete(CHANGE).where(CHANGE.c.job_id == attempt.job_id))
        first = select(ExportItem.item_id).where(ExportItem.job_id == attempt.job_id).limit(1)
        if db.session.scalar(first) is None:
            raise ConflictError(_("The items of this export are no longer known. Start a new export."))


def _part() -> Part:
    """Create the folder if it is missing, and a new part file in it. Raise StorageError if that fails."""
    folder = results.folder()
    try:
        folder.folder.mkdir(mode=OWNER_ONLY, exist_ok=True)
    except OSError as error:
        sentence = _("The folder of exports cannot be written: %(strerror)s.", strerror=error.strerror)
        raise StorageError(sentence) from error
    return folder.part()


def _write(attempt: JobAttempt, part: Part, pieces: Iterator[bytes]) -> int:
    """Write all pieces and return their size in bytes. Wait while the disk is almost full."""
    room = Room(current_app.config["INSTANCE"], current_app.config["MIN_FREE_DISK"], attempt)
    write, size = room.with_space_check(part.write), 0
    room.wait()
    for piece in pieces:
        attempt.check()
        write(piece)
        size += len(piece)
    part.finish()
    return size


def _result(attempt: JobAttempt, not_imported: Counter[str]) -> tuple[bool, str]:
    """Return (clean, message) of an export that was written."""
    db.session.expire_all()
    job = db.session.get_one(Job, attempt.job_id)
    problems = count_rows(CHANGE, CHANGE.c.job_id == job.id)
    left = (job.expected or 0) - job.counts["seen"]
    sentences = (
        ngettext_or_empty(
            "%(num)s item is not in the file, because it was removed or restricted since the start.",
            "%(num)s items are not in the file, because they were removed or restricted since the start.",
            left,
        ),
        ngettext_or_empty(
            "%(num)s file was not imported and is not in the export, by bundle: %(bundles)s.",
            "%(num)s files were not imported and are not in the export, by bundle: %(bundles)s.",
            not_imported.total(),
            bundles=", ".join(f"{bundle} ({decimal(number)})" for bundle, number in sorted(not_imported.items())),
        ),
    )
    return not (problems or left), " ".join(filter(None, sentences))
