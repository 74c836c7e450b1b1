"""Counts of the files of a source by status and by bundle, and of the files that a job has to download."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from ...catalogue.item_presentation import FILE_STATUSES
from ...extensions import db
from ...models.catalogue import FILE, HOLDING, FileStatus
from ...models.jobs import Job
from ..import_options import ImportOptions
from ..results.import_kinds import DOWNLOADS, TRIED
from .due_files import is_chosen


def by_status(source_id: int) -> dict[str, int]:
    """Return how many files of the source's items have each status."""
    query = select(FILE.c.status, func.count()).where(FILE.c.item_id.in_(_item_ids(source_id))).group_by(FILE.c.status)
    none: dict[str, int] = dict.fromkeys(FileStatus, 0)
    return none | {row[0]: row[1] for row in db.session.execute(query)}


def new_problems(source_id: int, job_id: int) -> dict[str, int]:
    """Return by status how many files this job was the first to find with a status that is a problem only once."""
    mine = (FILE.c.item_id.in_(_item_ids(source_id)), FILE.c.status_since_job_id == job_id)
    once = FILE.c.status.in_([status for status in FileStatus if status.is_problem_once])
    query = select(FILE.c.status, func.count()).where(*mine, once).group_by(FILE.c.status)
    return dict(db.session.execute(query).all())


def other_bundles(source_id: int, options: ImportOptions) -> dict[str, int]:
    """Return how many files were not downloaded because their bundle was not chosen, by bundle name."""
    others = (
        FILE.c.item_id.in_(_item_ids(source_id)),
        FILE.c.status == FileStatus.NOT_DOWNLOADED,
        ~is_chosen(options),
    )
    query = select(FILE.c.bundle, func.count()).where(*others).group_by(FILE.c.bundle).order_by(FILE.c.bundle)
    return dict(db.session.execute(query).all())


def due_before(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of due files at the start of an attempt: those that earlier attempts tried.

    The attempt counts again what earlier attempts left to download.
    """
    tried = sum(counts[name] for name in DOWNLOADS.finished)
    return {
        DOWNLOADS.files: tried,
        DOWNLOADS.bytes: counts[DOWNLOADS.finished_bytes],
        DOWNLOADS.arriving_bytes: 0,
    }


def due(rows: Sequence[Any]) -> dict[str, int]:
    """Return what these files add to the counts of a job when it has to download them."""
    return {DOWNLOADS.files: len(rows), DOWNLOADS.bytes: _size(rows)}


def due_in_all(condition: ColumnElement[bool]) -> dict[str, int]:
    """Return what the files that meet a condition add to the counts of a job when it has to download them."""
    number, size = db.session.execute(
        select(func.count(), func.coalesce(func.sum(FILE.c.size), 0)).where(condition)
    ).one()
    return {DOWNLOADS.files: number, DOWNLOADS.bytes: int(size)}


def tried_counts(rows: Sequence[Any], status: FileStatus) -> dict[str, int]:
    """Return what these files add to the counts of a job when it has tried them."""
    return {TRIED[status]: len(rows), DOWNLOADS.finished_bytes: _size(rows)}


def tried_by_status(job: Job) -> list[tuple[str, int]]:
    """Return how many files this job tried, as (status in words, number), without empty statuses."""
    return [(FILE_STATUSES[status], job.counts[name]) for status, name in TRIED.items() if job.counts[name]]


def retried_counts(rows: Sequence[Any]) -> dict[str, int]:
    """Return what these files, with the status of their last try, take from the counts of a job that tries again."""
    counts = Counter(TRIED[FileStatus(row.status)] for row in rows)
    return {name: -number for name, number in counts.items()} | {DOWNLOADS.finished_bytes: -_size(rows)}


def _size(rows: Sequence[Any]) -> int:
    """Return the sum of the sizes that the source gives."""
    return sum(row.size or 0 for row in rows)


def _item_ids(source_id: int) -> Select[Any]:
    """Return a SELECT of the ids of the items that the source holds."""
    return select(HOLDING.c.item_id).where(HOLDING.c.source_id == source_id, HOLDING.c.left_at.is_(None))
