"""Retries the items and files that failed in an import. Items that a later import has seen belong to that import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from ...catalogue import job_changes
from ...catalogue.item_problems import UNREAD
from ...errors import ConflictError
from ...extensions import db
from ...i18n import gettext as _
from ...jobs import lifecycle
from ...models.catalogue import FILE, HOLDING, ITEM, FileStatus
from ...models.changes import CHANGE, Action
from ...models.jobs import Job
from ...models.repositories import Source
from ..import_options import ImportOptions
from ..results import import_report
from . import queueing

CHECKED = 200


def file_limit(options: ImportOptions) -> int:
    """Return the size limit of one file in bytes: the global limit, or a lower one from these options."""
    most: int = current_app.config["MAX_FILE_BYTES"]
    return min(most, options.file_limit or most, options.files_limit or most)


def may_come(limit: int) -> ColumnElement[bool]:
    """Return the SQL condition on a file that was not downloaded and can be retried.

    A file that was too large can be retried only if its size is at most `limit` bytes.
    """
    fits = (FILE.c.status == FileStatus.TOO_LARGE) & (FILE.c.size <= limit)
    return or_(FILE.c.status.in_([status for status in FileStatus if status.can_be_retried]), fits)


def can_retry(job: Job) -> bool:
    """Return whether the job failed to read an item or download a file, and no later job has seen that item."""
    if not job.is_import or job.is_active or job.undo_began:
        return False
    return lacks_files(job.id, job.source_id, ImportOptions.of(job)) or any(
        _has(job.id, job.source_id, each) for each in UNREAD
    )


def retry(job_id: int) -> int:
    """Queue an import of only what a job could not read or download, and return its id.

    Missing files are downloaded also after an import without files: an earlier import with files left them out. Raises
    ConflictError if nothing can be retried.
    """
    job = lifecycle.get(job_id)
    if not can_retry(job):
        raise ConflictError(_nothing_to_retry(job))
    options = replace(ImportOptions.of(job).for_whole_scope(), retry=job_id)
    if lacks_files(job_id, job.source_id, options):
        options = replace(options, files=True)
    return queueing.create(job.source_id, options, comment=job.comment, reruns=job_id)


def _nothing_to_retry(job: Job) -> str:
    """Return the message for a job that cannot be retried. It names a later job that can be retried, if any."""
    later = import_report.rechecked_by(job)
    if not later:
        return _("Job %(job)s has nothing to retry.", job=job.id)
    return _(
        "Job %(job)s has nothing to retry. Job %(later)s has checked its files since. Retry that job.",
        job=job.id,
        later=later[-1],
    )


def lacks_files(job_id: int, source_id: int, options: ImportOptions) -> bool:
    """Return whether items that the job was the last to see lack files, from this or an earlier import."""
    mine = (
        HOLDING.c.source_id == source_id,
        HOLDING.c.last_seen_job_id == job_id,
        HOLDING.c.retry_limit_bytes.is_not(None),
    )
    lowest = db.session.scalar(select(func.min(HOLDING.c.retry_limit_bytes)).where(*mine))
    return lowest is not None and lowest <= file_limit(options)


def damaged_items(job_id: int, source_id: int) -> Sequence[Row[Any]]:
    """Return the items with damaged files that this job was the last to see, as (source_id, handle, title)."""
    query = _last_seen(job_id, source_id).where(FILE.c.status == FileStatus.DAMAGED)
    return db.session.execute(query.distinct().order_by(ITEM.c.id)).all()


def _last_seen(job_id: int, source_id: int) -> Select[Any]:
    """Return a SELECT of the items with problem files that the job was the last to see, joined to their files."""
    query = select(ITEM.c.source_id, ITEM.c.handle, ITEM.c.title, ITEM.c.id).join(FILE, FILE.c.item_id == ITEM.c.id)
    query = query.join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
    return query.where(
        HOLDING.c.source_id == source_id, HOLDING.c.last_seen_job_id == job_id, HOLDING.c.has_problem_files
    )


def _has(job_id: int, source_id: int, action: Action) -> bool:
    """Return whether the job has an item with this action that no later job of the source has seen.

    Only the first CHECKED items are compared with later jobs. If there are more, a retry is always possible.
    """
    failed = select(CHANGE.c.source_key, CHANGE.c.source_id).where(CHANGE.c.source_id.is_not(None))
    failed = job_changes.of_job(failed, job_id, action)
    if db.session.execute(failed.offset(CHECKED).limit(1)).first():
        return True
    repository_id = select(Source.repository_id).where(Source.id == source_id).scalar_subquery()
    checked = failed.limit(CHECKED).subquery()
    query = select(checked.c.source_id)
    for name in ("source_key", "source_id"):  # an OR would use no index
        same = (ITEM.c.repository_id == repository_id, ITEM.c[name] == checked.c[name])
        held = select(func.max(HOLDING.c.last_seen_job_id)).join(ITEM, ITEM.c.id == HOLDING.c.item_id)
        # The highest value is looked up for each row. With EXISTS, PostgreSQL would read all items of the repository.
        last_seen = held.where(*same, HOLDING.c.source_id == source_id).scalar_subquery()
        query = query.where(func.coalesce(last_seen, 0) <= job_id)
    return db.session.execute(query.limit(1)).first() is not None
