"""The JSON of DSpace 7 to 10, member by member as recorded from a DSpace 9.3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from .records import Bitstream, Bundle, Collection, Community, Item, Value

INTERNAL = "http://internal.invalid:8080/server"
"""The address the server believes it has: wrong, as behind many proxies. No client may follow it."""
API = f"{INTERNAL}/api"

COMMUNITY_LINKS = ("collections", "logo", "subcommunities", "parentCommunity", "adminGroup")
COLLECTION_LINKS = ("harvester", "itemtemplate", "license", "logo", "mappedItems", "parentCommunity", "adminGroup")
COLLECTION_LINKS += ("submittersGroup", "itemReadGroup", "bitstreamReadGroup")
ITEM_LINKS = ("accessStatus", "bundles", "identifiers", "mappedCollections", "owningCollection", "relationships")
ITEM_LINKS += ("version", "templateItemOf", "thumbnail", "submitter")
BUNDLE_LINKS = ("item", "bitstreams", "primaryBitstream")
BITSTREAM_LINKS = ("content", "bundle", "accessStatus", "format", "thumbnail")
FORMATS = {
    "application/octet-stream": (1, "Unknown", "Unknown data format", []),
    "application/pdf": (4, "Adobe PDF", "Adobe Portable Document Format", ["pdf"]),
    "text/xml": (5, "XML", "Extensible Markup Language", ["xml"]),
    "text/plain": (6, "Text", "Plain Text", ["txt", "asc"]),
    "text/html": (7, "HTML", "Hypertext Markup Language", ["htm", "html"]),
    "image/jpeg": (18, "JPEG", "Joint Photographic Experts Group/JPEG File Interchange Format (JFIF)", ["jpeg", "jpg"]),
    "image/png": (20, "PNG", "Portable Network Graphics", ["png"]),
    "image/svg+xml": (79, "SVG", "Scalable Vector Graphics", ["svg"]),
}
_CONTROL = re.compile(r"[\x00-\x1f]")


def href(address: str) -> dict[str, str]:
    return {"href": address}


def links(base: str, names: Iterable[str]) -> dict[str, Any]:
    return {name: href(f"{base}/{name}") for name in names} | {"self": href(base)}


def metadata(values: Iterable[Value]) -> dict[str, list[dict[str, Any]]]:
    """Return fields in alphabetical order, values by place. Of values with equal place only the first is shown."""
    fields: dict[str, dict[int, dict[str, Any]]] = {}
    for value in sorted(values, key=lambda one: (one.field, one.place)):
        fields.setdefault(value.field, {}).setdefault(value.place, _value(value))
    return {name: list(by_place.values()) for name, by_place in fields.items()}


def _value(value: Value) -> dict[str, Any]:
    """Return a value as in 7 and later: trimmed, control characters as spaces, no empty language."""
    text = None if value.value is None else _CONTROL.sub(" ", value.value).strip()
    return {
        "value": text,
        "language": value.language or None,
        "authority": value.authority,
        "confidence": value.confidence,
        "place": value.place,
    }


def instant(when: datetime) -> str:
    """Return a time as 9 and 10 write it: UTC, up to microseconds."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def date(when: datetime) -> str:
    """Return a time as 7 and 8 write it: milliseconds and an offset."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}+00:00"


def community(one: Community, site: str) -> dict[str, Any]:
    return _container(one, site, "communities", COMMUNITY_LINKS)


def collection(one: Collection, site: str) -> dict[str, Any]:
    body = _container(one, site, "collections", COLLECTION_LINKS)
    base = f"{API}/core/collections/{one.uuid}/workflowGroups"
    roles = ("reviewer", "editor", "finaleditor")
    body["_links"]["workflowGroups"] = [{"href": f"{base}/{role}", "name": role} for role in roles]
    return body


def _container(one: Community | Collection, site: str, path: str, names: Sequence[str]) -> dict[str, Any]:
    texts = {
        "dc.description": one.introduction,
        "dc.description.abstract": one.abstract,
        "dc.description.tableofcontents": one.sidebar,
        "dc.identifier.uri": f"{site}/handle/{one.handle}",
        "dc.rights": one.copyright,
        "dc.rights.license": getattr(one, "license", None),
        "dc.title": one.name,
    }
    return {
        "id": one.uuid,
        "uuid": one.uuid,
        "name": one.name,
        "handle": one.handle,
        "metadata": metadata(Value(name, text) for name, text in texts.items() if text),
        "archivedItemsCount": -1,
        "type": one.kind,
        "_links": links(f"{API}/core/{path}/{one.uuid}", names),
    }


def item(one: Item, values: Iterable[Value], modified: str) -> dict[str, Any]:
    """Return an item without its links. A withdrawn item has no metadata."""
    return {
        "id": one.uuid,
        "uuid": one.uuid,
        "name": one.name,
        "handle": one.handle,
        "metadata": {} if one.withdrawn else metadata(values),
        "inArchive": one.in_archive,
        "discoverable": one.discoverable,
        "withdrawn": one.withdrawn,
        "lastModified": modified,
        "entityType": one.first("dspace.entity.type"),
        "type": "item",
    }


def bundle(one: Bundle) -> dict[str, Any]:
    return {
        "uuid": one.uuid,
        "name": one.name,
        "handle": None,
        "metadata": metadata([Value("dc.title", one.name)]),
        "type": "bundle",
        "_links": links(f"{API}/core/bundles/{one.uuid}", BUNDLE_LINKS),
    }


def bitstream(one: Bitstream, names: Iterable[str] = BITSTREAM_LINKS) -> dict[str, Any]:
    texts = {"dc.title": one.name, "dc.description": one.description}
    return {
        "id": one.uuid,
        "uuid": one.uuid,
        "name": one.name,
        "handle": None,
        "metadata": metadata(Value(name, text) for name, text in texts.items() if text is not None),
        "bundleName": one.bundle.name if one.bundle else None,
        "sizeBytes": len(one.content) if one.has_size else None,
        "checkSum": {"checkSumAlgorithm": "MD5" if one.checksum else None, "value": one.checksum},
        "sequenceId": one.sequence,
        "type": "bitstream",
        "_links": links(f"{API}/core/bitstreams/{one.uuid}", names),
    }


def format_of(one: Bitstream) -> dict[str, Any]:
    number, short, description, extensions = FORMATS[one.mimetype]
    return {
        "id": number,
        "shortDescription": short,
        "description": description,
        "mimetype": one.mimetype,
        "supportLevel": "UNKNOWN" if number == 1 else "KNOWN",
        "internal": False,
        "extensions": extensions,
        "type": "bitstreamformat",
        "_links": {"self": href(f"{API}/core/bitstreamformats/{number}")},
    }


def access_status(one: Bitstream) -> dict[str, Any]:
    """Return the access status for a signed-out reader."""
    until = one.embargo.isoformat() if one.embargo and not one.readable else None
    status = "open.access" if one.readable else "embargo" if until else "restricted"
    address = href(f"{API}/core/bitstreams/{one.uuid}/accessStatus")
    return {"status": status, "embargoDate": until, "type": "accessStatus", "_links": {"self": address}}


def access_status_of_item(one: Item, has_dates: bool) -> dict[str, Any]:
    """Return the access status of the first ORIGINAL file, with the end of an embargo from 9 on."""
    files = (file for bundle in one.bundles if bundle.name == "ORIGINAL" for file in bundle.bitstreams)
    first = next(files, None)
    body = access_status(first) if first else {"status": "metadata.only", "embargoDate": None, "type": "accessStatus"}
    if not has_dates:
        del body["embargoDate"]
    return body | {"_links": {"self": href(f"{API}/core/items/{one.uuid}/accessStatus")}}


def page(number: int, size: int, total: int) -> dict[str, int]:
    return {"number": number, "size": size, "totalPages": -(-total // size), "totalElements": total}


def linked_list(name: str, entries: list[Any], counts: dict[str, int], address: str) -> dict[str, Any]:
    """Return a paged list of related objects: `_embedded`, `page` and `_links`."""
    body = {"_embedded": {name: entries}, "page": counts, "_links": page_links(address, counts)}
    if not entries and counts["number"] > 0:
        del body["_embedded"]  # past the end the list is left out altogether
    return body


def page_links(address: str, counts: dict[str, int]) -> dict[str, Any]:
    """Return `next`, `last`, `prev`, `self`, `first` where they apply. `address`: that of the request."""
    found = _turns(address, counts)
    return {name: href(found[name]) for name in ("next", "last", "prev", "self", "first") if found[name]}


def flat_list(name: str, entries: list[Any], counts: dict[str, int], address: str) -> dict[str, Any]:
    """Return a paged list of the whole repository. Links stand before the page, in another order."""
    found = _turns(address, counts)
    if counts["totalPages"] > 1:
        found |= {"first": _turned(address, 0), "last": _turned(address, counts["totalPages"] - 1)}
    links_ = {key: href(found[key]) for key in ("first", "prev", "self", "next", "last") if found[key]}
    if not address.partition("?")[0].endswith("/search/top"):
        links_["search"] = href(f"{API}/core/{name}/search")
    body = {"_embedded": {name: entries}} if entries else {}
    counts = {key: counts[key] for key in ("size", "totalElements", "totalPages", "number")}
    return body | {"_links": links_, "page": counts}


def _turns(address: str, counts: dict[str, int]) -> dict[str, str | None]:
    """Where the links of a page lead; None where they do not apply."""
    number, last = counts["number"], counts["totalPages"] - 1
    before, after = number > 0, number < last
    return {
        "next": _turned(address, number + 1) if after else None,
        "last": _turned(address, last) if after else None,
        "prev": _turned(address, number - 1) if before else None,
        "self": address,
        "first": _turned(address, 0) if before else None,
    }


def _turned(address: str, number: int) -> str:
    """The address of another page of the same list."""
    bare = re.sub(r"([?&])page=\d*&?", r"\1", address).rstrip("?&")
    return f"{bare}{'&' if '?' in bare else '?'}page={number}"
