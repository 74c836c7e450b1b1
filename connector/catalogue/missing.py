"""Items that are missing at the source (withdrawn, not public, superseded or deleted), and the actions for them.

Only users start these actions. Hidden items stay in the catalogue but not in its lists. An item that a user deleted
returns with a later import if it is public at the source again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, delete, literal_column, select, update

from ..accounts import audit
from ..dspace.records import SourceState
from ..extensions import count_rows, db, execute_counted, transaction
from ..models.catalogue import FILE, ITEM, MEMBERSHIP, CatalogueItem
from ..models.changes import CHANGE
from ..pagination import Order
from ..storage.garbage_collection import check_disk, delete_unreferenced_files
from .job_changes import clear_before

ITEMS_PER_TRANSACTION = 200
# Equal to the expression in the partial index `ix_item_gone`. Databases do not use the index for a bound value.
_STATE_SINCE = literal_column("coalesce(item.state_since, '0001-01-01 00:00:00.000000')", DateTime)
LAST_NOTICED_FIRST = Order((_STATE_SINCE, CatalogueItem.id), is_descending=True)
IS_LISTED = (ITEM.c.source_state != literal_column("'present'")) | ITEM.c.is_hidden


@dataclass(frozen=True, slots=True)
class MissingSelection:
    """A selection from the list of missing items: by ids (None for all) and by repository (None for any)."""

    item_ids: tuple[int, ...] | None = None
    repository_id: int | None = None

    def conditions(self) -> list[Any]:
        """Return SQL conditions on the item table. Hidden items stay selectable when they are at the source again."""
        found: list[ColumnElement[bool]] = [IS_LISTED]
        if self.item_ids is not None:
            found.append(ITEM.c.id.in_(self.item_ids))
        if self.repository_id is not None:
            # The sum keeps SQLite from reading all items of the repository instead of the partial index `ix_item_gone`.
            found.append(ITEM.c.repository_id + 0 == self.repository_id)
        return found

    def ids(self) -> Select[int]:
        """Return a SELECT of the ids of the selected items."""
        return select(ITEM.c.id).where(*self.conditions())

    def gone(self) -> list[Any]:
        """Return the conditions for items that are missing at the source.

        Only these can be deleted, because an import may be writing the others.
        """
        return [*self.conditions(), ITEM.c.source_state != SourceState.PRESENT]


def missing_items(chosen: MissingSelection) -> Select[Any]:
    """Return a SELECT of the selected items, the last ones noticed first."""
    return LAST_NOTICED_FIRST.sort(select(CatalogueItem).where(*chosen.conditions()))


def set_hidden(chosen: MissingSelection, is_hidden: bool) -> int:
    """Hide the selected items from lists, search, item sets and exports, or show them again. Return their number."""
    changed = (*chosen.conditions(), ITEM.c.is_hidden.is_not(is_hidden))
    with transaction():
        number = execute_counted(update(ITEM).where(*changed).values(is_hidden=is_hidden))
        audit.note("hide" if is_hidden else "show again", items=number)
        return number


def preview(chosen: MissingSelection) -> dict[str, int]:
    """Return the numbers of items, stored files and memberships that `remove` would delete."""
    return numbers(select(ITEM.c.id).where(*chosen.gone()))


def numbers(ids: Select[Any]) -> dict[str, int]:
    """Return how many items, stored files and memberships belong to a SELECT of item ids."""
    return {
        "items": count_rows(ids.subquery()),
        "files": count_rows(FILE, FILE.c.item_id.in_(ids), FILE.c.sha256.is_not(None)),
        "memberships": count_rows(MEMBERSHIP, MEMBERSHIP.c.item_id.in_(ids)),
    }


def removable(chosen: MissingSelection) -> Select[Any]:
    """Return a SELECT of the items that `remove` would delete, the last ones noticed first."""
    return LAST_NOTICED_FIRST.sort(select(CatalogueItem).where(*chosen.gone()))


def remove(chosen: MissingSelection) -> int:
    """Delete the selected items that are missing at the source, with files and memberships. Return their number.

    Raise StorageError if the files folder is unavailable.
    """
    check_disk()
    removed = 0
    while True:
        with transaction():
            ids = db.session.scalars(select(ITEM.c.id).where(*chosen.gone()).limit(ITEMS_PER_TRANSACTION)).all()
            delete_items(ids)
            if ids:
                audit.note("remove", "gone at the source", items=len(ids))
        if not ids:
            break
        removed += len(ids)
    delete_unreferenced_files()
    return removed


def delete_items(item_ids: Collection[int]) -> None:
    """Delete items and, by foreign keys, their files, holdings and memberships. The caller owns the transaction.

    Their changes stay as rows of the jobs, without an item. The state to restore is cleared: an undo no longer needs it
    (design rule 1), and the files in it can be deleted.
    """
    clear_before(CHANGE.c.item_id.in_(item_ids))
    db.session.execute(delete(ITEM).where(ITEM.c.id.in_(item_ids)))
