"""Counts of the files of a source by status, and by bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select

from ..extensions import db
from ..models.catalogue import CatalogueFile, FileStatus, Holding
from .due_files import is_chosen
from .import_options import ImportOptions

FILE, HOLDING = CatalogueFile.__table__, Holding.__table__


def by_status(source_id: int) -> dict[str, int]:
    """Return how many files of the source's items have each status."""
    query = select(FILE.c.status, func.count()).where(FILE.c.item_id.in_(_held(source_id))).group_by(FILE.c.status)
    none: dict[str, int] = dict.fromkeys(FileStatus, 0)
    return none | {row[0]: row[1] for row in db.session.execute(query)}


def new_problems(source_id: int, job_id: int) -> dict[str, int]:
    """Return by status how many files this job was the first to find with a status that is a problem only once."""
    mine = (FILE.c.item_id.in_(_held(source_id)), FILE.c.status_since_job_id == job_id)
    once = FILE.c.status.in_([status for status in FileStatus if status.is_problem_once])
    query = select(FILE.c.status, func.count()).where(*mine, once).group_by(FILE.c.status)
    return dict(db.session.execute(query).all())


def other_bundles(source_id: int, options: ImportOptions) -> dict[str, int]:
    """Return how many files were not downloaded because their bundle was not chosen, by bundle name."""
    others = (FILE.c.item_id.in_(_held(source_id)), FILE.c.status == FileStatus.LINKED, ~is_chosen(options))
    query = select(FILE.c.bundle, func.count()).where(*others).group_by(FILE.c.bundle).order_by(FILE.c.bundle)
    return dict(db.session.execute(query).all())


def in_counts(statuses: Mapping[str, int]) -> dict[str, int]:
    """Return numbers of files by status as counts of a job."""
    return {f"files_{status}": number for status, number in statuses.items()}


def _held(source_id: int) -> Select[Any]:
    """Return a SELECT of the ids of the items that the source holds."""
    return select(HOLDING.c.item_id).where(HOLDING.c.source_id == source_id, HOLDING.c.left_at.is_(None))
