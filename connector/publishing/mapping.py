"""Maps items of the catalogue to items of Omeka S. It only computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..catalogue.restricted_values import MARK
from ..dspace.records import SourceState
from ..omeka import Item, Value, literal, uri
from ..omeka.resources import BIBO, DCTERMS, HAS_PART, IDENTIFIER, URI

# Prefixes of the crosswalk and their namespaces, which identify a vocabulary at each site.
NAMESPACES = {"dcterms": DCTERMS, "bibo": BIBO}
_TYPE = "dcterms:type"
_LONGEST_LANGUAGE = 255  # characters that Omeka S can store


@dataclass(frozen=True, slots=True)
class ItemRules:
    """How items are mapped for a destination (see `Destination`).

    `properties`: those that the site has. `required`: those without which the template refuses an item. `owner`,
    `sites`, `item_sets`: ids, see `Item`.
    """

    is_public: bool
    template: int | None
    classes: Mapping[str, str]
    properties: frozenset[str]
    required: frozenset[str] = frozenset()
    owner: int | None = None
    sites: frozenset[int] | None = None
    item_sets: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class FileLink:
    """A link to a file at its source. `is_public`: whether everybody may see that it exists."""

    url: str
    title: str
    is_public: bool


def identifier_of(address_key: str, source_id: str) -> str:
    """Return the identifier of an item, which is the same in each catalogue that imports this repository."""
    return f"dspace:{address_key}/{source_id}"


def mapped(item: Any, identifier: str, rules: ItemRules, links: Iterable[FileLink] = ()) -> Item:
    """Return an item of the catalogue as the data of an item of Omeka S.

    Fields without a term, and terms that the site does not have, are left out. An item that is restricted, hidden or no
    longer at its source is private, and so is each restricted value. `item`: a row with the columns of `CatalogueItem`.
    `links`: to its files. They follow its parts in the metadata.
    """
    values = [value for value in _values(item.mapped_values) if value.property in rules.properties]
    if URI in rules.properties and item.link not in (value.uri for value in values):
        values.append(uri(URI, item.link))
    values.append(literal(IDENTIFIER, identifier))
    values += [uri(HAS_PART, link.url, _storable(link.title), is_public=link.is_public) for link in links]
    return Item(
        tuple(values),
        is_public=rules.is_public and is_open(item),
        resource_class=_class(item.mapped_values, rules),
        template=rules.template,
        owner=rules.owner,
        sites=rules.sites,
        item_sets=rules.item_sets,
    )


def is_open(item: Any) -> bool:
    """Return whether an item may be public: it is at its source, and neither restricted nor hidden."""
    return item.source_state == SourceState.PRESENT and not item.is_restricted and not item.is_hidden


def lacking(item: Item, rules: ItemRules) -> list[str]:
    """Return the names of required properties without a value, sorted."""
    missing = rules.required - {value.property for value in item.values}
    return sorted(name_of(property) for property in missing)


def name_of(property: str) -> str:
    """Return the local name of a property, for sentences: "title" for http://purl.org/dc/terms/title."""
    return property.rpartition("/")[2].rpartition("#")[2]


def _values(mapped_values: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[Value]:
    for term, values in mapped_values.items():
        prefix, _, name = term.partition(":")
        if prefix in NAMESPACES and name:
            yield from (value for one in values if (value := _value(f"{NAMESPACES[prefix]}{name}", one)) is not None)


def _value(property: str, value: Mapping[str, Any]) -> Value | None:
    """Return a value, or None if it is blank: Omeka S drops blank values without an error."""
    text = _storable(value["uri"] if "uri" in value else value["value"])
    if not text.strip():
        return None
    if "uri" in value:
        return uri(property, text, value.get("label"), is_public=MARK not in value)
    language = value.get("language")
    known = language if language and language != "*" and len(language) <= _LONGEST_LANGUAGE else None
    return literal(property, text, known, is_public=MARK not in value)


def _storable(text: str) -> str:
    """Return the text as Omeka S can store it and keeps it.

    It refuses the whole item for half a surrogate pair. Its edit form turns each line end into a line feed, even if
    the person changes something else.
    """
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")


def _class(mapped_values: Mapping[str, Iterable[Mapping[str, Any]]], rules: ItemRules) -> str | None:
    types = (str(value.get("value", "")).strip().lower() for value in mapped_values.get(_TYPE, ()))
    return next((rules.classes[name] for name in types if name in rules.classes), None)
