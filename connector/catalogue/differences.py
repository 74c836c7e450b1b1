"""Differences between two states of the source's data of an item, by field and file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..characters import storable
from ..dspace.records import Item
from ..i18n import lazy_gettext as _l
from . import file_rows, item_rows
from .crosswalk import term_label
from .facet_values import Mapped

TITLE = "dc.title"
OF_A_VALUE = ("value", "language", "authority", "confidence")
ABOUT = {"title": _l("Title"), "handle": _l("Handle"), "source_id": _l("ID at the source")}
WORDS = {
    "bundle": _l("Bundle"),
    "sequence": _l("Sequence"),
    "name": _l("Name"),
    "description": _l("Description"),
    "media_type": _l("Type"),
    "size": _l("Size in bytes"),
    "checksum": _l("Checksum"),
    "checksum_algorithm": _l("Algorithm of the checksum"),
}


def data_of(item: Item) -> dict[str, Any]:
    """Return what `differences` needs of the "data" group that a change of this item would have."""
    metadata, files = item_rows.stored_metadata(item), file_rows.stored_files(item)
    about = {"title": storable(item.name), "handle": item.handle, "source_id": item.id}
    return about | {"source_metadata": metadata, "files": files}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the differences in an item's data. `before`, `after`: "data" groups of changes (see `earlier_states`).

    The result is {"about": [{what, before, after}], "fields": [{field, before, after}], "files": [{name, change,
    about}]}. A field has all its values in order, each as {value, language, authority, confidence}. `change` is added,
    removed or changed; only changed files have details in `about`. All lists are empty if only the order of fields or
    the ids of files differ.
    """
    fields = _fields(before["source_metadata"], after["source_metadata"])
    about = [
        _differs(label, before[name], after[name])
        for name, label in ABOUT.items()
        if before[name] != after[name] and not (name == "title" and TITLE in {one["field"] for one in fields})
    ]
    return {"about": about, "fields": fields, "files": list(_files(before["files"], after["files"]))}


def of_mapped_values(before: Mapped, after: Mapped) -> dict[str, Any]:
    """Return the differences between two results of the crosswalk for an item, in the form of `differences`."""
    fields = _fields(
        *([_entry(term, value) for term, values in one.items() for value in values] for one in (before, after))
    )
    return {"about": [], "fields": [one | {"field": term_label(one["field"])} for one in fields], "files": []}


def _entry(term: str, value: Mapping[str, Any]) -> dict[str, Any]:
    text = value["uri"] if "uri" in value else value["value"]
    return {"field": term, "value": text, "language": value.get("language"), "authority": None, "confidence": None}


def _fields(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    old, new = _by_field(before), _by_field(after)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return [{"field": name, "before": old.get(name, []), "after": new.get(name, [])} for name in names]


def _by_field(values: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in values:
        found.setdefault(entry["field"], []).append({name: entry[name] for name in OF_A_VALUE})
    return found


def _files(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> Any:
    """Yield the differences of files, which are matched by id, or by bundle and name because an upgrade changes ids."""
    left = {file["bitstream_id"]: file for file in before}
    known = {file["bitstream_id"]: left.pop(file["bitstream_id"]) for file in after if file["bitstream_id"] in left}
    by_name = {(file["bundle"], file["name"]): file for file in left.values()}
    for file in after:
        old = known.get(file["bitstream_id"]) or by_name.pop((file["bundle"], file["name"]), None)
        if old is None:
            yield {"name": _name(file), "change": "added", "about": []}
            continue
        left.pop(old["bitstream_id"], None)
        if about := [
            _differs(str(words), old[key], file[key]) for key, words in WORDS.items() if old[key] != file[key]
        ]:
            yield {"name": _name(file), "change": "changed", "about": about}
    yield from ({"name": _name(file), "change": "removed", "about": []} for file in left.values())


def _differs(what: str, before: Any, after: Any) -> dict[str, Any]:
    return {"what": str(what), "before": before, "after": after}


def _name(file: Mapping[str, Any]) -> str:
    return str(file["name"] or file["bitstream_id"])
