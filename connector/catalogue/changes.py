"""Queries for the changes that a job made to items, in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, tuple_

from ..models.catalogue import Action, Change
from ..row_ids import MOST

_KEY = (Change.job_id, Change.action, Change.id)


def of_job(query: Select[Any], job_id: int, action: Action) -> Select[Any]:
    """Return the query limited to the changes of this job and kind, in the order of the index `ix_change_job`.

    With equality conditions, PostgreSQL may scan all changes by id until it finds the first of this kind.
    """
    first, last = (tuple_(job_id, action.value, number) for number in (0, MOST))
    return query.where(tuple_(*_KEY) > first, tuple_(*_KEY) < last).order_by(*_KEY)
