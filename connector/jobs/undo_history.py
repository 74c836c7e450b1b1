"""Deletes what an undo of old jobs would restore. The settings say for how many jobs and days it is kept.

Each transaction is small, so that other transactions do not wait long. Several workers may run this at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, exists, func, select, update

from ..extensions import db, transaction, utcnow
from ..models.jobs import ACTIVE, JOB

ROWS_AT_ONCE = 200


def forget(kind: str, delete: Callable[[int, ColumnElement[bool]], int], *series: ColumnElement[Any]) -> int:
    """Delete what is no longer kept for jobs of a kind, mark them as pruned, and return how much was deleted.

    A job is due if it is older than the last UNDO_HISTORY_RUNS jobs of its series, and ended more than
    UNDO_HISTORY_DAYS ago. A job that is active or has an undo is skipped. `delete`: deletes up to ROWS_AT_ONCE rows of
    a job if a condition is true, and returns their number. `series`: the columns that are equal for jobs of a series.
    """
    return sum(_forget(job_id, delete) for job_id in _due(kind, series))


def _due(kind: str, series: tuple[ColumnElement[Any], ...]) -> list[int]:
    runs, days = current_app.config["UNDO_HISTORY_RUNS"], timedelta(days=current_app.config["UNDO_HISTORY_DAYS"])
    if runs == 0:
        return []
    place = func.row_number().over(partition_by=series, order_by=JOB.c.id.desc()).label("place")
    ranked = select(JOB.c.id, place).where(JOB.c.kind == kind, JOB.c.state.not_in(ACTIVE)).subquery()
    query = select(JOB.c.id).join(ranked, ranked.c.id == JOB.c.id).where(ranked.c.place > runs)
    old = query.where(JOB.c.pruned_at.is_(None), JOB.c.ended_at < utcnow() - days)
    ids = list(db.session.scalars(old.order_by(JOB.c.id)))
    db.session.rollback()
    return ids


def _forget(job_id: int, delete: Callable[[int, ColumnElement[bool]], int]) -> int:
    undo = JOB.alias()
    has_undo = exists().where(undo.c.undoes_id == JOB.c.id)
    at_rest = (JOB.c.id == job_id, JOB.c.state.not_in(ACTIVE), ~has_undo)
    forgotten = 0
    while True:
        with transaction():
            number = delete(job_id, exists().where(*at_rest))
            if not number:
                db.session.execute(update(JOB).where(*at_rest).values(pruned_at=utcnow()))
                return forgotten
        forgotten += number
