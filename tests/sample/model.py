"""The sample repository as a whole, and how it changes.

Change it through the methods of `Repository`: they keep `last_modified` as real servers do, which do not move it when a
file is removed or an item is mapped elsewhere (measured on DSpace 9.3), and they drop what was cached for the item.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from .records import Bitstream, Bundle, Collection, Community, Given, Item, Thing, Value


def placed(name: str, given: Iterable[Given]) -> list[Value]:
    """Return the values of one field, numbered in order."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in given]
    return [Value(name, text, language, place=place) for place, (text, language) in enumerate(pairs)]


class Repository:
    """All of one sample DSpace. `lock` is held by the thread that reads or changes it; `changes` counts the changes.

    `clock` tells the time of changes; `site` is where people open it, for the handle URLs in the metadata.
    """

    def __init__(self, name: str = "Sample Repository", prefix: str = "123456789", site: str = "http://127.0.0.1:8765"):
        self.name, self.prefix, self.site = name, prefix, site.rstrip("/")
        self.communities: dict[str, Community] = {}
        self.collections: dict[str, Collection] = {}
        self.items: dict[str, Item] = {}
        self.bundles: dict[str, Bundle] = {}
        self.bitstreams: dict[str, Bitstream] = {}
        self.handles: dict[str, Thing] = {}
        self.numbered: dict[tuple[str, int], Thing | Bitstream] = {}  # by kind and the integer id of DSpace 4 and 5
        self.deleted: set[str] = set()  # bitstreams: 7 and later tell deleted from never there
        self.lock = threading.RLock()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.changes = 0
        self._numbers: dict[str, int] = {}
        self._last = datetime.min.replace(tzinfo=UTC)

    # -- making things

    def add_community(self, name: str, parent: Community | None = None, **texts: object) -> Community:
        number, handle = self._number("community"), self._handle()
        community = Community(self._uuid("community", number), number, handle, name, parent, **texts)
        return self._register(self.communities, community)

    def add_collection(self, name: str, parent: Community, **texts: object) -> Collection:
        number, handle = self._number("collection"), self._handle()
        collection = Collection(self._uuid("collection", number), number, handle, name, parent, **texts)
        return self._register(self.collections, collection)

    def add_item(
        self,
        collection: Collection,
        metadata: Iterable[tuple[str, Iterable[Given]]],
        handle: str | None = None,
    ) -> Item:
        """Add an item. `metadata`: (field, value) pairs. The date of accession and the handle URL are added."""
        with self.lock:
            number, handle = self._number("item"), handle or self._handle()
            when = self._now()
            item = Item(self._uuid("item", number), number, handle, collection, when, when)
            item.metadata = [value for name, given in metadata for value in placed(name, given)]
            stamp = when.strftime("%Y-%m-%dT%H:%M:%SZ")
            item.metadata += placed("dc.date.accessioned", [stamp]) + placed("dc.date.available", [stamp])
            item.metadata += placed("dc.identifier.uri", [f"{self.site}/handle/{handle}"])
            self._register(self.items, item)
            self._reindex(item, when)
            return item

    # -- changing them

    def edit(self, item: Item, name: str, given: Iterable[Given]) -> None:
        """Give one field new values. No values remove it."""
        with self.lock:
            item.metadata = [value for value in item.metadata if value.field != name] + placed(name, given)
            self._modified(item)

    def relate(self, item: Item, name: str, others: Iterable[Item], shown: str = "dc.contributor.author") -> None:
        """Give an item the relation `name` to others, as 7 and later write it: ids, and titles in the field `shown`.

        Both values of a relation have the same authority, as on DSpace 9.3. Without others, the relation ends.
        """
        with self.lock:
            pairs = [(other, f"virtual::{place + 1}") for place, other in enumerate(others)]
            item.metadata = [value for value in item.metadata if value.field not in (name, shown)]
            for place, (other, authority) in enumerate(pairs):
                item.metadata.append(Value(shown, other.name, None, authority, place=place))
                item.metadata.append(Value(name, other.uuid, None, authority, place=place))
            self._modified(item)

    def add_file(
        self,
        item: Item,
        name: str | None,
        content: bytes | memoryview,
        mimetype: str = "text/plain",
        bundle: str = "ORIGINAL",
        **more: object,
    ) -> Bitstream:
        """Add a file to the bundle with this name. Create the bundle if needed. `more`: members of `Bitstream`."""
        with self.lock:
            holder = next((one for one in item.bundles if one.name == bundle), None) or self._bundle(item, bundle)
            number = self._number("bitstream")
            more.setdefault("sequence", 1 + max([one.sequence for one in item.bitstreams], default=0))
            more.setdefault("checksum", hashlib.md5(content).hexdigest())
            bitstream = Bitstream(self._uuid("bitstream", number), number, name, content, mimetype, **more)
            bitstream.bundle = holder
            holder.bitstreams.append(bitstream)
            self.bitstreams[bitstream.uuid] = self.numbered["bitstream", number] = bitstream
            self._modified(item)
            return bitstream

    def add_logo(self, thing: Community | Collection, content: bytes, mimetype: str = "image/png") -> Bitstream:
        """Add a logo, without name and bundle and with sequence -1, as on real servers."""
        with self.lock:
            number = self._number("bitstream")
            logo = Bitstream(self._uuid("bitstream", number), number, None, content, mimetype)
            logo.checksum = hashlib.md5(content).hexdigest()
            thing.logo = self.bitstreams[logo.uuid] = self.numbered["bitstream", number] = logo
            self.changes += 1
            return logo

    def remove_file(self, item: Item, bitstream: Bitstream) -> None:
        """Remove a file. `last_modified` does not change, as in every DSpace."""
        with self.lock:
            bitstream.bundle.bitstreams.remove(bitstream)
            self._drop(bitstream)
            self._reindex(item, self._now())

    def embargo(self, bitstream: Bitstream, until: date | None = None) -> None:
        """Close a file to signed-out readers, for ever or until that day. `last_modified` does not change."""
        with self.lock:
            bitstream.readable, bitstream.embargo = False, until
            self._reindex(bitstream.bundle.item, self._now())

    def withdraw(self, item: Item) -> None:
        with self.lock:
            item.withdrawn, item.in_archive = True, False
            self._modified(item)

    def reinstate(self, item: Item) -> None:
        with self.lock:
            item.withdrawn, item.in_archive = False, True
            self._modified(item)

    def make_private(self, item: Item) -> None:
        """Remove an item from search and lists. It still opens by its id."""
        with self.lock:
            item.discoverable = False
            self._modified(item)

    def restrict(self, item: Item) -> None:
        """Close an item to signed-out readers."""
        with self.lock:
            item.readable = False
            self._modified(item)

    def move(self, item: Item, collection: Collection) -> None:
        with self.lock:
            item.collection = collection
            self._modified(item)

    def map_to(self, item: Item, collection: Collection) -> None:
        """Show an item in another collection, too. `last_modified` does not change."""
        with self.lock:
            item.mapped.append(collection)
            self._reindex(item, self._now())

    def delete(self, item: Item) -> None:
        with self.lock:
            for bitstream in item.bitstreams:
                self._drop(bitstream)
            for bundle in item.bundles:
                del self.bundles[bundle.uuid]
            self.handles.pop(item.handle, None)
            del self.items[item.uuid], self.numbered["item", item.number]
            self.changes += 1

    def delete_collection(self, collection: Collection) -> None:
        """Delete a collection with the items that it owns. Items mapped into it stay."""
        with self.lock:
            for item in [one for one in self.items.values() if one.collection is collection]:
                self.delete(item)
            for item in self.items.values():
                item.mapped = [home for home in item.mapped if home is not collection]
            del self.collections[collection.uuid], self.handles[collection.handle]
            del self.numbered["collection", collection.number]
            self.changes += 1

    def supersede(self, item: Item) -> Item:
        """Add a new version of an item, with the old handle plus `.2`. The old one leaves lists and stays readable."""
        with self.lock:
            inner = {"dc.date.accessioned", "dc.date.available", "dc.identifier.uri"}
            kept = [value for value in item.metadata if value.field not in inner]
            newer = self.add_item(item.collection, (), handle=f"{item.handle}.2")
            newer.metadata = kept + newer.metadata
            for old in item.bitstreams:
                self.add_file(newer, old.name, old.content, old.mimetype, old.bundle.name, description=old.description)
            item.in_archive = False
            self._modified(item)
            return newer

    # -- finding them

    def named(self, name: str) -> Thing:
        """Return the first community, collection or item with this name. Raise LookupError."""
        with self.lock:
            for thing in self.things():
                if thing.name == name:
                    return thing
        raise LookupError(name)

    def things(self) -> Iterator[Thing]:
        yield from self.communities.values()
        yield from self.collections.values()
        yield from self.items.values()

    def ancestors(self, thing: Thing) -> list[Community]:
        """Return the communities above, nearest first, each once. For an item, those of all its collections."""
        if isinstance(thing, Item):
            return list(dict.fromkeys(one for home in thing.collections for one in self.ancestors(home)))
        above = [thing.parent] if thing.parent else []
        return above + [further for one in above for further in self.ancestors(one)]

    # -- inside

    def _register(self, shelf: dict, thing: Thing) -> Thing:
        with self.lock:
            shelf[thing.uuid] = self.handles[thing.handle] = self.numbered[thing.kind, thing.number] = thing
            self.changes += 1
            return thing

    def _bundle(self, item: Item, name: str) -> Bundle:
        bundle = Bundle(self._uuid("bundle", self._number("bundle")), name, item)
        item.bundles.append(bundle)
        self.bundles[bundle.uuid] = bundle
        return bundle

    def _drop(self, bitstream: Bitstream) -> None:
        del self.bitstreams[bitstream.uuid], self.numbered["bitstream", bitstream.number]
        self.deleted.add(bitstream.uuid)

    def _modified(self, item: Item) -> None:
        item.last_modified = self._now()
        self._reindex(item, item.last_modified)

    def _reindex(self, item: Item, when: datetime) -> None:
        item.cache.clear()
        item.indexed, item.indexed_at = self._number("index"), when
        self.changes += 1

    def _now(self) -> datetime:
        """Return a time that was never returned before, because legacy servers give milliseconds."""
        self._last = max(self.clock(), self._last + timedelta(milliseconds=2))
        return self._last

    def _number(self, kind: str) -> int:
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def _handle(self) -> str:
        return f"{self.prefix}/{self._number('handle')}"

    def _uuid(self, kind: str, number: int) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.prefix}/{kind}/{number}"))
