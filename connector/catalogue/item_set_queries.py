"""Queries for the pages that list item sets, and names that tell sets with the same name apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from ..errors import NotFoundError
from ..extensions import db
from ..i18n import gettext as _
from ..models.catalogue import CatalogueItem, ItemSet, Membership


def get(item_set_id: int) -> ItemSet:
    """Return the item set. Raise NotFoundError if there is none."""
    item_set = db.session.get(ItemSet, item_set_id)
    if item_set is None:
        raise NotFoundError(_("There is no item set %(item_set_id)s.", item_set_id=item_set_id))
    return item_set


def every() -> Sequence[ItemSet]:
    """Return all item sets, by name."""
    return db.session.scalars(select(ItemSet).order_by(ItemSet.name, ItemSet.id)).all()


def of_item(item_id: int) -> Sequence[ItemSet]:
    """Return the item sets of an item, by name."""
    inside = select(Membership.item_set_id).where(Membership.item_id == item_id)
    return db.session.scalars(select(ItemSet).where(ItemSet.id.in_(inside)).order_by(ItemSet.name, ItemSet.id)).all()


def counts(item_set_ids: Sequence[int], *, with_restricted: bool) -> dict[int, int]:
    """Return the number of visible items in each of these sets, by set id. Empty sets are left out."""
    unlisted = CatalogueItem.is_hidden if with_restricted else CatalogueItem.is_hidden | CatalogueItem.is_restricted
    query = select(Membership.item_set_id, func.count(Membership.item_id.distinct())).where(
        Membership.item_set_id.in_(item_set_ids),
        Membership.item_id.not_in(select(CatalogueItem.id).where(unlisted)),
    )
    return {row[0]: row[1] for row in db.session.execute(query.group_by(Membership.item_set_id))}


def labels(item_sets: Iterable[Any]) -> dict[int, str]:
    """Return a name for each of these sets, by id. Each set needs `id`, `name` and `origin`."""
    rows = list(item_sets)
    if not rows:
        return {}
    shared = select(ItemSet.name).group_by(ItemSet.name).having(func.count() > 1)
    names = set(db.session.scalars(shared))  # read all: a list of hundreds of names costs more than the short index
    return {row.id: _name_with_id(row) if row.name in names else row.name for row in rows}


def _name_with_id(row: Any) -> str:
    handle = row.origin.partition(":")[2] if row.origin else ""
    number = _("set %(number)s", number=row.id)
    return f"{row.name} ({', '.join(filter(None, (handle, number)))})"
