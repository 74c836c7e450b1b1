"""Takes items out of the item sets of collections that they have left at the source.

Items leave only the sets of collections that this job has read completely. DSpace 7 and later name the collection of
each item, and OAI-PMH names all of them. In older versions an item belongs to the collections that list it, and a
collection that cannot be read lists none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import delete, exists, select

from ...catalogue.job_changes import insert_changes, update_changes
from ...dspace.records import ScopeKind
from ...errors import ConnectorError
from ...extensions import count_rows, db
from ...models.catalogue import HOLDING, ITEM, MEMBERSHIP, ItemSet
from ...models.changes import CHANGE, Action
from ..context.import_context import ImportContext
from ..recording.change_records import ABOUT_DATA
from ..results import import_report

PAGE_SIZE = 200  # memberships
NAMES_COLLECTION = 7  # the first generation whose items name their collection


def unread_sets(context: ImportContext) -> set[int] | None:
    """Return the ids of sets whose collection this job could not read completely, or None if any set may be unread."""
    server = context.repository.server
    if server.generation >= NAMES_COLLECTION or server.speaks_oai:
        return set()
    if import_report.nameless_failures(context.job_id):
        return None
    found = _sets_without_items(context)
    db.session.rollback()
    return {set_id for set_id, name in found.items() if not _is_empty(context, name)}


def leave_sets(context: ImportContext, unread: Collection[int]) -> None:
    """Take items out of the sets of collections that they have left, inside the caller's transaction.

    Sets made by hand stay unchanged. `unread`: see `unread_sets`. Their items stay.
    """
    ended = _ended_memberships(context, unread)
    for start in range(0, len(ended), PAGE_SIZE):
        page = ended[start : start + PAGE_SIZE]
        groups: dict[int, dict[str, Any]] = {}
        for row in page:
            groups.setdefault(row.item_id, {})[f"set:{row.item_set_id}:{context.source_id}"] = row.job_id
        _record(context.job_id, groups)
        db.session.execute(delete(MEMBERSHIP).where(MEMBERSHIP.c.id.in_([row.id for row in page])))


def items_without_set(context: ImportContext) -> int:
    """Return how many items of the source are in no set, since their collection cannot be read."""
    if not context.options.item_set_from_collection:
        return 0
    inside = exists().where(MEMBERSHIP.c.item_id == HOLDING.c.item_id, MEMBERSHIP.c.source_id == context.source_id)
    return count_rows(HOLDING, HOLDING.c.source_id == context.source_id, HOLDING.c.left_at.is_(None), ~inside)


def _ended_memberships(context: ImportContext, unread: Collection[int] = ()) -> Sequence[Any]:
    """Return the memberships that ended: this job found the items in other collections only.

    Memberships of failed items and those in `unread` sets are left out.
    """
    if not context.options.item_set_from_collection:
        return []
    source_id, job_id, other = context.source_id, context.job_id, MEMBERSHIP.alias()
    mine = (MEMBERSHIP.c.source_id == source_id, MEMBERSHIP.c.last_seen_job_id.is_distinct_from(job_id))
    met = (other.c.item_id == MEMBERSHIP.c.item_id, other.c.source_id == source_id)
    failed = (CHANGE.c.job_id == job_id, CHANGE.c.action == Action.FAILED)
    query = select(MEMBERSHIP).join(ItemSet, ItemSet.id == MEMBERSHIP.c.item_set_id)
    query = query.where(*mine, ItemSet.origin.is_not(None), exists().where(*met, other.c.last_seen_job_id == job_id))
    query = query.where(~exists().where(*failed, CHANGE.c.item_id == MEMBERSHIP.c.item_id))
    query = query.where(MEMBERSHIP.c.item_set_id.not_in(unread)) if unread else query
    return db.session.execute(query.order_by(MEMBERSHIP.c.id)).all()


def _sets_without_items(context: ImportContext) -> dict[int, str]:
    """Return the collections that items seem to have left and in which this job found no item, by set id.

    Each collection is given by its handle, or by its id if it has no handle.
    """
    ids = {row.item_set_id for row in _ended_memberships(context)}
    met = exists().where(MEMBERSHIP.c.item_set_id == ItemSet.id, MEMBERSHIP.c.last_seen_job_id == context.job_id)
    rows = db.session.execute(select(ItemSet.id, ItemSet.origin).where(ItemSet.id.in_(ids), ~met)).all()
    return {row.id: row.origin.partition(":")[2] for row in rows}


def _is_empty(context: ImportContext, name: str) -> bool:
    """Return whether the collection with this handle or id can be read and has no items."""
    try:
        scope = context.access.read_with_valid_login(partial(context.client.find, ScopeKind.COLLECTION, name))
        return context.client.collection(scope.id).item_count == 0
    except ConnectorError:
        return False


def _record(job_id: int, groups: Mapping[int, dict[str, Any]]) -> None:
    """Record earlier memberships for an undo, in the changes of this job or in new ones. `groups`: by item id."""
    query = select(CHANGE.c.id, CHANGE.c.item_id, CHANGE.c.before)
    query = query.where(CHANGE.c.job_id == job_id, CHANGE.c.item_id.in_(groups), CHANGE.c.action.in_(ABOUT_DATA))
    recorded = {row.item_id: row for row in db.session.execute(query)}
    update_changes({row.id: {"before": groups[item_id] | (row.before or {})} for item_id, row in recorded.items()})
    names = [ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")]
    new = select(ITEM.c.id.label("item_id"), *names).where(ITEM.c.id.in_(groups.keys() - recorded.keys()))
    common = {"job_id": job_id, "action": Action.TOUCHED.value, "reason": ""}
    items = db.session.execute(new.order_by(ITEM.c.id)).mappings()
    insert_changes([{**common, **item, "before": groups[item["item_id"]]} for item in items])
