"""Queries of the pages over sources: their last imports, and how many items they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ...catalogue.missing import IS_LISTED
from ...dspace.records import ScopeKind, SourceState
from ...extensions import count_rows, db
from ...models.catalogue import HOLDING, ITEM
from ...models.jobs import Job, Kind
from ...models.repositories import Source
from ..import_options import ImportOptions, reads_whole_scope


@dataclass(frozen=True, slots=True)
class LastImport:
    """The last import of a source: its job, creation time and number of seen items, and the options of the source."""

    source_id: int
    job_id: int
    created_at: datetime
    seen: int
    options: ImportOptions


def last_imports(repository_id: int) -> dict[tuple[ScopeKind, str], LastImport]:
    """Return the last import of each source of a repository, by (kind, handle or id) and also by (kind, id).

    Imports of only some chosen items are left out.
    """
    imports = (Job.repository_id == repository_id, Job.kind == Kind.IMPORT, *reads_whole_scope())
    newest = select(func.max(Job.id)).where(*imports)
    query = select(Source, Job).join(Job, Job.source_id == Source.id).where(Job.id.in_(newest.group_by(Job.source_id)))
    found: dict[tuple[ScopeKind, str], LastImport] = {}
    for source, job in db.session.execute(query):
        last = LastImport(source.id, job.id, job.created_at, job.counts["seen"], ImportOptions.of(source))
        kind = ScopeKind(source.kind)
        found[kind, source.scope_id] = found[kind, source.scope_key] = last
    return found


def last_options(repository_id: int) -> ImportOptions:
    """Return the options of the last import that a person started in a repository, or the defaults if there is none.

    Imports of only some chosen items are left out.
    """
    imports = (Job.repository_id == repository_id, Job.kind == Kind.IMPORT, ~Job.scheduled, *reads_whole_scope())
    stored = db.session.scalar(select(Job.options).where(*imports).order_by(Job.id.desc()).limit(1))
    return ImportOptions.from_json(stored or {})


def item_counts(source_id: int) -> tuple[int, int]:
    """Return how many items this source holds that have not left it, and how many of them are missing at the source."""
    mine = (HOLDING.c.source_id == source_id, HOLDING.c.left_at.is_(None))
    gone = select(ITEM.c.id).where(IS_LISTED, ITEM.c.source_state != SourceState.PRESENT)
    return count_rows(HOLDING, *mine), count_rows(HOLDING, *mine, HOLDING.c.item_id.in_(gone))
