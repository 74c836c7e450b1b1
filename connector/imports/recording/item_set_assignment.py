"""Adds imported items to an item set: an existing one, a new one, or one for each DSpace collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert, or_, select, update

from ... import dspace
from ...catalogue.repository_context import RepositoryContext
from ...catalogue.source_links import scope_link
from ...characters import storable
from ...dspace.records import Collection, Item, Scope, ScopeKind
from ...errors import AddressNotAllowedError, RepositoryError
from ...extensions import db
from ...i18n import gettext as _
from ...models.catalogue import MEMBER, MEMBERSHIP, ItemSet
from ..import_options import ImportOptions


class ItemSetAssigner:
    """Assignment of the items of one import to item sets, as its options say."""

    def __init__(
        self, job_id: int, source_id: int, scope: Scope, repository: RepositoryContext, options: ImportOptions
    ):
        self._job_id, self._source_id, self._scope, self._repository = job_id, source_id, scope, repository
        self._name, self._set_id = options.item_set, options.item_set_id
        self._mirrors = options.item_set_from_collection
        self._collections: dict[str, Collection] = {}
        self._sets: dict[str, int] = {}

    def prepare(self, client: dspace.Client, items: Iterable[Item]) -> None:
        """Read the texts of new collections from the repository. No transaction may be open."""
        if not self._mirrors:
            return
        for collection in map(self._collection_of, items):
            if collection and (origin := self._origin(collection)) not in self._collections:
                self._collections[origin] = _with_texts(client, collection)

    def add(self, pairs: Sequence[tuple[Item, int]]) -> None:
        """Add items, given as (item, catalogue id), to their sets, and record that this job found them there.

        Use inside the caller's transaction.
        """
        self._forget_deleted()
        by_set: dict[int, list[int]] = {}
        for item, item_id in pairs:
            set_id = self._set_for(item)
            if set_id is not None:
                by_set.setdefault(set_id, []).append(item_id)
        for set_id, item_ids in by_set.items():
            self._add(set_id, item_ids)

    def _add(self, set_id: int, item_ids: list[int]) -> None:
        ours = (MEMBERSHIP.c.item_set_id == set_id, MEMBERSHIP.c.source_id == self._source_id)
        inside = select(MEMBERSHIP.c.item_id).where(*ours, MEMBERSHIP.c.item_id.in_(item_ids))
        removed = select(MEMBER.c.item_id).where(MEMBER.c.item_set_id == set_id, MEMBER.c.item_id.in_(item_ids))
        left_out = set(db.session.scalars(inside.union_all(removed)))
        common = {"item_set_id": set_id, "source_id": self._source_id, "job_id": self._job_id}
        rows = [common | {"item_id": item_id} for item_id in item_ids if item_id not in left_out]
        if rows:
            db.session.execute(insert(MEMBERSHIP), rows)
        if self._mirrors:
            met = (
                *ours,
                MEMBERSHIP.c.item_id.in_(item_ids),
                MEMBERSHIP.c.last_seen_job_id.is_distinct_from(self._job_id),
            )
            db.session.execute(update(MEMBERSHIP).where(*met).values(last_seen_job_id=self._job_id))

    def _forget_deleted(self) -> None:
        """Forget the sets that a person has deleted, and keep the others from being deleted until the commit."""
        known = select(ItemSet.id).where(ItemSet.id.in_(self._sets.values()))
        held = set(db.session.scalars(known.with_for_update(read=True, key_share=True))) if self._sets else set()
        self._sets = {key: set_id for key, set_id in self._sets.items() if set_id in held}

    def _set_for(self, item: Item) -> int | None:
        if self._name:
            # The set that was chosen may be deleted, and an earlier run may have made it again under its name.
            wanted = or_(ItemSet.id == self._set_id, ItemSet.name == self._name)
            return self._find_or_make(self._name, wanted, lambda: ItemSet(name=self._name, job_id=self._job_id))
        collection = self._collection_of(item) if self._mirrors else None
        if collection is None:
            return None
        origin = self._origin(collection)
        return self._find_or_make(origin, ItemSet.origin == origin, lambda: self._mirror(origin))

    def _find_or_make(self, key: str, condition: Any, make: Any) -> int:
        if key not in self._sets:
            chosen_first = (ItemSet.id == self._set_id).desc() if self._set_id else ItemSet.id
            item_set = db.session.scalars(select(ItemSet).where(condition).order_by(chosen_first, ItemSet.id)).first()
            if item_set is None:
                item_set = make()
                db.session.add(item_set)
            elif key in self._collections:
                _rename(item_set, storable(self._collections[key].name))
            db.session.flush()
            self._sets[key] = item_set.id
        return self._sets[key]

    def _mirror(self, origin: str) -> ItemSet:
        collection, server = self._collections[origin], self._repository.server
        kind = ScopeKind.COLLECTION
        return ItemSet(
            name=storable(collection.name) or _("Collection"),
            source_name=storable(collection.name) or None,
            description=storable(collection.description or collection.abstract),
            rights=storable(collection.rights),
            license=storable(collection.license),
            link=scope_link(server, kind, collection.id, collection.handle),
            origin=origin,
            job_id=self._job_id,
        )

    def _collection_of(self, item: Item) -> Collection | None:
        if item.collection is None and self._scope.kind is ScopeKind.COLLECTION:
            return Collection(self._scope.id, self._scope.handle, self._scope.name)
        return item.collection

    def _origin(self, collection: Collection) -> str:
        return f"{self._repository.id}:{collection.handle or collection.id}"


def _with_texts(client: dspace.Client, collection: Collection) -> Collection:
    """Return the collection with its texts, or without them if it cannot be read."""
    try:
        return client.collection(collection.id)
    except (RepositoryError, AddressNotAllowedError):
        return collection


def _rename(item_set: ItemSet, name: str | None) -> None:
    """Rename a set after its collection, unless a user has renamed it.

    A set made by an earlier version has no recorded collection name. Record the name now and keep the name of the set.
    """
    if name and name != item_set.source_name:
        if item_set.name == item_set.source_name:
            item_set.name = name
        item_set.source_name = name
