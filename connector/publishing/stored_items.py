"""The form in which the tables of published items and of conflicts store the data of items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..omeka import Resource, Value
from .merge import Sent

_DEFAULTS = asdict(Value("", ""))


def to_json(resource: Resource) -> dict[str, Any]:
    """Return the data of an item. Members of values that have their default are left out."""
    return {
        "values": group_to_json(resource.values),
        "is_public": resource.is_public,
        "resource_class": resource.resource_class,
        "template": resource.template,
    }


def from_json(stored: Mapping[str, Any]) -> Resource:
    """Return the data that `to_json` gave."""
    values = group_from_json(stored["values"])
    return Resource(values, stored["is_public"], stored["resource_class"], stored["template"])


def group_to_json(group: Any) -> Any:
    """Return a list of values, or a member such as the class as it is (see `resource_groups`)."""
    if not isinstance(group, tuple):
        return group
    return [{name: one for name, one in asdict(value).items() if one != _DEFAULTS[name]} for value in group]


def group_from_json(stored: Any) -> Any:
    """Return the group that `group_to_json` gave."""
    return tuple(Value(**_DEFAULTS | value) for value in stored) if isinstance(stored, list) else stored


def sent_of(wanted: Mapping[str, Any] | None, accepted: Mapping[str, Any] | None) -> Sent | None:
    """Return what was last sent, or None if nothing was."""
    return None if wanted is None or accepted is None else Sent(from_json(wanted), from_json(accepted))
