"""Takes back one change of an item: restores the earlier state that the change holds (design rule 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, insert, select, update

from ..catalogue import earlier_states
from ..catalogue.job_changes import clear_before, update_changes
from ..catalogue.repository_context import RepositoryContext
from ..extensions import db
from ..models.catalogue import HOLDING, ITEM, ITEM_SET, MEMBER, MEMBERSHIP
from ..models.changes import CHANGE
from ..models.jobs import JOB, State

HOLDING_VALUES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "left": lambda group: {"left_at": group and datetime.fromisoformat(group)},
    "named": lambda group: {"is_named": group},
}


def take_back(repository: RepositoryContext, change: Any) -> bool:
    """Restore the earlier state that a change row holds, and delete that state from the row.

    A later change of the item takes over the earlier state instead. Return whether later changes took over all of it.
    """
    passed = [_take_back_group(repository, change, name, group) for name, group in change.before.items()]
    clear_before(CHANGE.c.id == change.id)
    return all(passed)


def _take_back_group(repository: RepositoryContext, change: Any, name: str, group: Any) -> bool:
    """Undo one group of a change.

    Return whether the next change with such a group took over the earlier value instead.
    """
    later = _next_change(change, name)
    if later is not None:
        update_changes({later.id: {"before": later.before | {name: group}}})
        return True
    if name == "data":
        earlier_states.restore_data(repository, change.item_id, group)
    elif name == "crosswalk":
        earlier_states.restore_crosswalk(repository, change.item_id, group)
    elif name == "last_modified":
        db.session.execute(update(ITEM).where(ITEM.c.id == change.item_id).values(last_modified=group))
    elif name == "state":
        since = group["state_since"]
        values = {"source_state": group["source_state"], "state_since": since and datetime.fromisoformat(since)}
        db.session.execute(update(ITEM).where(ITEM.c.id == change.item_id).values(values))
    elif name.startswith("set:"):
        set_id, source_id = map(int, name.split(":")[1:])
        _put_into_set(change.item_id, set_id, source_id, made_by=group)
    else:
        kind, holder = name.split(":")
        mine = (HOLDING.c.source_id == int(holder), HOLDING.c.item_id == change.item_id)
        db.session.execute(update(HOLDING).where(*mine).values(HOLDING_VALUES[kind](group)))
    return False


def _put_into_set(item_id: int, set_id: int, source_id: int, made_by: int | None) -> None:
    """Put an item back into a set that an import took it out of.

    Do nothing if the set is deleted, if the import that put it there is undone, or if a person has taken it out since.
    """
    is_undone = exists().where(JOB.c.undoes_id == made_by, JOB.c.state == State.COMPLETED)
    is_removed = exists().where(MEMBER.c.item_set_id == set_id, MEMBER.c.item_id == item_id)
    is_possible = (
        exists().where(ITEM_SET.c.id == set_id) & exists().where(JOB.c.id == made_by) & ~is_undone & ~is_removed
    )
    if db.session.scalar(select(is_possible)):
        membership = {"item_set_id": set_id, "item_id": item_id, "source_id": source_id}
        here = [MEMBERSHIP.c[column] == value for column, value in membership.items()]
        db.session.execute(delete(MEMBERSHIP).where(*here))
        db.session.execute(insert(MEMBERSHIP).values(membership | {"job_id": made_by}))


def _next_change(change: Any, name: str) -> Any:
    query = select(CHANGE.c.id, CHANGE.c.before).where(
        CHANGE.c.item_id == change.item_id, CHANGE.c.id > change.id, CHANGE.c.before.is_not(None)
    )
    return next((row for row in db.session.execute(query.order_by(CHANGE.c.id)) if name in row.before), None)
