"""The parts of an item that are compared one by one: the values of each property, and members such as the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..omeka.resources import Item, Value

CLASS, TEMPLATE, VISIBILITY = "resource_class", "template", "is_public"
MEMBERS = (CLASS, TEMPLATE, VISIBILITY)
ITEM_SETS, SITES = "item_sets", "sites"
MEMBERSHIPS = (ITEM_SETS, SITES)  # sets of ids, to which we only add
_NAMES = (*MEMBERS, *MEMBERSHIPS)


def by_property(values: Sequence[Value]) -> dict[str, tuple[Value, ...]]:
    """Return the values by property, in their order."""
    found: dict[str, tuple[Value, ...]] = {}
    for value in values:
        found[value.property] = (*found.get(value.property, ()), value)
    return found


def groups_of(item: Item) -> dict[str, Any]:
    """Return the values by property, and the members by name. The order of the properties does not count."""
    members = {name: getattr(item, name) for name in _NAMES}
    return {**by_property(item.values), **members}


def group_of(item: Item, name: str) -> Any:
    """Return the values of a property, or a member."""
    return groups_of(item).get(name, ())


def differing(one: Item, other: Item) -> list[str]:
    """Return the names of the groups in which two items differ, without item sets and sites."""
    mine, theirs = groups_of(one), groups_of(other)
    names = [name for name in {**mine, **theirs} if name not in MEMBERSHIPS]
    return [name for name in names if mine.get(name, ()) != theirs.get(name, ())]


def with_groups(item: Item, groups: Mapping[str, Any]) -> Item:
    """Return the item with these groups in place of its own. An empty group removes a property."""
    members = {name: group for name, group in groups.items() if name in _NAMES}
    values = by_property(item.values) | {name: group for name, group in groups.items() if name not in _NAMES}
    flat = tuple(value for group in values.values() for value in group)
    return replace(item, values=flat, **members)
