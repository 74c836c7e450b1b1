"""Compares items that were read over OAI-PMH and over REST, value by value and file by file. Pure functions.

The comparison decides how values of OAI-PMH are escaped, and which items must be read over REST (design rule 21).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from ..i18n import gettext as _
from .oai_escaping import has_entity, has_unescaped, unescaped
from .records import Bitstream, Item, MetadataValue

MOST_STALE = 1  # compared items with other files; a file that was renamed or deleted since changes no time stamp
_ENTITY_TYPE, _RELATION = "dspace.entity.type", "relation."  # REST adds values of related items to such items
Pair = tuple[Item, Item]  # an item over OAI-PMH, with its values as they stand in the XML, and over REST


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far OAI-PMH agrees with REST.

    `is_double`: its values are escaped once too often. `fields`: those that differ. `reason`: why OAI-PMH must not be
    used, or "".
    """

    is_double: bool = False
    fields: frozenset[str] = frozenset()
    reason: str = ""

    def needs_rest(self, item: Item) -> bool:
        """Return whether an item must be read over REST, because its record may not give what REST gives."""
        values = item.metadata or ()
        names = {value.field for value in values}
        if self.fields & names or any(name == _ENTITY_TYPE or name.startswith(_RELATION) for name in names):
            return True
        if not _has_order(values):
            return True
        texts = [value.value or "" for value in values]
        return any(map(has_unescaped if self.is_double else has_entity, texts))

    def plain(self, item: Item) -> Item:
        """Return an item with its values as the repository holds them."""
        return _with_plain_values(item) if self.is_double else item


def _has_order(values: Collection[MetadataValue]) -> bool:
    """Return whether a record gives the order of all values.

    It groups the values of a field by language, in the order of the first value of each. So the order of a field is
    unknown if it has several languages, and several values in one of them.
    """
    numbers = Counter((value.field, value.language) for value in values)
    languages = Counter(field for field, _language in numbers)
    return not any(number > 1 and languages[field] > 1 for (field, _language), number in numbers.items())


def compare(pairs: Sequence[Pair]) -> Agreement:
    """Return how far these pairs agree. Both items of a pair must have the same time of their last change."""
    is_double = _is_double(pairs)
    rough = Agreement(is_double)
    compared = [(rough.plain(oai), rest) for oai, rest in pairs if not rough.needs_rest(oai)]
    fields, lost = set[str](), set[str]()
    for oai, rest in compared:
        different = _different_fields(oai, rest)
        fields |= different
        lost |= different - {value.field for value in oai.metadata or ()}
    found = Agreement(is_double, frozenset(fields))
    return replace(found, reason=_reason(found, lost, compared))


def _reason(found: Agreement, lost: Iterable[str], compared: Sequence[Pair]) -> str:
    """Return why OAI-PMH must not be used, or ""."""
    if lost:
        return _("OAI-PMH leaves out values of %(fields)s.", fields=", ".join(sorted(lost)))
    different = [oai for oai, _rest in compared if any(value.field in found.fields for value in oai.metadata or ())]
    if len(different) * 3 > len(compared):
        return _("Values of these fields differ: %(fields)s.", fields=", ".join(sorted(found.fields)))
    unlike = [rest for oai, rest in compared if not _lists_files_of(oai, rest)]
    if len(unlike) > MOST_STALE:
        return _("The lists of files differ, for example those of %(item)s.", item=unlike[0].handle or unlike[0].id)
    return ""


def _is_double(pairs: Iterable[Pair]) -> bool:
    """Return whether values of OAI-PMH are equal to those of REST only after they were unescaped once."""
    is_double = False
    for oai, rest in pairs:
        over_rest = {(value.field, value.value) for value in rest.metadata or ()}
        for value in oai.metadata or ():
            if has_entity(value.value or ""):
                if (value.field, value.value) in over_rest:
                    return False
                is_double = is_double or (value.field, unescaped(value).value) in over_rest
    return is_double


def _with_plain_values(item: Item) -> Item:
    values = tuple(map(unescaped, item.metadata or ()))
    title = next((value.value for value in values if value.field == "dc.title"), None)
    return replace(item, metadata=values, name=title)


def _different_fields(oai: Item, rest: Item) -> set[str]:
    """Return the fields whose values differ. The name of an item is its title."""
    first, second = _by_field(oai), _by_field(rest)
    different = {field for field in first.keys() | second.keys() if first.get(field) != second.get(field)}
    return different if oai.name == rest.name else different | {"dc.title"}


def _by_field(item: Item) -> Mapping[str, list[MetadataValue]]:
    found: dict[str, list[MetadataValue]] = {}
    for value in item.metadata or ():
        found.setdefault(value.field, []).append(value)
    return found


def _lists_files_of(oai: Item, rest: Item) -> bool:
    """Return whether OAI-PMH lists all files of REST, with equal data and in the same order.

    It may list more: files of closed bundles.
    """
    wanted = [_plain(file) for file in rest.bitstreams or ()]
    ids = {file.id for file in wanted}
    return [_plain(file) for file in oai.bitstreams or () if file.id in ids] == wanted


def _plain(file: Bitstream) -> Bitstream:
    return structs.replace(file, access=None)
