"""`embed` and `embed.size` of DSpace 7 to 10: which related objects are embedded, and how much of each list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import hal_json as shape
from .records import Bitstream, Bundle, Collection, Community, Item

DEFAULT_SIZE = 20
Tree = dict[str, Any]


@dataclass(frozen=True)
class Embeds:
    """The relations that a request asked to embed. `sizes`: path to the number of entries of that list."""

    tree: Tree
    sizes: Mapping[str, int]
    path: str = ""

    @classmethod
    def asked(cls, names: Iterable[str], sizes: Iterable[str], obeys_sizes: bool = True) -> Embeds:
        """Return the relations to embed, from `embed` and `embed.size`. Sizes have no effect beside a projection."""
        tree: Tree = {}
        for path in (path for value in names for path in value.split(",") if path):
            node = tree
            for name in path.split("/"):
                node = node.setdefault(name, {})
        pairs = (pair.partition("=") for value in sizes for pair in value.split(",") if obeys_sizes)
        return cls(tree, {path: int(size) for path, _, size in pairs if size.isdigit() and int(size)})

    def __bool__(self) -> bool:
        return bool(self.tree)

    def under(self, name: str) -> Embeds:
        """Return the embeds below this relation."""
        return Embeds(self.tree.get(name, {}), self.sizes, f"{self.path}/{name}".strip("/"))

    def size(self, name: str) -> int:
        return self.sizes.get(f"{self.path}/{name}".strip("/"), DEFAULT_SIZE)


class Embedder:
    """A writer of objects with their embedded relations. `site`: the address of the repository for people."""

    def __init__(self, site: str, bitstream_links: Iterable[str]):
        self._site, self._links = site, tuple(bitstream_links)

    def bitstream(self, one: Bitstream, embeds: Embeds) -> dict[str, Any]:
        body = shape.bitstream(one, self._links)
        found = {"format": shape.format_of(one)} if "format" in embeds.tree else {}
        if "accessStatus" in embeds.tree and "accessStatus" in self._links:  # of single files from 9 on
            found["accessStatus"] = shape.access_status(one)
        return body | ({"_embedded": found} if found else {})

    def bitstreams(self, holder: Bundle, embeds: Embeds, number: int, size: int, address: str) -> dict[str, Any]:
        rows = holder.bitstreams[number * size : (number + 1) * size]
        counts = shape.page(number, size, len(holder.bitstreams))
        return shape.linked_list("bitstreams", [self.bitstream(row, embeds) for row in rows], counts, address)

    def bundle(self, one: Bundle, embeds: Embeds) -> dict[str, Any]:
        body = shape.bundle(one)
        if "bitstreams" in embeds.tree:
            size = embeds.size("bitstreams")
            address = sized(f"{shape.API}/core/bundles/{one.uuid}/bitstreams", size)
            body["_embedded"] = {"bitstreams": self.bitstreams(one, embeds.under("bitstreams"), 0, size, address)}
        return body

    def bundles(self, one: Item, embeds: Embeds, number: int, size: int, address: str) -> dict[str, Any]:
        """Return the bundles. Closed ones are left out and still counted."""
        rows = [row for row in one.bundles[number * size : (number + 1) * size] if row.is_readable]
        counts = shape.page(number, size, len(one.bundles))
        return shape.linked_list("bundles", [self.bundle(row, embeds) for row in rows], counts, address)

    def item(self, one: Item, embeds: Embeds) -> dict[str, Any]:
        """Return the `_embedded` member of an item."""
        base, body = f"{shape.API}/core/items/{one.uuid}", {}
        if "owningCollection" in embeds.tree and one.collection.is_open:
            body["owningCollection"] = self.container(one.collection, embeds.under("owningCollection"))
        if "bundles" in embeds.tree:
            size = embeds.size("bundles")
            body["bundles"] = self.bundles(one, embeds.under("bundles"), 0, size, sized(f"{base}/bundles", size))
        if "accessStatus" in embeds.tree:
            body["accessStatus"] = shape.access_status_of_item(one, has_dates="accessStatus" in self._links)
        if "mappedCollections" in embeds.tree:
            body["mappedCollections"] = self.mapped(one, f"{base}/mappedCollections")
        if "thumbnail" in embeds.tree:
            found = thumbnail(one)
            body["thumbnail"] = self.bitstream(found, embeds.under("thumbnail")) if found else None
        return body

    def mapped(self, one: Item, address: str) -> dict[str, Any]:
        entries = [shape.collection(home, self._site) for home in one.mapped]
        return shape.linked_list("mappedCollections", entries, shape.page(0, DEFAULT_SIZE, len(entries)), address)

    def container(self, one: Community | Collection, embeds: Embeds) -> dict[str, Any]:
        """Return the JSON of a community or collection."""
        write = shape.community if isinstance(one, Community) else shape.collection
        body = write(one, self._site)
        found: dict[str, Any] = {}
        if "license" in embeds.tree and isinstance(one, Collection):
            found["license"] = {"custom": bool(one.license), "text": one.license or STANDARD_LICENSE, "type": "license"}
        if "parentCommunity" in embeds.tree:
            found["parentCommunity"] = shape.community(one.parent, self._site) if one.parent else None
        if "logo" in embeds.tree:
            found["logo"] = self.bitstream(one.logo, embeds.under("logo")) if one.logo else None
        return body | ({"_embedded": found} if found else {})


STANDARD_LICENSE = "NOTE: PLACE YOUR OWN LICENSE HERE\nThis sample license is provided for informational purposes only."


def thumbnail(one: Item) -> Bitstream | None:
    return next((file for bundle in one.bundles if bundle.name == "THUMBNAIL" for file in bundle.bitstreams), None)


def sized(address: str, size: int) -> str:
    return address if size == DEFAULT_SIZE else f"{address}?size={size}"
