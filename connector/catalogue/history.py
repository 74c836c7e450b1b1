"""The history of an item: the jobs that changed it, and what each of them changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..extensions import db
from ..models.catalogue import ITEM
from ..models.changes import Action, Change
from ..models.jobs import Job
from . import crosswalk_rules
from .crosswalk import crosswalk
from .differences import differences, of_mapped_values
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
    rules_after = db.session.scalars(select(ITEM.c.crosswalk_id).where(ITEM.c.id == item_id)).one()
    mine = (Change.item_id == item_id, Change.action.in_((Action.ADDED, Action.UPDATED)))
    query = select(Change, Job).join(Job, Job.id == Change.job_id).options(joinedload(Job.source))
    for change, job in db.session.execute(query.where(*mine).order_by(Change.id.desc())):
        groups = change.before or {}
        before, rules_before = groups.get("data"), groups.get("crosswalk", rules_after)
        found = before and differences(before, after)
        if found is None and rules_before != rules_after:
            metadata = after["source_metadata"]
            values = (crosswalk(metadata, crosswalk_rules.get(rules)) for rules in (rules_before, rules_after))
            found = of_mapped_values(*values)
        yield HistoryEntry(job, change.action == Action.ADDED, found)
        after, rules_after = before or after, rules_before
