"""What later jobs made of the items and files that a job could not read or download."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, exists, func, select

from ...catalogue import job_changes
from ...catalogue.item_presentation import FILE_STATUSES
from ...catalogue.item_problems import TITLE_IS_RESTRICTED, UNREAD, problem
from ...catalogue.problem_files import LISTED
from ...extensions import db
from ...i18n import gettext as _, ngettext_or_empty
from ...models.catalogue import CatalogueFile, CatalogueItem, FileStatus, Holding
from ...models.changes import Change, FileProblem
from ...models.jobs import Job
from ..import_options import retries_job
from .import_kinds import TRIED

FAILED = (FileStatus.FAILED, FileStatus.DAMAGED)
UNAVAILABLE = (FileStatus.RESTRICTED, FileStatus.MISSING, FileStatus.TOO_LARGE, FileStatus.INFECTED)
COUNTED = 200  # problems; counting more would make the page slow


@dataclass(frozen=True, slots=True)
class OpenProblems:
    """How many of the problems of a job are still open."""

    open: int
    total: int


def retries(job: Job) -> Sequence[int]:
    """Return the ids of the jobs that retried what this job could not read or download."""
    retried = select(Job.id).where(Job.reruns_id == job.id, retries_job(job.id))
    return db.session.scalars(retried.order_by(Job.id)).all()


def in_words(job: Job) -> str:
    """Return how many items and files of this job failed, and how many files are not available, or ""."""
    items = job.counts["failed"]
    failed, unavailable = (sum(job.counts[TRIED[status]] for status in each) for each in (FAILED, UNAVAILABLE))
    parts = (
        ngettext_or_empty("%(num)s item failed", "%(num)s items failed", items),
        ngettext_or_empty("%(num)s file failed", "%(num)s files failed", failed),
        ngettext_or_empty("%(num)s file not available", "%(num)s files not available", unavailable),
    )
    return ", ".join(filter(None, parts))


def open_problems(job: Job) -> OpenProblems | None:
    """Return how many of the items and files that a job could not read or download are still to be done.

    Return None if there are more than COUNTED, because each must be looked up.
    """
    failed: list[str | None] = []
    for action in UNREAD:
        changes = job_changes.of_job(select(Change.source_id), job.id, action)
        failed += db.session.scalars(changes.limit(COUNTED + 1))
        if len(failed) > COUNTED:
            return None
    problems = _first_files(job, COUNTED + 1)
    files = select(_is_open()).select_from(problems).outerjoin(CatalogueFile, _file_of(problems))
    are_open = db.session.scalars(files).all()
    if len(failed) + len(are_open) > COUNTED:
        return None
    read = _read_later(job, {source_id for source_id in failed if source_id})
    still_failed = sum(source_id not in read for source_id in failed)
    return OpenProblems(still_failed + sum(map(bool, are_open)), len(failed) + len(are_open))


def item_outcomes(job: Job, source_ids: Collection[str]) -> dict[str, str]:
    """Return a sentence for each of these items that a later job has read, by the id of the item at its source."""
    return {id: _("Read by job %(job)s.", job=later) for id, later in _read_later(job, source_ids).items()}


def file_outcomes(job: Job, limit: int | None, *, with_restricted: bool) -> Iterator[dict[str, Any]]:
    """Yield the files that this job could not download and that a later job has tried or no longer found.

    They have the keys of `report.problems`, and a sentence `outcome`. `limit`: look only at the first files of the job,
    as many as this. `with_restricted`: include files whose names are restricted.
    """
    problems = _first_files(job, limit)
    is_listed_by_this_job = exists().where(
        Holding.source_id == job.source_id, Holding.item_id == problems.c.item_id, Holding.last_seen_job_id == job.id
    )
    title = case((TITLE_IS_RESTRICTED, None), else_=CatalogueItem.title).label("title")
    query = (
        select(CatalogueFile, problems.c.item_id, problems.c.reason)
        .add_columns(CatalogueItem.source_id, CatalogueItem.handle, title)
        .select_from(problems)
        .join(CatalogueItem, CatalogueItem.id == problems.c.item_id)
        .outerjoin(CatalogueFile, _file_of(problems))
        .where(~(is_listed_by_this_job & _is_open()))
    )
    if not with_restricted:
        query = query.where(CatalogueFile.name_is_restricted.is_(False))
    for row in db.session.execute(query.order_by(problems.c.id)):
        file = row.CatalogueFile
        yield problem(row, _file_reason(file, row.reason), row.item_id, None) | {"outcome": _file_outcome(file)}


def _first_files(job: Job, limit: int | None) -> Subquery:
    """Return the first files that a job could not download."""
    mine = select(FileProblem).where(FileProblem.job_id == job.id)
    return mine.order_by(FileProblem.id).limit(limit).subquery()


def _file_of(problems: Subquery) -> ColumnElement[bool]:
    """Return the condition that a file is the one of a row of `_first_files`."""
    return (CatalogueFile.item_id == problems.c.item_id) & (CatalogueFile.bitstream_id == problems.c.bitstream_id)


def _is_open() -> ColumnElement[bool]:
    """Return the condition that a file is still there and not downloaded."""
    return func.coalesce(CatalogueFile.status.in_(LISTED), False)


def _read_later(job: Job, source_ids: Collection[str]) -> dict[str, int]:
    """Return the last later job that has read each of these items, by the id of the item at its source.

    Each query looks up these items in an index, so that its work does not grow with the catalogue.
    """
    named = (CatalogueItem.repository_id == job.repository_id, CatalogueItem.source_id.in_(source_ids))
    query = select(CatalogueItem.id, CatalogueItem.source_id, CatalogueItem.source_key).where(*named)
    items = {row.id: row for row in db.session.execute(query)} if source_ids else {}
    if not items:
        return {}
    held = select(Holding.item_id, Holding.last_seen_job_id).where(
        Holding.source_id == job.source_id, Holding.item_id.in_(items)
    )
    # Comparing job ids here keeps the databases from reading all holdings that later jobs have seen.
    later = {row.item_id: row.last_seen_job_id for row in db.session.execute(held) if row.last_seen_job_id > job.id}
    again = (
        Change.job_id.in_(set(later.values())),
        Change.action.in_(UNREAD),
        Change.source_key.in_([items[item_id].source_key for item_id in later]),
    )
    rows = db.session.execute(select(Change.job_id, Change.source_key).where(*again))
    failed_again = {(row.job_id, row.source_key) for row in rows}
    return {
        items[item_id].source_id: job_id
        for item_id, job_id in later.items()
        if (job_id, items[item_id].source_key) not in failed_again
    }


def _file_reason(file: CatalogueFile | None, reason: str | None) -> str:
    """Return the name of a file with the reason why the job could not download it, if that was stored."""
    if file is None:
        return _("A file: %(reason)s", reason=reason) if reason else _("A file")
    if reason:
        return _("File “%(name)s”: %(reason)s", name=file.label, reason=reason)
    return _("File “%(name)s”", name=file.label)


def _file_outcome(file: CatalogueFile | None) -> str:
    if file is None:
        return _("No longer at the source.")
    status = FileStatus(file.status)
    if status.is_stored:
        return _("Downloaded by job %(job)s.", job=file.last_tried_job_id)
    if file.last_tried_job_id is None:
        return _("Not tried again yet.")
    return _("Job %(job)s: %(status)s.", job=file.last_tried_job_id, status=FILE_STATUSES[status])
