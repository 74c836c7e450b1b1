"""What a job did to items, in the order in which it did so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, tuple_

from ..models.catalogue import Action, Change
from ..row_ids import MOST

_KEY = (Change.job_id, Change.action, Change.id)


def of_job(query: Select[Any], job_id: int, action: Action) -> Select[Any]:
    """Return the query with only the changes of this kind, in order, as the index `ix_change_job` has them.

    With equal signs, PostgreSQL may read all changes in the order of their ids until it meets the first of this kind.
    """
    first, last = (tuple_(job_id, action.value, number) for number in (0, MOST))
    return query.where(tuple_(*_KEY) > first, tuple_(*_KEY) < last).order_by(*_KEY)
