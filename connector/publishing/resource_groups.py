"""The parts of a resource that are compared one by one: the values of each property, and the members beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..omeka import Resource, Value

CLASS, TEMPLATE, VISIBILITY = "resource_class", "template", "is_public"
MEMBERS = (CLASS, TEMPLATE, VISIBILITY)
AnyResource = TypeVar("AnyResource", bound=Resource)


def by_property(values: Sequence[Value]) -> dict[str, tuple[Value, ...]]:
    """Return the values by property, in their order."""
    found: dict[str, tuple[Value, ...]] = {}
    for value in values:
        found[value.property] = (*found.get(value.property, ()), value)
    return found


def groups_of(resource: Resource) -> dict[str, Any]:
    """Return the values by property, and the members by name. The order of the properties does not count."""
    members = {name: getattr(resource, name) for name in MEMBERS}
    return {**by_property(resource.values), **members}


def group_of(resource: Resource, name: str) -> Any:
    """Return the values of a property, or a member."""
    return groups_of(resource).get(name, ())


def with_groups(resource: AnyResource, groups: Mapping[str, Any]) -> AnyResource:
    """Return the resource with these groups in place of its own. An empty group removes a property."""
    members = {name: group for name, group in groups.items() if name in MEMBERS}
    values = by_property(resource.values) | {name: group for name, group in groups.items() if name not in MEMBERS}
    flat = tuple(value for group in values.values() for value in group)
    return replace(resource, values=flat, **members)
