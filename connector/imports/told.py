"""What previews and rehearsals have told: their rows, read and forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, delete, select, update

from ..accounts import audit
from ..errors import Conflict, NotFound
from ..extensions import db, transaction, utcnow
from ..paging import Order
from . import jobs
from .models import ACTIVE, ImportJob, Kind, PreviewRow

JOB, ROW = ImportJob.__table__, PreviewRow.__table__
BATCH = 500
AS_FOUND = Order((PreviewRow.id,))


class Told(StrEnum):
    """What a preview tells of an item: what an import would do to it, or find. SHOWN: an item of a rehearsal.

    CHOSEN: an item that an import is to read; it was ticked in a preview.
    """

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    VANISHED = "vanished"
    FAILED = "failed"
    SHOWN = "shown"
    CHOSEN = "chosen"


CHANGES = (Told.NEW, Told.CHANGED, Told.VANISHED)


def of_kind(job_id: int, kind: Kind) -> ImportJob:
    """The job, if it is of this kind; else NotFound."""
    job = jobs.get(job_id)
    if job.kind != kind:
        raise NotFound(f"Job {job_id} is no {kind.value}.")
    return job


def rows(job_id: int, *told: Told) -> Select[Any]:
    """A SELECT of what this job has told, in the order it was found: all, or only these kinds."""
    query = AS_FOUND.sort(select(PreviewRow).where(PreviewRow.job_id == job_id))
    return query.where(PreviewRow.action.in_(told)) if told else query


def changes(job_id: int) -> Iterator[dict[str, Any]]:
    """What an import would change, as --json prints it: {action, id, handle, title} and what the row holds besides."""
    for one in db.session.scalars(rows(job_id, *CHANGES).execution_options(yield_per=BATCH)):
        yield {"action": one.action, "id": one.source_id, "handle": one.handle, "title": one.title, **one.data}


def in_words(change: Mapping[str, Any]) -> str:
    """A change in one line: the fields and files it concerns, or its reason."""
    brings = change.get("brings")
    parts = [change.get("reason"), change.get("returns")]
    parts += [f"values: {brings['values']}, files: {brings['files']}"] if brings else []
    parts += [f"to be fetched: {', '.join(change['fetch'])}"] if "fetch" in change else []
    names = [one["what"] for one in change.get("about", ())] + [one["field"] for one in change.get("fields", ())]
    names += [f"file {one['name']} {one['change']}" for one in change.get("files", ())]
    parts.append(", ".join(names))
    return " ".join(part for part in parts if part) or "the same in another order"


def row(job_id: int, row_id: int, *told: Told) -> PreviewRow:
    """One row of this job, if it is of these kinds, or NotFound."""
    found = db.session.scalar(rows(job_id, *told).where(PreviewRow.id == row_id))
    if found is None:
        raise NotFound(f"Job {job_id} no longer has this item: what it found is kept for a day.")
    return found


def forget(job_id: int) -> None:
    """Remove what this preview or rehearsal has told. Conflict while it is still at work."""
    with transaction():
        job = jobs.get(job_id)
        if not job.is_look or job.is_active:
            raise Conflict(f"Job {job_id} is still at work, or keeps nothing that could be removed.")
        _forget([job_id])
        audit.note("remove what was found", f"job {job_id}")


def forget_before(moment: datetime) -> int:
    """Remove what previews and rehearsals told that ended before this moment (UTC); gives how many there were."""
    with transaction():
        old = select(JOB.c.id).where(JOB.c.kind.in_((Kind.PREVIEW, Kind.REHEARSAL)), JOB.c.pruned.is_(None))
        ids = db.session.scalars(old.where(JOB.c.ended < moment, JOB.c.state.not_in(ACTIVE))).all()
        _forget(ids)
    return len(ids)


def _forget(job_ids: Collection[int]) -> None:
    db.session.execute(delete(ROW).where(ROW.c.job_id.in_(job_ids)))
    db.session.execute(update(JOB).where(JOB.c.id.in_(job_ids)).values(pruned=utcnow()))
