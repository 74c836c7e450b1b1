"""Marks restricted content: items, values and files that a signed-out reader cannot see.

A changed mark alone does not count as an update of the item. Each run that sees the item updates the mark (design rule
16).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from ...catalogue import marks
from ...catalogue.repository_context import RepositoryContext
from ...catalogue.restricted_values import Shown
from ...catalogue.store import Saved
from ...dspace.records import Item, Scope
from ...dspace.visibility import OpenItems
from ...extensions import db
from ...models.catalogue import ITEM
from ...repositories.login_guard import LoginGuard


class Restrictions:
    """The restriction marks of one import.

    `prepare` asks the repository. `mark` writes inside the caller's transaction.
    """

    def __init__(self, repository: RepositoryContext, scope: Scope):
        self._repository, self._scope = repository, scope
        mine = ITEM.c.repository_id == repository.id
        has_mark = ITEM.c.is_restricted | ITEM.c.restricted_search_text.is_not(None)
        self._are_any = db.session.scalar(select(ITEM.c.id).where(mine, has_mark).limit(1)) is not None
        self._is_signed_in = False
        self._open: OpenItems = {}  # for the items to be recorded next (see `LoginGuard.open_items`)

    def prepare(self, access: LoginGuard, items: Sequence[Item]) -> None:
        """Ask the repository what a signed-out reader sees of these items. No transaction may be open."""
        self._is_signed_in = access.is_signed_in
        self._open = access.open_items(self._scope, items)

    def mark(self, saved: Sequence[Saved]) -> None:
        """Set or clear the restriction marks of these items."""
        self._are_any = self._are_any or self._is_signed_in
        if self._are_any:
            self._mark_items(saved)
            marks.mark(self._repository, self._public_contents(saved))

    def _mark_items(self, saved: Sequence[Saved]) -> None:
        closed = [s.item_id for s in saved if s.item.id not in self._open]
        opened = [s.item_id for s in saved if s.item.id in self._open]
        for ids, is_restricted in ((closed, True), (opened, False)):
            moved = (ITEM.c.id.in_(ids), ITEM.c.is_restricted.is_not(is_restricted))
            db.session.execute(update(ITEM).where(*moved).values(is_restricted=is_restricted))

    def _public_contents(self, saved: Sequence[Saved]) -> dict[int, Shown]:
        """Return what a signed-out reader sees of these items, by their ids in the catalogue.

        All that a signed-out run has read is open. The marks of what it has not read stay unchanged.
        """
        if not self._is_signed_in:
            read = [s for s in saved if s.item.metadata is not None]
            return {s.stored_id: Shown(s.item.metadata, _ids(s.item)) for s in read}
        return {s.stored_id: self._public_content(s.item) for s in saved}

    def _public_content(self, item: Item) -> Shown:
        """Return what a signed-out reader sees of an item that a signed-in run has read.

        Files count as restricted if it is unknown whether they are open.
        """
        shown = self._open.get(item.id)
        files = _ids(shown) if shown else None
        metadata = shown.metadata if shown else None
        return Shown(metadata, set() if files is None and item.bitstreams is not None else files)


def _ids(item: Item) -> set[str] | None:
    """Return the ids of the files of an item, or None if the files were not read."""
    return None if item.bitstreams is None else {file.id for file in item.bitstreams}
