"""The form in which the tables of published items and of conflicts store the data of items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ..omeka import Resource, Value
from .merge import MEMBERS, Sent, part_of

_DEFAULTS = asdict(Value("", ""))


def to_json(resource: Resource) -> dict[str, Any]:
    """Return the data of an item. Members of values that have their default are left out."""
    return {
        "values": _values_to_json(resource.values),
        "is_public": resource.is_public,
        "resource_class": resource.resource_class,
        "template": resource.template,
    }


def from_json(stored: Mapping[str, Any]) -> Resource:
    """Return the data that `to_json` gave."""
    return Resource(
        _values_from_json(stored["values"]), stored["is_public"], stored["resource_class"], stored["template"]
    )


def part_to_json(resource: Resource, name: str) -> Any:
    """Return a part of an item (see `part_of`)."""
    part = part_of(resource, name)
    return part if name in MEMBERS else _values_to_json(part)


def part_from_json(name: str, stored: Any) -> Any:
    """Return the part that `part_to_json` gave."""
    return stored if name in MEMBERS else _values_from_json(stored)


def _values_to_json(values: Iterable[Value]) -> list[dict[str, Any]]:
    return [{name: one for name, one in asdict(value).items() if one != _DEFAULTS[name]} for value in values]


def _values_from_json(stored: Iterable[dict[str, Any]]) -> tuple[Value, ...]:
    return tuple(Value(**_DEFAULTS | value) for value in stored)


def sent_of(wanted: Mapping[str, Any] | None, accepted: Mapping[str, Any] | None) -> Sent | None:
    """Return what was last sent, or None if nothing was."""
    return None if wanted is None or accepted is None else Sent(from_json(wanted), from_json(accepted))
