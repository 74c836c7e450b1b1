"""The results of imports and previews: their problems, and what `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, case, exists, func, select

from ...catalogue import item_problems
from ...catalogue.item_presentation import FILE_STATUSES
from ...catalogue.problem_files import LISTED
from ...extensions import count_rows, db
from ...i18n import gettext as _
from ...jobs import report
from ...models.catalogue import CatalogueFile, CatalogueItem, FileStatus, Holding
from ...models.changes import CHANGE, Action, Change
from ...models.jobs import Job
from ...models.previews import PreviewRow, SampleItem

NUMBERS = ("seen", "related", "added", "updated", "unchanged", "failed", "vanished")


def as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return an import or a preview as `--json` prints it. The numbers of a preview say what an import would do."""
    counts = job.counts
    numbers: dict[str, Any] = {name: counts[name] for name in NUMBERS}
    numbers |= {"hidden": counts["not_visible"], "files": job.files}
    numbers |= {"bytes": counts["bytes"], "requests": counts["requests"]}
    found = report.with_numbers(job, numbers, with_restricted)
    if job.is_import:
        del found["kind"]  # imports do not name their kind
    return found


def undo_as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return an undo as `--json` prints it."""
    return {
        "job": job.undoes_id,
        "undo_job": job.id,
        "state": job.state,
        "removed": job.counts["removed"],
        "restored": job.counts["restored"],
        "kept": job.counts["kept"],
        "message": job.message,
    }


def refusal_as_dict(message: str, job_id: int | None = None) -> dict[str, Any]:
    """Return the members of `as_dict` for a request that was refused, or for a job that cannot be read."""
    return {
        "job": job_id,
        "state": "failed" if job_id is None else "unknown",
        "clean": False,
        "expected": None,
        **dict.fromkeys((*NUMBERS, "hidden"), 0),
        "files": dict.fromkeys((status.value for status in FileStatus), 0),
        "bytes": 0,
        "requests": 0,
        "seconds": 0.0,
        "problems": [],
        "message": message,
    }


def problems(job: Job, limit: int | None, with_restricted: bool) -> Iterator[dict[str, Any]]:
    """Yield the problems of an import or a preview, item by item (see `jobs.report.problems`).

    `item_id` is None if the item is not in the catalogue.
    """
    if job.is_preview:
        yield from _preview_problems(job, limit)
        return
    yield from item_problems.of_job(job, limit, with_restricted)
    for row in db.session.execute(_file_problems(job, limit, with_restricted)):
        file = row.CatalogueFile
        yield item_problems.problem(row, _file_reason(file, job), file.item_id, file.technical_details)


def _preview_problems(job: Job, limit: int | None) -> Iterator[dict[str, Any]]:
    noted = select(PreviewRow).where(PreviewRow.job_id == job.id, PreviewRow.has_problem.is_(True))
    listed = set()
    for row in db.session.scalars(noted.order_by(PreviewRow.id).limit(limit)):
        listed.add(row.source_key)
        reason = row.data.get("files_error") or row.data["reason"]
        yield item_problems.problem(row, reason, None, row.data.get("technical_details"))
    failed = select(SampleItem).where(SampleItem.job_id == job.id, SampleItem.reason.is_not(None))
    for item in db.session.scalars(failed.order_by(SampleItem.id)):
        if item.source_key not in listed:
            yield item_problems.problem(item, item.reason or "", None, item.data.get("technical_details"))


def failed_items(job_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the items that this job could not read or whose files it could not list: (source_id, handle, title)."""
    columns = (Change.source_id, Change.handle, Change.title)
    query = select(*columns).where(Change.job_id == job_id, Change.action.in_(item_problems.UNREAD))
    return db.session.execute(query.where(Change.source_id.is_not(None)).order_by(Change.id)).all()


def nameless_failures(job_id: int) -> int:
    """Return how many failures of this job name no item: rows of lists whose id could not be read."""
    return count_rows(CHANGE, CHANGE.c.job_id == job_id, CHANGE.c.action == Action.FAILED, CHANGE.c.source_id.is_(None))


def _file_problems(job: Job, limit: int | None, with_restricted: bool) -> Any:
    """Return a SELECT of the problem files of at most `limit` items that this job was the last to see.

    The subquery selects the holdings first, so that no more of them are read than the page shows. Without restricted
    names, the query checks each file of a holding.
    """
    listed: list[ColumnElement[bool]] = [CatalogueFile.status.in_(LISTED)]
    mine = [Holding.source_id == job.source_id, Holding.last_seen_job_id == job.id, Holding.has_problem_files]
    if not with_restricted:
        listed.append(~CatalogueFile.name_is_restricted)
        mine.append(exists().where(CatalogueFile.item_id == Holding.item_id, *listed))
    items = select(Holding.item_id).where(*mine).order_by(Holding.item_id).limit(limit).subquery()
    title = case((item_problems.TITLE_IS_RESTRICTED, None), else_=CatalogueItem.title).label("title")
    return (
        select(CatalogueFile, CatalogueItem.source_id, CatalogueItem.handle, title)
        .join(CatalogueItem, CatalogueItem.id == CatalogueFile.item_id)
        .join(items, items.c.item_id == CatalogueItem.id)
        .where(*listed)
        .order_by(items.c.item_id, CatalogueFile.position)
        .limit(limit)
    )


def had_file_problems(job: Job) -> bool:
    """Return whether a finished import left problem files."""
    files = job.files
    return job.is_import and not job.is_active and any(files[status] for status in LISTED)


def rechecked_by(job: Job) -> Sequence[int]:
    """Return the ids of later imports that now list files which this job could not download.

    If the later imports found no remaining problem, return the last of them. Return an empty list if there are none.
    """
    if not had_file_problems(job):
        return []
    seen = (Holding.source_id == job.source_id, Holding.last_seen_job_id == Job.id)
    later = select(Job.id).where(Job.source_id == job.source_id, Job.id > job.id)
    # An index finds the lowest value at once. With EXISTS, PostgreSQL would read all holdings of the source.
    earliest = select(func.min(Holding.created_by_job_id)).where(*seen).correlate(Job)
    listing = later.where(earliest.where(Holding.has_problem_files).scalar_subquery() <= job.id)
    found = db.session.scalars(listing.order_by(Job.id)).all()
    last = later.where(earliest.scalar_subquery() <= job.id).order_by(Job.id.desc()).limit(1)
    return found or db.session.scalars(last).all()


def _file_reason(file: CatalogueFile, job: Job) -> str:
    """Return the status of a file with its reason, and the earlier job that last tried it, if this job did not."""
    values = {"name": file.label, "status": FILE_STATUSES[FileStatus(file.status)], "reason": file.reason or ""}
    sentence = _("File “%(name)s”: %(status)s. %(reason)s", **values).rstrip()
    if file.last_tried_job_id in (None, job.id):
        return sentence
    return sentence + " " + _("(As of job %(job)s.)", job=file.last_tried_job_id)
