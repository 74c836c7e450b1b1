"""The items that a preview of publishing names: the first of those to create, to adopt and to change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, literal, select

from ..catalogue.item_problems import TITLE_IS_RESTRICTED
from ..extensions import count_rows, db
from ..models.catalogue import ITEM
from ..models.jobs import Job
from ..models.publishing import PREVIEWED_ITEM

MOST = 100  # of each action
ACTIONS = ("added", "adopted", "updated")


@dataclass(frozen=True, slots=True)
class Group:
    """The named items of one action, as rows of `id`, `title`, `source_id` and `handle`. `count`: of all its items."""

    action: str
    count: int
    items: Sequence[Any]


def add(job_id: int, actions: Iterable[tuple[int, str]]) -> None:
    """Store which action is to be taken with items, inside the caller's transaction. `actions`: (item id, action)."""
    wanted: dict[str, list[int]] = {}
    for item_id, action in actions:
        wanted.setdefault(action, []).append(item_id)
    for action in wanted.keys() & set(ACTIONS):
        mine = (PREVIEWED_ITEM.c.job_id == job_id, PREVIEWED_ITEM.c.action == action)
        left = MOST - count_rows(PREVIEWED_ITEM, *mine)
        # An undo may have removed an item from the catalogue in the meantime.
        items = select(literal(job_id), ITEM.c.id, literal(action)).where(ITEM.c.id.in_(wanted[action]))
        rows = items.order_by(ITEM.c.id).limit(left)
        db.session.execute(insert(PREVIEWED_ITEM).from_select(["job_id", "item_id", "action"], rows))


def groups(job: Job, *, with_restricted: bool) -> list[Group]:
    """Return the named items by action. `with_restricted`: also those whose title only signed-in users may see."""
    columns = (ITEM.c.id, ITEM.c.title, ITEM.c.source_id, ITEM.c.handle, PREVIEWED_ITEM.c.action)
    named = (
        select(*columns)
        .join(PREVIEWED_ITEM, PREVIEWED_ITEM.c.item_id == ITEM.c.id)
        .where(PREVIEWED_ITEM.c.job_id == job.id)
    )
    shown = named if with_restricted else named.where(~TITLE_IS_RESTRICTED)
    found: dict[str, list[Any]] = {}
    for row in db.session.execute(shown.order_by(ITEM.c.id)):
        found.setdefault(row.action, []).append(row)
    return [Group(action, job.counts[action], found[action]) for action in ACTIONS if action in found]
