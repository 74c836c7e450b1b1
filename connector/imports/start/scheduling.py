"""Automatic imports: the schedules of sources, and the start of due imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from flask import current_app
from sqlalchemy import Row, select, update

from ...accounts import audit
from ...actor import current_actor
from ...errors import InvalidInputError
from ...extensions import db, execute_counted, transaction, utcnow
from ...i18n import gettext as _
from ...jobs import creation, lifecycle
from ...jobs.schedule import Schedule
from ...models.jobs import ACTIVE, JOB, Kind
from ...models.repositories import SOURCE, Source
from ...repositories import service
from ..import_options import ImportOptions
from . import queueing


def find_source(text: str) -> Source:
    """Return the source with this number, handle or name.

    Raises InvalidInputError unless exactly one source matches.
    """
    every = db.session.scalars(select(Source).order_by(Source.id)).all()
    found = [source for source in every if text in (str(source.id), source.handle, source.name)]
    if not found:
        raise InvalidInputError(_("“%(text)s” names no source: see flask sources.", text=text))
    if len(found) > 1:
        raise InvalidInputError(_("“%(text)s” names more than one source: see flask sources.", text=text))
    return found[0]


def set_schedule(source_id: int, schedule: Schedule | None) -> None:
    """Set the schedule of this source, or delete it if None. The current user becomes the owner of its runs.

    Raises NotFoundError.
    """
    due = schedule.next_after(utcnow(), _zone()) if schedule else None
    with transaction():
        name = service.get_source(source_id).name
        kept = replace(schedule, owner=current_actor()).to_json() if schedule else None
        values = {"schedule": kept, "due_at": due}
        db.session.execute(update(SOURCE).where(SOURCE.c.id == source_id).values(values))
        audit.note("schedule", name, set=str(schedule) if schedule else "never")


def owners(source: Source) -> set[str]:
    """Return who may change the schedule in addition to administrators: its owner, and the owner of the first import.

    A user who only repeats an import does not become an owner.
    """
    first = select(JOB.c.owner).where(JOB.c.source_id == source.id, JOB.c.kind == Kind.IMPORT).order_by(JOB.c.id)
    schedule = Schedule.from_json(source.schedule)
    return {owner for owner in (schedule and schedule.owner, db.session.scalar(first.limit(1))) if owner}


def import_again(source_id: int, *, full: bool = False) -> int:
    """Queue an import of a source with the options and comment of the last one, and return its id.

    `full`: read every item. Raises NotFoundError.
    """
    source = service.get_source(source_id)
    return queueing.create(source_id, replace(next_options(source), full=full), comment=_last_comment(source_id))


def start_due(now: datetime | None = None) -> list[int]:
    """Queue the imports that are due and return the ids of their jobs. Of several workers, one queues each import.

    Several imports that were missed while the app was stopped are made up for by one, during the permitted hours.
    """
    now = now or utcnow()
    _fix_future_due_times(now)
    due = select(SOURCE.c.id, SOURCE.c.due_at).where(SOURCE.c.due_at <= now).order_by(SOURCE.c.due_at, SOURCE.c.id)
    rows = db.session.execute(due).all()
    started = [_start(row, now) for row in rows]
    return [job_id for job_id in started if job_id is not None]


def _fix_future_due_times(now: datetime) -> None:
    """Correct due times that are later than the schedule allows. The clock was ahead when they were computed."""
    rows = db.session.execute(
        select(SOURCE.c.id, SOURCE.c.due_at, SOURCE.c.schedule).where(SOURCE.c.due_at > now)
    ).all()
    db.session.rollback()
    for row in rows:
        schedule = Schedule.from_json(row.schedule)
        if schedule is not None and row.due_at > (latest := schedule.next_after(now, _zone())):
            with transaction():
                mine = (SOURCE.c.id == row.id, SOURCE.c.due_at == row.due_at)
                db.session.execute(update(SOURCE).where(*mine).values(due_at=latest))


def _start(row: Row[*tuple[Any, ...]], now: datetime) -> int | None:
    """Claim a source by changing its due time, and queue its import.

    Return None if another worker claimed it, if the time is outside its permitted hours, or if an import is active.
    """
    with transaction():
        source = db.session.get(Source, row.id)
        schedule = Schedule.from_json(source.schedule) if source else None
        if source is None or schedule is None:
            return None
        creation.lock_repository(source.repository_id)
        window, zone = schedule.window, _zone()
        is_open = window is None or window.is_open(now, zone)
        due = schedule.next_after(now, zone) if window is None or is_open else window.opening(now, zone)
        seen = update(SOURCE).where(SOURCE.c.id == row.id, SOURCE.c.due_at == row.due_at)
        claimed = execute_counted(seen.values(due_at=due))
        if not claimed or not is_open or _is_under_way(row.id):
            return None
        values: dict[str, Any] = {
            "scheduled": True,
            "owner": schedule.owner or current_actor(),
            "comment": _last_comment(row.id),
        }
        return creation.add(source, Kind.IMPORT.value, next_options(source), **values)


def _is_under_way(source_id: int) -> bool:
    """Return whether an import of the source is active, or waits for its permitted hours."""
    mine = (JOB.c.source_id == source_id, JOB.c.kind == Kind.IMPORT)
    active = JOB.c.state.in_(ACTIVE) | lifecycle.IS_WAITING
    return db.session.scalar(select(JOB.c.id).where(*mine, active).limit(1)) is not None


def next_options(source: Source) -> ImportOptions:
    """Return the options of the next import: those of the last one without `test`, as a test import is not repeated."""
    return ImportOptions.of(source).for_whole_scope()


def _last_comment(source_id: int) -> str:
    """Return the comment of the last import, or ""."""
    query = select(JOB.c.comment).where(JOB.c.source_id == source_id, JOB.c.kind == Kind.IMPORT)
    return db.session.scalar(query.order_by(JOB.c.id.desc()).limit(1)) or ""


def all_sources() -> Sequence[Source]:
    """Return every source, by repository and name."""
    return db.session.scalars(select(Source).order_by(Source.repository_id, Source.name, Source.id)).all()


def _zone() -> tzinfo:
    zone: tzinfo = current_app.config["TIMEZONE"]
    return zone
