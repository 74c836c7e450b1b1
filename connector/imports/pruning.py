"""Forgets what items were before runs of long ago, so that the history does not grow for ever.

An undo restores from these states: after that it can only remove what the import added. Small transactions each, so
that nobody waits for them, and any number of workers may do it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import ColumnElement, exists, func, select, update

from ..catalogue.leftovers import collect_bytes
from ..catalogue.models import Change
from ..extensions import db, transaction, utcnow
from . import told
from .models import ACTIVE, ImportJob, Kind

CHANGE, JOB = Change.__table__, ImportJob.__table__
BATCH = 200
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many states of items were forgotten, how many stored files with them, and what how many previews told."""

    states: int
    files: int
    previews: int


def prune() -> Pruned:
    """Forget what the settings KEEP_RUNS and KEEP_DAYS do not keep, and what previews told that ended a day ago."""
    states = sum(_forget(job_id) for job_id in _due())
    files = collect_bytes() if states else 0
    return Pruned(states, files, told.forget_before(utcnow() - A_DAY))


def _due() -> list[int]:
    """The imports whose states are no longer kept: older than the last runs of their source, and than the days."""
    runs, days = current_app.config["KEEP_RUNS"], timedelta(days=current_app.config["KEEP_DAYS"])
    if runs == 0:
        return []
    place = func.row_number().over(partition_by=JOB.c.source_id, order_by=JOB.c.id.desc()).label("place")
    ranked = select(JOB.c.id, place).where(JOB.c.kind == Kind.IMPORT, JOB.c.state.not_in(ACTIVE)).subquery()
    query = select(JOB.c.id).join(ranked, ranked.c.id == JOB.c.id).where(ranked.c.place > runs)
    old = query.where(JOB.c.pruned.is_(None), JOB.c.ended < utcnow() - days)
    ids = list(db.session.scalars(old.order_by(JOB.c.id)))
    db.session.rollback()
    return ids


def _forget(job_id: int) -> int:
    """Forget the states before an import, and note so; gives how many there were. Not while it is at work or undone."""
    at_rest = (JOB.c.id == job_id, JOB.c.state.not_in(ACTIVE), ~_undo_began())
    forgotten = 0
    while True:
        kept = select(CHANGE.c.id).where(CHANGE.c.job_id == job_id, CHANGE.c.before.is_not(None)).limit(BATCH)
        with transaction():
            statement = update(CHANGE).where(CHANGE.c.id.in_(kept), exists().where(*at_rest)).values(before=None)
            number = db.session.execute(statement).rowcount
            if not number:
                db.session.execute(update(JOB).where(*at_rest).values(pruned=utcnow()))
                return forgotten
        forgotten += number


def _undo_began() -> ColumnElement[bool]:
    undo = JOB.alias()
    return exists().where(undo.c.undoes_id == JOB.c.id)
