"""Writes and reads single counters of jobs. `Job.counts` has all counters of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ..extensions import db
from ..models.jobs import COUNTER

KEY = (COUNTER.c.job_id, COUNTER.c.name)
INSERTS: dict[str, postgresql.Insert | sqlite.Insert] = {
    "postgresql": postgresql.insert(COUNTER),
    "sqlite": sqlite.insert(COUNTER),
}
ADD = {
    name: insert.on_conflict_do_update(index_elements=KEY, set_={"value": COUNTER.c.value + insert.excluded.value})
    for name, insert in INSERTS.items()
}
REPLACE = {
    name: insert.on_conflict_do_update(index_elements=KEY, set_={"value": insert.excluded.value})
    for name, insert in INSERTS.items()
}


def add(connection: Connection, job_id: int, numbers: Mapping[str, int]) -> None:
    """Add numbers to the counters of a job. A counter that the job does not have yet begins at 0."""
    _write(connection, ADD, job_id, {name: number for name, number in numbers.items() if number})


def replace(connection: Connection, job_id: int, numbers: Mapping[str, int]) -> None:
    """Set counters of a job to these numbers."""
    _write(connection, REPLACE, job_id, numbers)


def value(job_id: int, name: str) -> int:
    """Return a counter of a job as the database has it now."""
    return db.session.scalar(select(COUNTER.c.value).where(COUNTER.c.job_id == job_id, COUNTER.c.name == name)) or 0


def _write(connection: Connection, statements: Mapping[str, Any], job_id: int, numbers: Mapping[str, int]) -> None:
    if numbers:
        rows = [{"job_id": job_id, "name": name, "value": number} for name, number in numbers.items()]
        connection.execute(statements[connection.dialect.name], rows)
