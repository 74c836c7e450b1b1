"""Queries for the dashboard: the jobs that run, ended, ask or failed, and the next scheduled imports."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from ...extensions import count_rows, db
from ...models.jobs import ACTIVE, IS_ASKING, JOB, Job, Kind, State
from ...models.repositories import Source

SHOWN = 5  # rows of each list
ACTIVE_SHOWN = 10
HAS_PROBLEMS = (Job.state == State.FAILED) | Job.clean.is_(False)


def active_jobs() -> tuple[Sequence[Job], int]:
    """Return the first active jobs, running ones first, and the number of all active jobs."""
    is_active = Job.state.in_(ACTIVE)
    order = (Job.state == State.QUEUED, Job.id)
    return _jobs(_query(is_active).order_by(*order).limit(ACTIVE_SHOWN)), _count(is_active)


def ended_jobs() -> Sequence[Job]:
    """Return the last jobs that ended, newest first."""
    is_over = Job.state.not_in(ACTIVE) & Job.resume_at.is_(None)
    return _jobs(_query(is_over).order_by(Job.id.desc()).limit(SHOWN))


def asking_jobs() -> Sequence[Job]:
    """Return the jobs that wait for an answer of a user, oldest first."""
    return _jobs(_query(IS_ASKING).order_by(Job.id))


def imports_with_problems() -> Sequence[Job]:
    """Return the last import of each source if it failed or ended with problems, newest first.

    An import that was undone is left out.
    """
    imports = aliased(Job)
    of_source = select(imports.id).where(imports.source_id == Source.id, imports.kind == Kind.IMPORT)
    last = select(of_source.order_by(imports.id.desc()).limit(1).scalar_subquery()).select_from(Source)
    query = _query(Job.id.in_(last), HAS_PROBLEMS, ~Job.undone_by.any()).order_by(Job.id.desc())
    return [job for job in _jobs(query.limit(SHOWN + 1)) if not job.asks][:SHOWN]


def waiting_jobs() -> Sequence[Job]:
    """Return the stopped jobs that resume automatically, the next one first."""
    return _jobs(_query(Job.resume_at.is_not(None)).order_by(Job.resume_at).limit(SHOWN))


def scheduled_sources() -> Sequence[Source]:
    """Return the sources with the next scheduled imports, the next one first."""
    query = select(Source).options(joinedload(Source.repository)).where(Source.due_at.is_not(None))
    return db.session.scalars(query.order_by(Source.due_at, Source.id).limit(SHOWN)).all()


def last_imports(limit: int) -> Sequence[Job]:
    """Return the last imports that ended, oldest first."""
    is_over = (Job.kind == Kind.IMPORT) & Job.ended_at.is_not(None) & Job.state.not_in(ACTIVE)
    return _jobs(_query(is_over).order_by(Job.id.desc()).limit(limit))[::-1]


def _query(*conditions: ColumnElement[bool]) -> Select[Job]:
    its_source = joinedload(Job.source).joinedload(Source.repository)
    return select(Job).options(its_source, selectinload(Job.undone_by)).where(*conditions)


def _jobs(query: Select[Job]) -> Sequence[Job]:
    return db.session.scalars(query).all()


def _count(condition: ColumnElement[bool]) -> int:
    return count_rows(JOB, condition)
