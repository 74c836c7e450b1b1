"""Queries for the pages that list item sets."""

from __future__ import annotations

from collections.abc import Sequence

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
