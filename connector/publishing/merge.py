"""Merges what we want with what people changed at a destination. It only computes.

For each property, three values are compared: what we sent last, what we want now, and what stands there now. If only
ours changed, ours is taken. If theirs changed, theirs stays. If both changed, theirs stays and is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..models.publishing import Choice
from ..omeka import Item, Resource, Value
from ..omeka.resources import IDENTIFIER

Values = tuple[Value, ...]
CLASS, TEMPLATE, VISIBILITY = MEMBERS = "resource_class", "template", "is_public"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was last sent for an item (`wanted`), and what the site had stored of it (`accepted`)."""

    wanted: Resource
    accepted: Resource


@dataclass(frozen=True, slots=True)
class Merge:
    """The item to write, the properties of which both sides changed, and those whose values are now ours."""

    item: Item
    conflicts: tuple[str, ...]
    ours: frozenset[str]


def merge(wanted: Resource, sent: Sent | None, current: Item) -> Merge:
    """Return the item with our changes and with all changes of others. `sent`: None if we never wrote to the item."""
    mine, there = _by_property(wanted.values), _by_property(current.values)
    before = _by_property(sent.wanted.values) if sent else {}
    stored = _by_property(sent.accepted.values) if sent else {}
    values: dict[str, Values] = {}
    ours, conflicts = set[str](), []
    for name in dict.fromkeys((*there, *mine, *before)):
        new, now = mine.get(name, ()), there.get(name, ())
        if sent is None:
            chosen, is_conflict = _adopted(name, new, now)
        else:
            chosen, is_conflict = _chosen(new, before.get(name, ()), stored.get(name, ()), now)
        values[name] = chosen
        if is_conflict:
            conflicts.append(name)
        elif chosen == new:
            ours.add(name)
    changes: dict[str, Any] = {}
    for name in MEMBERS:
        new, now = getattr(wanted, name), getattr(current, name)
        if sent is None:
            changes[name] = now
            continue
        changes[name], is_conflict = _chosen(new, getattr(sent.wanted, name), getattr(sent.accepted, name), now)
        if is_conflict:
            conflicts.append(name)
        elif changes[name] == new:
            ours.add(name)
    flat = tuple(value for group in values.values() for value in group)
    return Merge(replace(current, values=flat, **changes), tuple(conflicts), frozenset(ours))


def sent_after(wanted: Resource, sent: Sent | None, merged: Merge, written: Item) -> Sent:
    """Return what to compare with next time. Only what is ours now counts as sent."""
    old = sent or Sent(Resource((), written.is_public), Resource((), written.is_public))
    return Sent(
        _updated(old.wanted, wanted, merged.ours),
        _updated(old.accepted, written, merged.ours),
    )


def part_of(resource: Resource, name: str) -> Any:
    """Return the values of a property, or a member."""
    return getattr(resource, name) if name in MEMBERS else _by_property(resource.values).get(name, ())


def with_part(resource: Resource, name: str, part: Any) -> Resource:
    """Return the resource with other values of a property, or with another member."""
    if name in MEMBERS:
        return replace(resource, **{name: part})
    return replace(resource, values=(*(value for value in resource.values if value.property != name), *part))


def settled(sent: Sent, name: str, choice: Choice, ours: Any, theirs: Any) -> Sent:
    """Return what to compare with after a person has settled a conflict between these two parts.

    If another part stands there by now, `merge` finds a conflict again.
    """
    if choice == Choice.OURS:
        return Sent(sent.wanted, with_part(sent.accepted, name, theirs))
    return Sent(with_part(sent.wanted, name, ours), sent.accepted)


def _chosen(new: Any, before: Any, stored: Any, now: Any) -> tuple[Any, bool]:
    """Return what to write, and whether both sides changed it."""
    if new in (before, now):
        return now, False
    return (new, False) if now == stored else (now, True)


def _adopted(name: str, new: Values, now: Values) -> tuple[Values, bool]:
    """Return what to write to an item that was there before us. Its values stay, and empty properties are filled."""
    if name == IDENTIFIER:
        return now + tuple(value for value in new if value not in now), False
    if not now or set(new) <= set(now):
        return now or new, False
    return now, True


def _updated(old: Resource, new: Resource, names: Iterable[str]) -> Resource:
    """Return the old data with these properties and members from the new data."""
    ours = set(names)
    kept, taken = _by_property(old.values), _by_property(new.values)
    groups = {name: group for name, group in kept.items() if name not in ours}
    groups |= {name: taken[name] for name in taken if name in ours}
    members = {name: getattr(new if name in ours else old, name) for name in MEMBERS}
    return Resource(tuple(value for group in groups.values() for value in group), **members)


def _by_property(values: Sequence[Value]) -> Mapping[str, Values]:
    found: dict[str, Values] = {}
    for value in values:
        found[value.property] = (*found.get(value.property, ()), value)
    return found
