"""Gone at the source: the items that are withdrawn, hidden, superseded or vanished there, and what a person does then.

Nothing here happens by itself. Hidden items stay in the catalogue and out of its lists; removed ones come again with a
later import if they come back at the source.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import DateTime, Select, delete, func, literal_column, select, update

from ..accounts import audit
from ..dspace.records import SourceState
from ..extensions import db, transaction
from ..models.catalogue import CatalogueFile, CatalogueItem, Change, Membership
from ..pagination import Order
from ..storage.garbage_collection import check_disk, delete_unreferenced_files

ITEM, FILE, CHANGE = CatalogueItem.__table__, CatalogueFile.__table__, Change.__table__
BATCH = 200
# As the partial index `ix_item_gone` names it: with a bound value no database would use the index.
_STATE_SINCE = literal_column("coalesce(item.state_since, '0001-01-01 00:00:00.000000')", DateTime)
LAST_NOTICED_FIRST = Order((_STATE_SINCE, CatalogueItem.id), is_descending=True)
IS_LISTED = (ITEM.c.source_state != literal_column("'present'")) | ITEM.c.is_hidden


@dataclass(frozen=True, slots=True)
class MissingSelection:
    """Items of the list: these (None: all), of this repository (None: of any)."""

    item_ids: tuple[int, ...] | None = None
    repository_id: int | None = None

    def conditions(self) -> list[Any]:
        """As SQL conditions on the item table. What is hidden stays in the list when it comes back at the source."""
        found = [IS_LISTED]
        if self.item_ids is not None:
            found.append(ITEM.c.id.in_(self.item_ids))
        if self.repository_id is not None:
            found.append(ITEM.c.repository_id == self.repository_id)
        return found

    def gone(self) -> list[Any]:
        """Those of them that are gone: only these can be removed, as an import may be at work on the others."""
        return [*self.conditions(), ITEM.c.source_state != SourceState.PRESENT]


def listed(chosen: MissingSelection) -> Select[Any]:
    """A SELECT of these items, those noticed last first."""
    return LAST_NOTICED_FIRST.sort(select(CatalogueItem).where(*chosen.conditions()))


def set_hidden(chosen: MissingSelection, is_hidden: bool) -> int:
    """Hide these items from lists, search, item sets and exports, or show them again; gives how many it concerned."""
    changed = (*chosen.conditions(), ITEM.c.is_hidden.is_not(is_hidden))
    with transaction():
        number = db.session.execute(update(ITEM).where(*changed).values(is_hidden=is_hidden)).rowcount
        audit.note("hide" if is_hidden else "show again", items=number)
        return number


def preview(chosen: MissingSelection) -> dict[str, int]:
    """What removing these will remove, in numbers: items, stored files, places in item sets."""
    return numbers(select(ITEM.c.id).where(*chosen.gone()))


def numbers(ids: Select[Any]) -> dict[str, int]:
    """How many items, stored files and places in item sets go with the items of a SELECT of ids."""
    stored = (CatalogueFile.item_id.in_(ids), CatalogueFile.is_stored)
    return {
        "items": db.session.scalar(select(func.count()).select_from(ids.subquery())),
        "files": db.session.scalar(select(func.count(CatalogueFile.id)).where(*stored)),
        "memberships": db.session.scalar(select(func.count(Membership.id)).where(Membership.item_id.in_(ids))),
    }


def remove(chosen: MissingSelection) -> int:
    """Remove those of these items that are gone at the source, with files and memberships; gives how many.

    Raises StorageError while the files folder is away.
    """
    check_disk()
    removed = 0
    while True:
        with transaction():
            ids = db.session.scalars(select(ITEM.c.id).where(*chosen.gone()).limit(BATCH)).all()
            delete_items(ids)
            if ids:
                audit.note("remove", "gone at the source", items=len(ids))
        if not ids:
            break
        removed += len(ids)
    delete_unreferenced_files()
    return removed


def delete_items(item_ids: Collection[int]) -> None:
    """Delete items, and by foreign key their files, holdings and memberships. The caller owns the transaction.

    Their changes stay as rows of their jobs without an item; they have nothing to restore any more (design rule 1),
    and must not keep bytes alive.
    """
    db.session.execute(update(CHANGE).where(CHANGE.c.item_id.in_(item_ids)).values(before=None))
    db.session.execute(delete(ITEM).where(ITEM.c.id.in_(item_ids)))
