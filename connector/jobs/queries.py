"""Queries of the pages over many jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import joinedload, selectinload

from ..catalogue.missing import IS_LISTED
from ..dspace.records import ScopeKind, SourceState
from ..extensions import db
from ..i18n import lazy_gettext as _l
from ..models.catalogue import CatalogueItem, Holding
from ..models.jobs import ACTIVE, AT_WORK, Job, Kind, State
from ..models.repositories import Source
from ..pagination import ListPage, Order, Place, page_of
from . import creation

LAST = 5
_IS_UNDONE = Job.undone_by.any(Job.state == State.COMPLETED)
_IS_OPEN = and_(*(Job.question[name].as_string().is_(None) for name in ("answer", "settled_by")))
STATUSES: Mapping[str, tuple[str, ColumnElement[bool]]] = {
    "active": (_l("Active"), Job.state.in_(ACTIVE)),
    "answer": (_l("Waiting for your answer"), (Job.state == State.STOPPED) & Job.question.is_not(None) & _IS_OPEN),
    "stopped": (_l("Stopped"), Job.state == State.STOPPED),
    "failed": (_l("Failed"), Job.state == State.FAILED),
    "completed": (_l("Completed"), (Job.state == State.COMPLETED) & Job.clean.is_not(False) & ~_IS_UNDONE),
    "problems": (
        _l("Completed with problems"),
        (Job.state == State.COMPLETED) & Job.clean.is_(False) & ~_IS_UNDONE,
    ),
    "undone": (_l("Undone"), _IS_UNDONE),
}
SORTS = {"date": Job.created_at, "status": Job.state}


@dataclass(frozen=True, slots=True)
class LastImport:
    """The last import of a source: its job, creation time and number of seen items, and the options of the source."""

    source_id: int
    job_id: int
    created_at: datetime
    seen: int
    options: dict[str, Any]


def last_imports(repository_id: int) -> dict[tuple[ScopeKind, str], LastImport]:
    """Return the last import of each source of a repository, by (kind, handle or id) and also by (kind, id).

    Imports of only some chosen items are left out.
    """
    whole = (Job.options[name].as_string().is_(None) for name in creation.OF_SOME)
    newest = select(func.max(Job.id)).where(Job.repository_id == repository_id, Job.kind == Kind.IMPORT, *whole)
    query = select(Source, Job).join(Job, Job.source_id == Source.id).where(Job.id.in_(newest.group_by(Job.source_id)))
    found: dict[tuple[ScopeKind, str], LastImport] = {}
    for source, job in db.session.execute(query):
        last = LastImport(source.id, job.id, job.created_at, job.counts["seen"], source.options)
        kind = ScopeKind(source.kind)
        found[kind, source.scope_id] = found[kind, source.scope_key] = last
    return found


def last_options(repository_id: int) -> dict[str, Any]:
    """Return the options of the last import that a person started in a repository, or {} if there is none.

    Imports of only some chosen items are left out.
    """
    whole = (Job.options[name].as_string().is_(None) for name in creation.OF_SOME)
    query = select(Job.options).where(Job.repository_id == repository_id, Job.kind == Kind.IMPORT, ~Job.scheduled)
    return db.session.scalar(query.where(*whole).order_by(Job.id.desc()).limit(1)) or {}


def held_by(source_id: int) -> tuple[int, int]:
    """Return how many items this source holds that have not left it, and how many of them are missing at the source."""
    mine = (Holding.source_id == source_id, Holding.left_at.is_(None))
    held = select(func.count()).select_from(Holding).where(*mine)
    away = select(CatalogueItem.id).where(IS_LISTED, CatalogueItem.source_state != SourceState.PRESENT)
    gone = held.where(Holding.item_id.in_(away))
    return db.session.scalars(held).one(), db.session.scalars(gone).one()


def last_jobs(source_id: int) -> Sequence[Job]:
    """Return the last LAST jobs of a source, newest first."""
    query = select(Job).where(Job.source_id == source_id).order_by(Job.id.desc())
    return db.session.scalars(query.limit(LAST)).all()


def job_ahead(job: Job) -> int | None:
    """Return the id of the job for which a queued job waits: the running job of its resource, or the next in line."""
    if job.state != State.QUEUED:
        return None
    is_running = Job.state.in_(AT_WORK)
    is_ahead = is_running | ((Job.state == State.QUEUED) & (Job.id < job.id))
    query = select(Job.id).where(Job.resource == job.resource, Job.id != job.id, is_ahead)
    return db.session.scalar(query.order_by(is_running.desc(), Job.id.desc()).limit(1))


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows: those of a status (a key of STATUSES), a kind, a repository and an owner. None: all."""

    status: str | None = None
    kind: str | None = None
    repository: int | None = None
    owner: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the filter as query parameters of an address."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        equal = {Job.kind: self.kind, Job.repository_id: self.repository, Job.owner: self.owner}
        wanted = [column == value for column, value in equal.items() if value is not None]
        return wanted + ([STATUSES[self.status][1]] if self.status else [])


def owners() -> Sequence[str]:
    """Return the names of all owners of jobs, in order."""
    return db.session.scalars(select(Job.owner).distinct().order_by(Job.owner)).all()


def job_page(place: Place, sort: str, is_descending: bool, only: JobFilter) -> ListPage:
    """Return the page of the jobs of a filter at this place, in one of the orders of SORTS, then by id."""
    query = select(Job).options(joinedload(Job.source).joinedload(Source.repository), selectinload(Job.undone_by))
    query = query.where(*only.conditions)
    return page_of(query, Order((SORTS[sort], Job.id), is_descending), place)
