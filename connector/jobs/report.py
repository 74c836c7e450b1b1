"""The results of a job, as the job page and other programs read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, case, exists, func, select, union_all

from ..catalogue import changes
from ..catalogue.item_presentation import FILE_STATUSES
from ..catalogue.problem_files import LISTED
from ..extensions import db
from ..formatting import item_count
from ..i18n import decimal
from ..i18n import gettext as _
from ..models.catalogue import Action, CatalogueFile, CatalogueItem, Change, FileStatus, Holding
from ..models.jobs import Job, PreviewRow, SampleItem
from . import job_presentation

# The actions of items that a job could not read fully.
UNREAD = (Action.FAILED, Action.FILES_UNLISTED)
PROBLEMS = (*UNREAD, Action.SHARES_HANDLE)
PROBLEM = ("id", "handle", "title", "reason")
NUMBERS = ("seen", "added", "updated", "unchanged", "failed", "vanished")
# Signed-out readers may read the problems of a job, too.
_TITLE_IS_CLOSED = CatalogueItem.title_is_restricted | CatalogueItem.is_restricted


def as_dict(job: Job, *, with_restricted: bool = True) -> dict[str, Any]:
    """Return the job as `--json` prints it. Only imports do not name their kind. An undo has its own, shorter form.

    The numbers of a preview say what an import would do. `with_restricted`: see `problems`.
    """
    if job.is_undo:
        return {
            "job": job.undoes_id,
            "undo_job": job.id,
            "state": job.state,
            "removed": job.counts["removed"],
            "restored": job.counts["restored"],
            "kept": job.counts["kept"],
            "message": job.message,
        }
    found = problems(job, with_restricted=with_restricted)
    return {
        "job": job.id,
        **({} if job.is_import else {"kind": job.kind}),
        "state": job.state,
        "clean": bool(job.clean),
        "expected": job.expected,
        **{name: job.counts[name] for name in NUMBERS},
        "hidden": job.counts["not_visible"],
        "files": job.files,
        "bytes": job.counts["bytes"],
        "requests": job.counts["requests"],
        "seconds": round(job.seconds, 3),
        "problems": [{name: problem[name] for name in PROBLEM} for problem in found],
        "message": job.message,
        **({"question": job.question} if job.asks else {}),
        **({"wait": _wait(job)} if job.wait_reason else {}),
    }


def _wait(job: Job) -> dict[str, Any]:
    since = f"{job.wait_since.isoformat(timespec='seconds')}Z" if job.wait_since else None
    return {"reason": job.wait_reason, "since": since, "detail": job.wait_detail}


def refused(message: str, job_id: int | None = None) -> dict[str, Any]:
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


def problems(job: Job, limit: int | None = None, *, with_restricted: bool = True) -> Iterator[dict[str, Any]]:
    """Yield the problems of a job, item by item: {id, handle, title, reason, item_id}.

    `item_id` is None if the item is not in the catalogue. `with_restricted`: include files whose names are restricted.
    """
    if job.is_preview:
        yield from _preview_problems(job, limit)
        return
    for row in db.session.execute(_item_problems(job.id, limit)):
        yield _problem(row.source_id, row.handle, row.title, row.reason, row.item_id)
    for row in db.session.execute(_file_problems(job, limit, with_restricted)):
        file = row.CatalogueFile
        yield _problem(row.source_id, row.handle, row.title, _file_reason(file, job), file.item_id)


def _item_problems(job_id: int, limit: int | None) -> Any:
    """Return a SELECT of the items that this job could not take over as they are, in the order of the job."""
    title = case((_TITLE_IS_CLOSED, None), else_=Change.title).label("title")
    columns = (Change.id, Change.source_id, Change.handle, title, Change.reason, Change.item_id)
    of_job = select(*columns).outerjoin(CatalogueItem, CatalogueItem.id == Change.item_id)
    each = [changes.of_job(of_job, job_id, action).limit(limit).subquery() for action in PROBLEMS]
    found = union_all(*(select(one) for one in each)).subquery()
    return select(found).order_by(found.c.id).limit(limit)


def _preview_problems(job: Job, limit: int | None) -> Iterator[dict[str, Any]]:
    noted = select(PreviewRow).where(PreviewRow.job_id == job.id, PreviewRow.has_problem.is_(True))
    told = set()
    for row in db.session.scalars(noted.order_by(PreviewRow.id).limit(limit)):
        told.add(row.source_key)
        yield _problem(row.source_id, row.handle, row.title, row.data.get("files_error") or row.data["reason"], None)
    failed = select(SampleItem).where(SampleItem.job_id == job.id, SampleItem.reason.is_not(None))
    for item in db.session.scalars(failed.order_by(SampleItem.id)):
        if item.source_key not in told:
            yield _problem(item.source_id, item.handle, item.title, item.reason or "", None)


def failed_items(job_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the items that this job could not read or whose files it could not list: (source_id, handle, title)."""
    columns = (Change.source_id, Change.handle, Change.title)
    query = select(*columns).where(Change.job_id == job_id, Change.action.in_(UNREAD))
    return db.session.execute(query.where(Change.source_id.is_not(None)).order_by(Change.id)).all()


def nameless_failures(job_id: int) -> int:
    """Return how many failures of this job name no item: rows of lists whose id could not be read."""
    query = select(func.count()).where(Change.job_id == job_id, Change.action == Action.FAILED)
    return db.session.scalars(query.where(Change.source_id.is_(None))).one()


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
    title = case((_TITLE_IS_CLOSED, None), else_=CatalogueItem.title).label("title")
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
    return job.is_import and not job.is_active and any(job.files[status] for status in LISTED)


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


def _problem(
    source_id: str | None, handle: str | None, title: str | None, reason: str, item_id: int | None
) -> dict[str, Any]:
    return {"id": source_id, "handle": handle, "title": title, "reason": reason, "item_id": item_id}


def numbers_in_words(job: Job) -> str:
    """Return the counts of the job in words: "1 added, 0 updated, 2 unchanged, 0 failed".

    The number of items missing at the source follows if there are any.
    """
    texts = job_presentation.words(job).items()
    return ", ".join(text % {"count": decimal(job.counts[name])} for name, text in texts)


def line(job: Job, label: str) -> str:
    """Return the job as one line. `label`: the label of its source for the reader (see `source_label`)."""
    counts = numbers_in_words(job)
    if not job.is_undo:
        counts = _("%(items)s: %(counts)s", items=item_count(job.done), counts=counts)
    return _(
        "Job %(id)s: %(heading)s. %(status)s. %(counts)s. %(message)s",
        id=job.id,
        heading=job_presentation.heading(job, label),
        status=job_presentation.status(job),
        counts=counts,
        message=job.message,
    ).rstrip()
