"""Queries of the pages over many jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from ..extensions import db
from ..i18n import lazy_gettext as _l
from ..models.jobs import ACTIVE, IN_PROGRESS, IS_ASKING, Job, State
from ..models.repositories import Source
from ..pagination import ListPage, Order, Place, page_of

LAST = 5
_IS_UNDONE = Job.undone_by.any(Job.state == State.COMPLETED)
STATUSES: Mapping[str, tuple[str, ColumnElement[bool]]] = {
    "active": (_l("Active"), Job.state.in_(ACTIVE)),
    "answer": (_l("Waiting for your answer"), IS_ASKING),
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


def last_jobs(source_id: int) -> Sequence[Job]:
    """Return the last LAST jobs of a source, newest first."""
    query = select(Job).where(Job.source_id == source_id).order_by(Job.id.desc())
    return db.session.scalars(query.limit(LAST)).all()


def job_ahead(job: Job) -> int | None:
    """Return the id of the job for which a queued job waits: the running job of its resource, or the next in line."""
    if job.state != State.QUEUED:
        return None
    is_running = Job.state.in_(IN_PROGRESS)
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
