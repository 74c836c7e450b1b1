"""What previews and rehearsals have told: their rows, read and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select

from ..errors import NotFoundError
from ..extensions import db
from ..jobs import lifecycle
from ..models.jobs import ImportJob, Kind, PreviewRow
from ..pagination import Order

JOB, ROW = ImportJob.__table__, PreviewRow.__table__
BATCH = 500
AS_FOUND = Order((PreviewRow.id,))


class PreviewAction(StrEnum):
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


CHANGES = (PreviewAction.NEW, PreviewAction.CHANGED, PreviewAction.VANISHED)


def of_kind(job_id: int, kind: Kind) -> ImportJob:
    """The job, if it is of this kind; else NotFoundError."""
    job = lifecycle.get(job_id)
    if job.kind != kind:
        raise NotFoundError(f"Job {job_id} is no {kind.value}.")
    return job


def rows(job_id: int, *told: PreviewAction) -> Select[Any]:
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


def row(job_id: int, row_id: int, *told: PreviewAction) -> PreviewRow:
    """One row of this job, if it is of these kinds, or NotFoundError."""
    found = db.session.scalar(rows(job_id, *told).where(PreviewRow.id == row_id))
    if found is None:
        raise NotFoundError(f"Job {job_id} no longer has this item: what it found is kept for a day.")
    return found
