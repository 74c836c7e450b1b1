"""SQL conditions on the file table that select the files an import has to download."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, true

from ...dspace.records import ORIGINAL
from ...extensions import utcnow
from ...models.catalogue import FILE, FileStatus
from ...models.changes import CHANGE, Action
from ..import_options import ImportOptions
from ..start import retry_failed

ALWAYS = (FileStatus.NOT_DOWNLOADED, FileStatus.FAILED)
WHEN_CHANGED = (FileStatus.RESTRICTED, FileStatus.MISSING, FileStatus.TOO_LARGE, FileStatus.INFECTED)


def is_chosen(options: ImportOptions) -> ColumnElement[bool]:
    """Return the condition that a file is in a bundle that is imported."""
    return FILE.c.bundle.in_(options.bundles or [ORIGINAL])


def is_due(
    job_id: int, options: ImportOptions, *, has_other_login: bool, reads_again: bool, tries_refused: bool
) -> ColumnElement[bool]:
    """Return the condition that this job has to download a file and has not tried it yet.

    `has_other_login`: the last import used another login, or none. `reads_again`: the item was read in full although
    the source reports no change, so that missing files are tried again. `tries_refused`: restricted files are then
    tried too, because `access_checks` does not check them. Files that an undo restored are treated as if read again.
    """
    due: list[ColumnElement[bool]] = [FILE.c.status.in_(ALWAYS)]
    # A file that the source generates for each download never matches its announced size or checksum.
    tries_unstable = options.full or options.retry
    due += [(FILE.c.status == FileStatus.DAMAGED) & (true() if tries_unstable else ~FILE.c.is_unstable)]
    due += [FILE.c.status.in_(WHEN_CHANGED) if options.retry else FILE.c.status.in_(WHEN_CHANGED) & _changed(job_id)]
    # Retry after the embargo has ended or the size limit was raised.
    due += [(FILE.c.status == FileStatus.RESTRICTED) & (FILE.c.embargo_ends_on <= utcnow().date().isoformat())]
    due += [(FILE.c.status == FileStatus.TOO_LARGE) & (FILE.c.size <= retry_failed.file_limit(options))]
    # Retry in the run after the first that found it missing (design rule 11).
    is_first = FILE.c.status_since_job_id.is_(None) | (FILE.c.status_since_job_id == FILE.c.last_tried_job_id)
    due += [(FILE.c.status == FileStatus.MISSING) & is_first]
    # A stored file that needed a login may be public now.
    due += [is_stored() & FILE.c.content_is_restricted & _changed(job_id)]
    if has_other_login:
        due += [FILE.c.status == FileStatus.RESTRICTED]
    is_lacking = FILE.c.status.in_(
        (FileStatus.MISSING, FileStatus.RESTRICTED) if tries_refused else (FileStatus.MISSING,)
    )
    due += [is_lacking if reads_again else is_lacking & is_restored()]
    return is_untried(job_id) & is_chosen(options) & or_(*due)


def is_untried(job_id: int) -> ColumnElement[bool]:
    """Return the condition that this job has neither tried nor checked a file."""
    return FILE.c.last_tried_job_id.is_(None) | (FILE.c.last_tried_job_id != job_id)


def is_restored() -> ColumnElement[bool]:
    """Return the condition that no job has tried or checked a file since it was listed or restored by an undo."""
    return FILE.c.last_tried_job_id.is_(None)


def is_stored() -> ColumnElement[bool]:
    """Return the condition that the current version of a file is stored."""
    return FILE.c.status.in_([status for status in FileStatus if status.is_stored])


def _changed(job_id: int) -> ColumnElement[bool]:
    """Return the condition that this job has added or updated the item of a file."""
    return exists().where(
        CHANGE.c.job_id == job_id,
        CHANGE.c.item_id == FILE.c.item_id,
        CHANGE.c.action.in_((Action.ADDED, Action.UPDATED)),
    )
