"""Queries of the pages over many jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from ..catalogue.missing import IS_LISTED
from ..dspace.records import ScopeKind, SourceState
from ..extensions import db
from ..models.catalogue import CatalogueItem, Holding
from ..models.jobs import ImportJob, Kind
from ..models.repositories import Source
from ..pagination import Order, Page, Place, page_of
from . import lifecycle

LAST = 5
SORTS = {"date": ImportJob.created, "status": ImportJob.state}


@dataclass(frozen=True, slots=True)
class LastImport:
    """The last import of a source: its job, creation time and number of seen items, and the options of the source."""

    source_id: int
    job_id: int
    created: datetime
    seen: int
    options: dict


def last_imports(repository_id: int) -> dict[tuple[ScopeKind, str], LastImport]:
    """Return the last import of each source of a repository, by (kind, handle or id) and also by (kind, id).

    Imports of only some chosen items are left out.
    """
    whole = (ImportJob.options[name].as_string().is_(None) for name in lifecycle.OF_SOME)
    newest = select(func.max(ImportJob.id)).where(
        ImportJob.repository_id == repository_id, ImportJob.kind == Kind.IMPORT, *whole
    )
    query = (
        select(Source, ImportJob.id, ImportJob.created, ImportJob.seen)
        .join(ImportJob, ImportJob.source_id == Source.id)
        .where(ImportJob.id.in_(newest.group_by(ImportJob.source_id)))
    )
    found: dict[tuple[ScopeKind, str], LastImport] = {}
    for source, job_id, created, seen in db.session.execute(query):
        last = LastImport(source.id, job_id, created, seen, source.options)
        kind = ScopeKind(source.kind)
        found[kind, source.scope_id] = found[kind, source.scope_key] = last
    return found


def held_by(source_id: int) -> tuple[int, int]:
    """Return how many items this source holds that have not left it, and how many of them are missing at the source."""
    mine = (Holding.source_id == source_id, Holding.left.is_(None))
    held = select(func.count()).select_from(Holding).where(*mine)
    away = select(CatalogueItem.id).where(IS_LISTED, CatalogueItem.source_state != SourceState.PRESENT)
    gone = held.where(Holding.item_id.in_(away))
    return db.session.scalar(held), db.session.scalar(gone)


def last_jobs(source_id: int) -> Sequence[ImportJob]:
    """Return the last LAST jobs of a source, newest first."""
    query = select(ImportJob).where(ImportJob.source_id == source_id).order_by(ImportJob.id.desc())
    return db.session.scalars(query.limit(LAST)).all()


def job_page(place: Place, sort: str, is_descending: bool) -> Page:
    """Return the page of all jobs at this place, in one of the orders of SORTS. Equal jobs are ordered by id."""
    query = select(ImportJob).options(
        joinedload(ImportJob.source).joinedload(Source.repository), selectinload(ImportJob.undone_by)
    )
    return page_of(query, Order((SORTS[sort], ImportJob.id), is_descending), place)
