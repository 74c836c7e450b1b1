"""What later jobs made of the items and files that a job could not read or download."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, select
from sqlalchemy.orm import aliased

from ..catalogue.item_presentation import FILE_STATUSES
from ..catalogue.problem_files import LISTED
from ..extensions import db
from ..i18n import gettext as _
from ..i18n import ngettext
from ..jobs import report
from ..models.catalogue import CatalogueFile, CatalogueItem, Change, FileProblem, FileStatus, Holding
from ..models.jobs import Job
from .job_kinds import TRIED

FAILED = (FileStatus.FAILED, FileStatus.DAMAGED)
UNAVAILABLE = (FileStatus.RESTRICTED, FileStatus.MISSING, FileStatus.TOO_LARGE, FileStatus.INFECTED)
_TITLE_IS_RESTRICTED = CatalogueItem.title_is_restricted | CatalogueItem.is_restricted
_FILE_OF_PROBLEM = and_(
    CatalogueFile.item_id == FileProblem.item_id, CatalogueFile.bitstream_id == FileProblem.bitstream_id
)
_IS_OPEN = CatalogueFile.status.in_(LISTED)


@dataclass(frozen=True, slots=True)
class OpenProblems:
    """How many of the problems of a job are still open."""

    open: int
    total: int


def retries(job: Job) -> Sequence[int]:
    """Return the ids of the jobs that retried what this job could not read or download."""
    retried = select(Job.id).where(Job.reruns_id == job.id, Job.options["retry"].as_integer() == job.id)
    return db.session.scalars(retried.order_by(Job.id)).all()


def in_words(job: Job) -> str:
    """Return how many items and files of this job failed, and how many files are not available, or ""."""
    items = job.counts["failed"]
    failed, unavailable = (sum(job.counts[TRIED[status]] for status in each) for each in (FAILED, UNAVAILABLE))
    parts = [ngettext("%(num)s item failed", "%(num)s items failed", items)] if items else []
    parts += [ngettext("%(num)s file failed", "%(num)s files failed", failed)] if failed else []
    if unavailable:
        parts.append(ngettext("%(num)s file not available", "%(num)s files not available", unavailable))
    return ", ".join(parts)


def open_problems(job: Job) -> OpenProblems:
    """Return how many of the items and files that a job could not read or download are still to be done."""
    failed = select(func.count()).where(Change.job_id == job.id, Change.action.in_(report.UNREAD))
    files = select(func.count(), func.count().filter(_IS_OPEN)).select_from(FileProblem)
    files = files.outerjoin(CatalogueFile, _FILE_OF_PROBLEM).where(FileProblem.job_id == job.id)
    total_files, open_files = db.session.execute(files).one()
    total_items = db.session.scalars(failed).one()
    read = len(db.session.execute(_read_later(job)).all()) if total_items else 0
    return OpenProblems(total_items - read + open_files, total_items + total_files)


def item_outcomes(job: Job, source_ids: Collection[str]) -> dict[str, str]:
    """Return a sentence for each of these items that a later job has read, by the id of the item at its source."""
    query = _read_later(job).where(Change.source_id.in_(source_ids))
    return {row.source_id: _("Read by job %(job)s.", job=row.later) for row in db.session.execute(query)}


def file_outcomes(job: Job, limit: int | None, *, with_restricted: bool) -> Iterator[dict[str, Any]]:
    """Yield the files that this job could not download and that a later job has tried or no longer found.

    They have the keys of `report.problems`, and a sentence `outcome`. `with_restricted`: include files whose names are
    restricted.
    """
    is_listed_by_this_job = exists().where(
        Holding.source_id == job.source_id, Holding.item_id == FileProblem.item_id, Holding.last_seen_job_id == job.id
    )
    title = case((_TITLE_IS_RESTRICTED, None), else_=CatalogueItem.title).label("title")
    query = (
        select(CatalogueFile, FileProblem.item_id, CatalogueItem.source_id, CatalogueItem.handle, title)
        .select_from(FileProblem)
        .join(CatalogueItem, CatalogueItem.id == FileProblem.item_id)
        .outerjoin(CatalogueFile, _FILE_OF_PROBLEM)
        .where(FileProblem.job_id == job.id, ~(is_listed_by_this_job & func.coalesce(_IS_OPEN, False)))
    )
    if not with_restricted:
        query = query.where(CatalogueFile.name_is_restricted.is_(False))
    for row in db.session.execute(query.order_by(FileProblem.id).limit(limit)):
        file = row.CatalogueFile
        yield {
            "id": row.source_id,
            "handle": row.handle,
            "title": row.title,
            "reason": _("File “%(name)s”", name=file.label) if file else _("A file"),
            "item_id": row.item_id,
            "outcome": _file_outcome(file),
        }


def _read_later(job: Job) -> Select[*tuple[Any, ...]]:
    """Return a SELECT of the items that this job could not read and a later job could: (source_id, later)."""
    again = aliased(Change)
    failed_again = exists().where(
        again.job_id == Holding.last_seen_job_id,
        again.action.in_(report.UNREAD),
        again.source_key == Change.source_key,
    )
    query = (
        select(Change.source_id, func.max(Holding.last_seen_job_id).label("later"))
        .join(
            CatalogueItem,
            (CatalogueItem.source_id == Change.source_id) & (CatalogueItem.repository_id == job.repository_id),
        )
        .join(Holding, (Holding.item_id == CatalogueItem.id) & (Holding.source_id == job.source_id))
        .where(Change.job_id == job.id, Change.action.in_(report.UNREAD))
        .where(Holding.last_seen_job_id > job.id, ~failed_again)
        .group_by(Change.source_id)
    )
    return query


def _file_outcome(file: CatalogueFile | None) -> str:
    if file is None:
        return _("No longer at the source.")
    status = FileStatus(file.status)
    if status.is_stored:
        return _("Downloaded by job %(job)s.", job=file.last_tried_job_id)
    if file.last_tried_job_id is None:
        return _("Not tried again yet.")
    return _("Job %(job)s: %(status)s.", job=file.last_tried_job_id, status=FILE_STATUSES[status])
