"""Maps items of the catalogue to items of Omeka S. It only computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..catalogue.crosswalk import term_label
from ..catalogue.restricted_values import MARK
from ..dspace.records import SourceState
from ..omeka.resources import BIBO, DCTERMS, HAS_PART, IDENTIFIER, URI, Item, Value, literal, uri
from .field_vocabulary import FieldVocabulary

# Prefixes of the crosswalk and their namespaces, which identify a vocabulary at each site.
NAMESPACES = {"dcterms": DCTERMS, "bibo": BIBO}
IDENTIFIER_START = "dspace:"
_TYPE = "dcterms:type"
_LONGEST_LANGUAGE = 255  # characters that Omeka S can store


@dataclass(frozen=True, slots=True)
class ItemRules:
    """How items are mapped for a destination (see `Destination`).

    `properties`: those that the site has. `required`: those without which the template refuses an item. `owner`,
    `sites`, `item_sets`: ids, see `Item`. `own_vocabulary`: that of fields without a term, None if they are left out.
    """

    is_public: bool
    template: int | None
    classes: Mapping[str, str]
    properties: frozenset[str]
    required: frozenset[str] = frozenset()
    owner: int | None = None
    sites: frozenset[int] | None = None
    own_vocabulary: FieldVocabulary | None = None
    item_sets: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class FileLink:
    """A link to a file at its source. `is_public`: whether everybody may see that it exists."""

    url: str
    title: str
    is_public: bool


def identifier_of(address_key: str, source_id: str) -> str:
    """Return the identifier of an item, which is the same in each catalogue that imports this repository."""
    return f"{IDENTIFIER_START}{address_key}/{source_id}"


def mapped(item: Any, identifier: str, rules: ItemRules, links: Iterable[FileLink] = ()) -> Item:
    """Return an item of the catalogue as the data of an item of Omeka S.

    Fields without a property at the site are left out (see `fields_of`). An item that is restricted, hidden or no
    longer at its source is private, and so is each restricted value. `item`: a row with the columns of `CatalogueItem`.
    `links`: to its files. They follow its parts in the metadata.
    """
    values = list(_values(item.mapped_values, rules))
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


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of an item without a term. `own`: those in the vocabulary of their own.

    `left_out`: the number of values that are not published, by field. A term that the site lacks counts as a field.
    """

    own: frozenset[str] = frozenset()
    left_out: Mapping[str, int] = field(default_factory=dict)


def fields_of(mapped_values: Mapping[str, Sequence[Mapping[str, Any]]], rules: ItemRules) -> Fields:
    """Return the fields of an item that have no term."""
    own = frozenset(term for term in mapped_values if rules.own_vocabulary and not _namespace_of(term))
    without = (term for term in mapped_values if _property(term, rules) is None)
    counts = {term: sum(bool(_text(one).strip()) for one in mapped_values[term]) for term in without}
    return Fields(own, {term: number for term, number in counts.items() if number})


def is_open(item: Any) -> bool:
    """Return whether an item may be public: it is at its source, and neither restricted nor hidden."""
    return item.source_state == SourceState.PRESENT and not item.is_restricted and not item.is_hidden


def lacking(item: Item, rules: ItemRules) -> list[str]:
    """Return the names of required properties without a value, sorted."""
    missing = rules.required - {value.property for value in item.values}
    return sorted(name_of(property) for property in missing)


def name_of(property: str) -> str:
    """Return the label of a property for sentences: "Title" for http://purl.org/dc/terms/title.

    A property of another vocabulary has its local name.
    """
    for prefix, namespace in NAMESPACES.items():
        if property.startswith(namespace):
            return term_label(f"{prefix}:{property.removeprefix(namespace)}")
    return local_name(property)


def local_name(address: str) -> str:
    """Return the last part of the URI of a property or class."""
    return address.rpartition("/")[2].rpartition("#")[2]


def _namespace_of(term: str) -> str | None:
    """Return the namespace of a term of the crosswalk, or None for a field."""
    return NAMESPACES.get(term.partition(":")[0]) if ":" in term else None


def _property(term: str, rules: ItemRules) -> str | None:
    """Return the URI of the property for a term or field, or None if its values are left out."""
    namespace = _namespace_of(term)
    if namespace is None:
        return rules.own_vocabulary.property_of(term) if rules.own_vocabulary else None
    property = f"{namespace}{term.partition(':')[2]}"
    return property if property in rules.properties else None


def _values(mapped_values: Mapping[str, Iterable[Mapping[str, Any]]], rules: ItemRules) -> Iterator[Value]:
    for term, values in mapped_values.items():
        if (property := _property(term, rules)) is not None:
            yield from (value for one in values if (value := _value(property, one)) is not None)


def _text(value: Mapping[str, Any]) -> str:
    return _storable(value["uri"] if "uri" in value else value["value"])


def _value(property: str, value: Mapping[str, Any]) -> Value | None:
    """Return a value, or None if it is blank: Omeka S drops blank values without an error."""
    text = _text(value)
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
