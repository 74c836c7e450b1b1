"""The form in which the tables of published items and of conflicts store the data of items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..omeka.resources import Item, Value
from .merge import Sent
from .resource_groups import MEMBERS, MEMBERSHIPS

_DEFAULTS = asdict(Value("", ""))
_IDS = "ids"


def to_json(item: Item) -> dict[str, Any]:
    """Return the data of an item. Members of values that have their default are left out."""
    members = {name: group_to_json(getattr(item, name)) for name in (*MEMBERS, *MEMBERSHIPS)}
    return {"values": group_to_json(item.values), **members}


def from_json(stored: Mapping[str, Any]) -> Item:
    """Return the data that `to_json` gave."""
    return Item(**{name: group_from_json(group) for name, group in stored.items()})


def group_to_json(group: Any) -> Any:
    """Return values as a list, ids as an object with a list, and other members such as the class as they are."""
    if isinstance(group, frozenset):
        return {_IDS: sorted(group)}
    if not isinstance(group, tuple):
        return group
    return [{name: one for name, one in asdict(value).items() if one != _DEFAULTS[name]} for value in group]


def group_from_json(stored: Any) -> Any:
    """Return the group that `group_to_json` gave."""
    if isinstance(stored, dict):
        return frozenset(stored[_IDS])
    return tuple(Value(**_DEFAULTS | value) for value in stored) if isinstance(stored, list) else stored


def sent_of(wanted: Mapping[str, Any] | None, accepted: Mapping[str, Any] | None) -> Sent | None:
    """Return what was last sent, or None if nothing was."""
    return None if wanted is None or accepted is None else Sent(from_json(wanted), from_json(accepted))
