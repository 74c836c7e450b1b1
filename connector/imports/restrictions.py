"""Marks what only a login shows: items that a signed-out reader does not find, and values that he does not get.

The mark alone is no update. It follows the source with every run that looks at the item (design rule 16).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from ..catalogue import store
from ..catalogue.store import Place, Saved
from ..dspace.records import Item, Scope
from ..extensions import db
from .access import Access

ITEM = store.ITEM


class Restrictions:
    """The marks of one import. `prepare` asks the repository; `mark` writes, inside the caller's transaction."""

    def __init__(self, place: Place, scope: Scope):
        self._place, self._scope = place, scope
        mine = ITEM.c.repository_id == place.repository_id
        has_mark = ITEM.c.by_login | ITEM.c.restricted_search_text.is_not(None)
        self._are_any = db.session.scalar(select(ITEM.c.id).where(mine, has_mark).limit(1)) is not None
        self._is_signed_in = False
        self._open = {}  # of the items to be recorded next: see Access.open_items

    def prepare(self, access: Access, items: Sequence[Item]) -> None:
        """Ask what a signed-out reader finds of these items. No transaction may be open."""
        self._is_signed_in = access.is_signed_in
        self._open = access.open_items(self._scope, [item.id for item in items])

    def mark(self, saved: Sequence[Saved]) -> None:
        """Mark what only a login shows of these items, and unmark the rest."""
        self._are_any = self._are_any or self._is_signed_in
        if self._are_any:
            self._mark_items(saved)
            self._mark_values(saved)

    def _mark_items(self, saved: Sequence[Saved]) -> None:
        closed = [s.item_id for s in saved if s.item.id not in self._open]
        opened = [s.item_id for s in saved if s.item.id in self._open]
        for ids, by_login in ((closed, True), (opened, False)):
            moved = (ITEM.c.id.in_(ids), ITEM.c.by_login.is_not(by_login))
            db.session.execute(update(ITEM).where(*moved).values(by_login=by_login))

    def _mark_values(self, saved: Sequence[Saved]) -> None:
        """Mark values. What a signed-out run has read is open; what it only listed stays as it was."""
        if self._is_signed_in:
            open_values = {s.item_id: self._open.get(s.item.id) for s in saved}
        else:
            open_values = {s.item_id: s.item.metadata for s in saved if s.item.metadata is not None}
        store.restrict_values(self._place, open_values)
