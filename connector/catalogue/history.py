"""The history of an item: the jobs that changed it, and what each of them changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..extensions import db
from ..models.changes import Action, Change
from ..models.jobs import Job
from .differences import differences
from .earlier_states import data_groups


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """The change of an item by a job. `differences`: see `differences`, None if the state before it is not stored."""

    job: Job
    is_first: bool
    differences: dict[str, Any] | None


def of_item(item_id: int) -> Iterator[HistoryEntry]:
    """Yield the changes of an item by jobs, newest first.

    The state before a change is stored as long as the job can be undone. An item that a job added had no state before.
    """
    after = data_groups([item_id])[item_id]
    mine = (Change.item_id == item_id, Change.action.in_((Action.ADDED, Action.UPDATED)))
    query = select(Change, Job).join(Job, Job.id == Change.job_id).options(joinedload(Job.source))
    for change, job in db.session.execute(query.where(*mine).order_by(Change.id.desc())):
        before = (change.before or {}).get("data")
        yield HistoryEntry(job, change.action == Action.ADDED, before and differences(before, after))
        after = before or after
