"""The JSON of DSpace 4, 5 and 6, member by member as recorded from 4.9 and 6.3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .model import Repository
from .records import Bitstream, Collection, Community, Item, Value

EXPANDS = {
    "community": ("parentCommunity", "collections", "subCommunities", "logo"),
    "collection": ("parentCommunityList", "parentCommunity", "items", "license", "logo"),
    "item": ("metadata", "parentCollection", "parentCollectionList", "parentCommunityList", "bitstreams"),
    "bitstream": ("parent", "policies"),
}
FORMATS = {
    "text/plain": "Text",
    "application/pdf": "Adobe PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "text/html": "HTML",
    "text/xml": "XML",
    "image/svg+xml": "SVG",
}
ELEMENTS = (
    "contributor",
    "coverage",
    "creator",
    "date",
    "identifier",
    "description",
    "format",
    "language",
    "publisher",
)
ELEMENTS += ("relation", "rights", "source", "subject", "title", "type")
STANDARD_LICENSE = "NOTE: PLACE YOUR OWN LICENSE HERE\nThis sample license is provided for informational purposes only."
PATHS = {"community": "communities", "collection": "collections", "item": "items", "bitstream": "bitstreams"}
ANONYMOUS = "24c4dd76-7340-4855-8611-4a2130d2c951"


@dataclass(frozen=True)
class Expand:
    """The value of `expand`: exact names, `all` for everything, unknown ones without effect."""

    names: frozenset[str]

    @classmethod
    def asked(cls, text: str) -> Expand:
        return cls(frozenset(text.split(",")))

    def has(self, name: str) -> bool:
        return name in self.names or "all" in self.names

    def left(self, offered: Iterable[str]) -> list[str]:
        """Return the expansions that were not requested."""
        return [] if "all" in self.names else [name for name in [*offered, "all"] if name not in self.names]


NOTHING = Expand(frozenset())


def stamp(when: datetime) -> str:
    """A Java timestamp: local time without offset, milliseconds without closing zeros, at least one digit."""
    fraction = f"{when.microsecond // 1000:03d}".rstrip("0") or "0"
    return when.strftime("%Y-%m-%d %H:%M:%S.") + fraction


def metadata_order(value: Value) -> tuple[bool, str, int, str, int]:
    """Return the key that sorts by field in the order of the registry, then by place."""
    schema, element = value.field.split(".")[:2]
    rank = ELEMENTS.index(element) if element in ELEMENTS else len(ELEMENTS)
    return schema != "dc", schema, rank, value.field, value.place


class Writer:
    """Writes the objects of one generation."""

    def __init__(self, generation: int, data: Repository):
        self._generation, self._data = generation, data
        self._rows: dict[str, list[Item]] = {}
        self._changes = -1

    # -- what all objects have

    def _base(self, one: Community | Collection | Item | Bitstream, kind: str, expand: Expand) -> dict[str, Any]:
        six = self._generation == 6
        ident = {"uuid": one.uuid} if six else {"id": one.number}
        handle = getattr(one, "handle", None)
        link = {"link": f"/rest/{PATHS[kind]}/{self.ident(one)}"}
        offered = [name for name in EXPANDS[kind] if name != "policies" or self._generation > 4]
        left = {"expand": expand.left(offered)}
        return (
            ident | {"name": one.name, "handle": handle, "type": kind} | (left | {"link": ""} if six else link | left)
        )

    def ident(self, one: Community | Collection | Item | Bitstream) -> str | int:
        return one.uuid if self._generation == 6 else one.number

    def _ended(self, body: dict[str, Any], one: Any, kind: str, last: tuple[str, ...] = ()) -> dict[str, Any]:
        """On 6 the link stands behind the members of the class, before those of its `last` ones."""
        if self._generation != 6:
            return body
        del body["link"]
        moved = {name: body.pop(name) for name in last}
        return body | {"link": f"/rest/{PATHS[kind]}/{self.ident(one)}"} | moved

    # -- the four objects

    def community(self, one: Community, expand: Expand = NOTHING) -> dict[str, Any]:
        body = self._base(one, "community", expand)
        body["logo"] = self.bitstream(one.logo) if expand.has("logo") and one.logo else None
        above = one.parent if expand.has("parentCommunity") else None
        body["parentCommunity"] = self.community(above) if above else None
        body |= _texts(one) | {"countItems": self._count_below(one)}
        homes = self.collections_of(one) if expand.has("collections") else []
        body["collections"] = [self.collection(home) for home in homes]
        inner = self.communities_of(one) if expand.has("subCommunities") else []
        body["subcommunities"] = [self.community(sub) for sub in inner]
        return self._ended(body, one, "community", ("subcommunities",))

    def collection(self, one: Collection, expand: Expand = NOTHING, items: Iterable[Item] = ()) -> dict[str, Any]:
        """`items`: the page of items to show where they are expanded."""
        body = self._base(one, "collection", expand)
        body["logo"] = self.bitstream(one.logo) if expand.has("logo") and one.logo else None
        body["parentCommunity"] = self.community(one.parent) if expand.has("parentCommunity") else None
        above = self._data.ancestors(one) if expand.has("parentCommunityList") else []
        body["parentCommunityList"] = [self.community(up) for up in above]
        body["items"] = [self.item(row) for row in items] if expand.has("items") else []
        body["license"] = (one.license or STANDARD_LICENSE) if expand.has("license") else None
        body |= _texts(one) | {"numberItems": self.count(one)}
        return self._ended(body, one, "collection")

    def item(self, one: Item, expand: Expand = NOTHING) -> dict[str, Any]:
        body = self._base(one, "item", expand) | {"lastModified": stamp(one.last_modified)}
        above = self._data.ancestors(one) if expand.has("parentCommunityList") else None
        homes = one.collections if expand.has("parentCollectionList") else None
        body["parentCollection"] = self.collection(one.collection) if expand.has("parentCollection") else None
        body["parentCollectionList"] = homes and [self.collection(home) for home in homes]
        body["parentCommunityList"] = above and [self.community(up) for up in above]
        if self._generation > 4 or expand.has("metadata"):  # 4 leaves the member out
            body["metadata"] = self.metadata(one) if expand.has("metadata") else None
        body["bitstreams"] = [self.bitstream(file) for file in readable(one)] if expand.has("bitstreams") else None
        body |= {"archived": str(one.in_archive).lower(), "withdrawn": str(one.withdrawn).lower()}
        return self._ended(body, one, "item", ("metadata",))

    def bitstream(self, one: Bitstream, expand: Expand = NOTHING) -> dict[str, Any]:
        body = self._base(one, "bitstream", expand)
        body |= {"bundleName": one.bundle.name if one.bundle else None, "description": one.description}
        body |= {
            "format": FORMATS.get(one.mimetype, "Unknown"),
            "mimeType": one.mimetype,
            "sizeBytes": len(one.content) if one.has_size else None,
        }
        body["parentObject"] = self._parent(one) if expand.has("parent") and one.bundle else None
        context = "/rest" if self._generation == 6 else ""
        body["retrieveLink"] = f"{context}/bitstreams/{self.ident(one)}/retrieve"
        body["checkSum"] = {"value": one.checksum, "checkSumAlgorithm": "MD5" if one.checksum else None}
        body["sequenceId"] = one.sequence
        if self._generation > 4:
            body["policies"] = self.policies(one) if expand.has("policies") else None
        return self._ended(body, one, "bitstream")

    # -- their parts

    def metadata(self, one: Item) -> list[dict[str, Any]]:
        return [self._entry(value) for value in sorted(one.values_shown, key=metadata_order)]

    def _entry(self, value: Value) -> dict[str, Any]:
        entry = {"key": value.field, "value": value.value}
        if self._generation > 4:
            entry["language"] = value.language
        if self._generation == 6:
            schema, element, *qualifier = value.field.split(".")
            entry |= {"element": element, "qualifier": ".".join(qualifier) or None, "schema": schema}
        return entry

    def policies(self, one: Bitstream) -> list[dict[str, Any]]:
        """Return the policies of a file. A readable file has one for everybody, a logo has none."""
        if one.bundle is None:
            return []
        six = self._generation == 6
        nobody, anybody = (None, ANONYMOUS) if six else (-1, 0)
        who = {"id": one.number, "action": "READ", "epersonId": nobody, "groupId": anybody}
        what = {"resourceId": self.ident(one), "resourceType": "bitstream"}
        why = {"rpDescription": None, "rpName": None, "rpType": "TYPE_INHERITED", "startDate": None, "endDate": None}
        return [who | what | why]

    def _parent(self, one: Bitstream) -> dict[str, Any]:
        body = self._base(one.bundle.item, "item", Expand(frozenset({"all"})))
        return self._ended(body, one.bundle.item, "item")

    # -- counts and children

    def count(self, home: Collection) -> int:
        """`numberItems`: archived items, private, restricted and mapped ones included."""
        return len(self.rows(home))

    def _count_below(self, one: Community) -> int:
        """`countItems`: on 6 each item counts once, before that in each collection that it is in."""
        found = [item for home in self._below(one) for item in self.rows(home)]
        return len(set(found)) if self._generation == 6 else len(found)

    def rows(self, home: Collection | None) -> list[Item]:
        """Return the items of a collection, or all, as in the database: before access is checked."""
        if self._changes != self._data.changes:
            self._rows.clear()
            self._changes = self._data.changes
        key = home.uuid if home else ""
        if key not in self._rows:
            items = self._data.items.values()
            held = (one for one in items if one.in_archive and home in one.collections) if home else None
            self._rows[key] = list(held or (one for one in items if one.in_archive or one.withdrawn))
        return self._rows[key]

    def collections_of(self, one: Community) -> list[Collection]:
        homes = (home for home in self._data.collections.values() if home.parent is one and home.is_readable)
        return sorted(homes, key=lambda home: home.name)

    def communities_of(self, one: Community) -> list[Community]:
        inner = (sub for sub in self._data.communities.values() if sub.parent is one)
        return sorted(inner, key=lambda sub: sub.name)

    def _below(self, one: Community) -> list[Collection]:
        return [home for home in self._data.collections.values() if one in self._data.ancestors(home)]


def readable(one: Item) -> list[Bitstream]:
    """Return the files that this reader may open: embargoed ones are not even named."""
    return [file for file in one.bitstreams if file.is_readable]


def _texts(one: Community | Collection) -> dict[str, str]:
    return {
        "copyrightText": one.copyright,
        "introductoryText": one.introduction,
        "shortDescription": one.abstract,
        "sidebarText": one.sidebar,
    }
