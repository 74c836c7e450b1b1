"""Reads and writes the JSON of Omeka S. Only this module and `omeka_client` know its member names.

Omeka S gives no error for many mistakes: it drops values with an unknown type or without text, and answers a missing
type with an HTML page. So this module writes all members of a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import BadResponseError
from ..i18n import gettext as _
from .resources import (
    TITLE as TITLE_PROPERTY,
    Item,
    ItemSet,
    Media,
    Named,
    NewMedia,
    NewVocabulary,
    Resource,
    Template,
    Value,
    Vocabulary,
    literal,
)
from .vocabulary_ids import Ids

# Members of a value that only describe it, and that the site writes itself.
_READ_ONLY = {
    "property_label",
    "display_title",
    "value_resource_name",
    "url",
    "thumbnail_url",
    "thumbnail_title",
    "thumbnail_type",
}
_UNKNOWN_PROPERTY = "property:"
_KNOWN = {"type", "property_id", "is_public", "@value", "@id", "o:label", "@language", "o:lang", "value_resource_id"}


class Format:
    """The JSON of one site, with its ids of properties and classes."""

    def __init__(self, properties: Ids, classes: Ids):
        self.properties, self.classes = properties, classes

    def item(self, raw: Any) -> Item:
        """Return an item. Raise BadResponseError if the JSON is no item."""
        return Item(
            id=_id(raw),
            title=_text(raw.get("o:title")),
            values=self.values(raw),
            is_public=raw.get("o:is_public") is not False,
            resource_class=self._class(raw),
            template=_reference(raw.get("o:resource_template")),
            item_sets=frozenset(_references(raw.get("o:item_set"))),
            sites=frozenset(_references(raw.get("o:site"))),
            media=_references(raw.get("o:media")),
            created=_time(raw.get("o:created")),
            modified=_time(raw.get("o:modified")),
            is_linked=bool(raw.get("@reverse")),
        )

    def item_set(self, raw: Any) -> ItemSet:
        """Return an item set. Raise BadResponseError if the JSON is no item set."""
        return ItemSet(
            id=_id(raw),
            title=_text(raw.get("o:title")),
            values=self.values(raw),
            is_public=raw.get("o:is_public") is not False,
            resource_class=self._class(raw),
            template=_reference(raw.get("o:resource_template")),
            is_open=raw.get("o:is_open") is True,
            created=_time(raw.get("o:created")),
            modified=_time(raw.get("o:modified")),
        )

    def media(self, raw: Any) -> Media:
        """Return a medium. Raise BadResponseError if the JSON is no medium."""
        size = raw.get("o:size") if isinstance(raw, dict) else None
        return Media(
            id=_id(raw),
            item_id=_reference(raw.get("o:item")) or 0,
            ingester=_text(raw.get("o:ingester")) or "",
            source=_text(raw.get("o:source")),
            media_type=_text(raw.get("o:media_type")),
            sha256=_text(raw.get("o:sha256")),
            size=int(size) if isinstance(size, int | str) and str(size).isdecimal() else None,
            is_public=raw.get("o:is_public") is not False,
            alt_text=_text(raw.get("o:alt_text")),
            values=self.values(raw),
            created=_time(raw.get("o:created")),
            modified=_time(raw.get("o:modified")),
        )

    def values(self, raw: Mapping[str, Any]) -> tuple[Value, ...]:
        """Return the values of a resource, in the order of the site."""
        lists = (value for name, value in raw.items() if ":" in name and isinstance(value, list))
        found = (one for values in lists for one in values if isinstance(one, dict) and "property_id" in one)
        return tuple(self._value(one) for one in found)

    def resource(self, resource: Resource) -> dict[str, Any]:
        """Return the JSON of an item or item set that is to be created."""
        written = self.written_values(resource.values) | self.written_class(resource.resource_class)
        written |= {"o:is_public": resource.is_public, "o:resource_template": _written_reference(resource.template)}
        if resource.owner is not None:  # only admins may name an owner, even themselves
            written["o:owner"] = _written_reference(resource.owner)
        if isinstance(resource, Item):
            written["o:item_set"] = _written_references(resource.item_sets)
            if resource.sites is not None:
                written["o:site"] = _written_references(resource.sites)
        if isinstance(resource, ItemSet):
            written["o:is_open"] = resource.is_open
        return written

    def changes(self, before: Item, after: Item) -> dict[str, Any]:
        """Return the JSON of a PATCH that turns an item into another one. It is empty if they are equal.

        A PATCH with one value replaces the values of all properties, so it has all values or none.
        """
        written: dict[str, Any] = {}
        if before.values != after.values:
            written |= self.written_values(after.values)
            if not after.values:  # Omeka S keeps the old values if no valid value is sent
                written["clear_property_values"] = sorted({self.number_of(old.property) for old in before.values})
        if before.resource_class != after.resource_class:
            written |= self.written_class(after.resource_class)
        if before.template != after.template:
            written["o:resource_template"] = _written_reference(after.template)
        if before.is_public != after.is_public:
            written["o:is_public"] = after.is_public
        if before.item_sets != after.item_sets:
            written["o:item_set"] = _written_references(after.item_sets)
        if before.sites != after.sites and after.sites is not None:
            written["o:site"] = _written_references(after.sites)
        return written

    def new_media(self, media: NewMedia) -> dict[str, Any]:
        """Return the JSON beside an uploaded file."""
        return {
            "o:ingester": "upload",
            "file_index": 0,
            "o:item": {"o:id": media.item_id},
            "o:is_public": media.is_public,
            "o:source": media.source or media.filename,
            "o:alt_text": media.alt_text,
            "position": media.position,
            **self.written_values([literal(TITLE_PROPERTY, media.title)]),
        }

    def written_class(self, resource_class: str | None) -> dict[str, Any]:
        """Return the member with the class. Raise InvalidInputError if the site does not have the class."""
        number = None if resource_class is None else self.classes.of(resource_class)
        return {"o:resource_class": _written_reference(number)}

    def number_of(self, property: str) -> int:
        """Return the id of a property, also of one that was added to the site after its vocabularies were read."""
        _, is_unknown, number = property.partition(_UNKNOWN_PROPERTY)
        return int(number) if is_unknown else self.properties.of(property)

    def written_values(self, values: Iterable[Value]) -> dict[str, list[dict[str, Any]]]:
        """Return the values by property. The name of the member does not matter, because each value has a property id.

        Each value has `is_public`, because Omeka S otherwise keeps the flag of the value that stood at its place.
        """
        written: dict[str, list[dict[str, Any]]] = {}
        for value in values:
            number = self.number_of(value.property)
            written.setdefault(f"{_UNKNOWN_PROPERTY}{number}", []).append(_written_value(value, number))
        return written

    def _value(self, raw: dict[str, Any]) -> Value:
        number = raw["property_id"]
        kind = _text(raw.get("type")) or ""
        text, address, resource = raw.get("@value"), _text(raw.get("@id")), raw.get("value_resource_id")
        is_link = isinstance(resource, int)
        extra = {name: one for name, one in raw.items() if name not in _KNOWN | _READ_ONLY}
        if text is not None and not isinstance(text, str):
            extra["@value"] = text
        return Value(
            property=self.properties.by_id.get(number, f"{_UNKNOWN_PROPERTY}{number}"),
            type=kind,
            text=_text(text),
            uri=None if is_link else address,
            label=_text(raw.get("o:label")),
            language=_text(raw.get("@language")) or _text(raw.get("o:lang")),
            resource_id=resource if is_link else None,
            is_public=raw.get("is_public") is not False,
            extra=json.dumps(extra, sort_keys=True, ensure_ascii=False) if extra else "",
        )

    def _class(self, raw: Mapping[str, Any]) -> str | None:
        number = _reference(raw.get("o:resource_class"))
        return None if number is None else self.classes.by_id.get(number)


def vocabulary(raw: Any) -> Vocabulary:
    """Return a vocabulary."""
    prefix, label = _text(raw.get("o:prefix")) or "", _text(raw.get("o:label")) or ""
    return Vocabulary(_id(raw), _text(raw.get("o:namespace_uri")) or "", prefix, label)


def new_vocabulary(wanted: NewVocabulary, prefix: str) -> dict[str, Any]:
    """Return the JSON of a vocabulary that is to be created."""
    members = {"o:namespace_uri": wanted.namespace, "o:prefix": prefix, "o:label": wanted.label}
    return {**members, **with_properties((), wanted.labels)}


def with_properties(kept: Iterable[int], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON that gives a vocabulary more properties. Omeka S deletes all that are not in `kept`."""
    new = [{"o:local_name": name, "o:label": label} for name, label in labels.items()]
    return {"o:property": [*_written_references(kept), *new]}


def local_names(raw: Iterable[Any]) -> dict[str, int]:
    """Return the ids of properties by local name."""
    return {str(one.get("o:local_name")): _id(one) for one in raw}


def term(raw: Any, vocabularies: Iterable[Vocabulary]) -> Named | None:
    """Return a class by its URI, named with its label and the prefix of its vocabulary. None if that is unknown."""
    own = next((one for one in vocabularies if one.id == _reference(raw.get("o:vocabulary"))), None)
    name = f"{raw.get('o:label')} ({own.prefix})" if own else ""
    return Named(f"{own.namespace}{raw.get('o:local_name')}", name) if own else None


def named(raw: Any, member: str) -> Named:
    """Return a user or a site. `member`: the one that has its name."""
    number = _id(raw)
    return Named(number, _text(raw.get(member)) or str(number))


def ids(raw: Iterable[Any], vocabularies: Iterable[Vocabulary]) -> Ids:
    """Return the ids of properties or classes by their URIs."""
    namespaces = {vocabulary.id: vocabulary.namespace for vocabulary in vocabularies}
    found = {}
    for one in raw:
        namespace = namespaces.get(_reference(one.get("o:vocabulary")) or 0)
        if namespace is not None:
            found[f"{namespace}{one.get('o:local_name')}"] = _id(one)
    return Ids(found)


def template(raw: Any, properties: Ids) -> Template:
    """Return a resource template."""
    rows = [row for row in raw.get("o:resource_template_property") or () if row.get("o:is_required") is True]
    required = (properties.by_id.get(_reference(row.get("o:property")) or 0) for row in rows)
    return Template(_id(raw), _text(raw.get("o:label")) or "", frozenset(filter(None, required)))


def objects(raw: Any, url: str) -> list[dict[str, Any]]:
    """Return a list of objects. Raise BadResponseError if the JSON is something else."""
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise BadResponseError(_("%(url)s did not answer with a list of Omeka S.", url=url), url)
    return raw


def _written_value(value: Value, number: int) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(value.extra) if value.extra else {}
    written |= {"property_id": number, "type": value.type, "is_public": value.is_public}
    if value.text is not None:
        written["@value"] = value.text
    if value.uri is not None:
        written["@id"] = value.uri
        written["o:lang"] = value.language
    elif value.language is not None:
        written["@language"] = value.language
    if value.label is not None:
        written["o:label"] = value.label
    if value.resource_id is not None:
        written["value_resource_id"] = value.resource_id
    return written


def _id(raw: Any) -> int:
    number = raw.get("o:id") if isinstance(raw, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadResponseError(_("The Omeka S site answered without the id of a resource."))
    return number


def _reference(raw: Any) -> int | None:
    number = raw.get("o:id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) else None


def _references(raw: Any) -> tuple[int, ...]:
    found = (_reference(one) for one in raw or ())
    return tuple(number for number in found if number is not None)


def _written_reference(number: int | None) -> dict[str, int] | None:
    return None if number is None else {"o:id": number}


def _written_references(numbers: Iterable[int]) -> list[dict[str, int]]:
    return [{"o:id": number} for number in sorted(numbers)]


def _text(raw: Any) -> str | None:
    return raw if isinstance(raw, str) else None


def _time(raw: Any) -> str | None:
    return _text(raw.get("@value")) if isinstance(raw, dict) else None
