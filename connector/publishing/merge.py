"""The three-way merge of our changes of an item with the edits of people at a destination. It only computes.

For each property it compares what we sent last, our present value, and the present value at the destination. If only
our value changed, ours is taken. If only theirs changed, theirs is kept. If both changed, theirs is kept and the
property is a conflict. Item sets and sites that are new on our side are added to those at the destination.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..models.publishing import Choice
from ..omeka.resources import IDENTIFIER, URI, Item, Value
from .resource_groups import MEMBERS, MEMBERSHIPS, by_property, groups_of, with_groups

Values = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """What was last sent for an item (`wanted`), and what the site had stored of it (`accepted`)."""

    wanted: Item
    accepted: Item


@dataclass(frozen=True, slots=True)
class Merge:
    """The item to write, the properties of which both sides changed, and those whose values are now ours."""

    item: Item
    conflicts: tuple[str, ...]
    ours: frozenset[str]


def merge(wanted: Item, sent: Sent | None, current: Item) -> Merge:
    """Return the item with our changes and with all changes of others. `sent`: None if we never wrote to the item."""
    mine, there = by_property(wanted.values), by_property(current.values)
    before = by_property(sent.wanted.values) if sent else {}
    stored = by_property(sent.accepted.values) if sent else {}
    values: dict[str, Values] = {}
    ours, conflicts = set[str](), []
    for name in dict.fromkeys((*there, *mine, *before)):
        new, now = mine.get(name, ()), there.get(name, ())
        if name not in before and name not in stored:
            chosen, is_conflict = _adopted(name, new, now, completes=sent is None)
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
    for name in MEMBERSHIPS:
        new_ids = _new_ids(wanted, sent.wanted, name) if sent else frozenset()
        changes[name] = _union(getattr(current, name), new_ids or None)
    flat = tuple(value for group in values.values() for value in group)
    return Merge(replace(current, values=flat, **changes), tuple(conflicts), frozenset(ours))


def sent_after(wanted: Item, sent: Sent | None, merged: Merge, written: Item) -> Sent:
    """Return what to compare with next time. Only what is ours now counts as sent.

    If we did not create the item, its own members count as sent, so that they are kept next time, too.
    """
    old = sent or Sent(replace(wanted, values=()), with_groups(Item(()), _members_of(written)))
    mine, there = groups_of(wanted), groups_of(written)
    memberships = {name: _union(getattr(old.wanted, name), mine[name]) for name in MEMBERSHIPS}
    accepted = {name: _union(getattr(old.accepted, name), _common(mine[name], there[name])) for name in MEMBERSHIPS}
    return Sent(
        with_groups(old.wanted, {name: mine.get(name, ()) for name in merged.ours} | memberships),
        with_groups(old.accepted, {name: there.get(name, ()) for name in merged.ours} | accepted),
    )


def settled(sent: Sent, name: str, choice: Choice, ours: Any, theirs: Any) -> Sent:
    """Return what to compare with after a person has settled a conflict between these two groups.

    If the destination has another group by then, `merge` finds a conflict again.
    """
    if choice == Choice.OURS:
        return Sent(sent.wanted, with_groups(sent.accepted, {name: theirs}))
    return Sent(with_groups(sent.wanted, {name: ours}), sent.accepted)


def is_same(one: Sent | None, other: Sent | None) -> bool:
    """Return whether two records of what was sent are equal. The order of their properties does not count."""
    if one is None or other is None:
        return one is other
    return (groups_of(one.wanted), groups_of(one.accepted)) == (groups_of(other.wanted), groups_of(other.accepted))


def _chosen(new: Any, before: Any, stored: Any, now: Any) -> tuple[Any, bool]:
    """Return what to write, and whether both sides changed it."""
    if new in (before, now):
        return now, False
    return (new, False) if now == stored else (now, True)


def _adopted(name: str, new: Values, now: Values, *, completes: bool) -> tuple[Values, bool]:
    """Return the values for a property that we never wrote, and whether the two sides differ.

    Its values stay. If it is empty, it is filled. With `completes`, it is completed if all of its values are also ours
    (design rule 19).
    """
    completed = now + tuple(value for value in new if not _is_among(value, now))
    if not now or name in (IDENTIFIER, URI) or (completes and set(now) <= set(new)):
        return completed, False
    return now, completed != now


def _is_among(value: Value, values: Values) -> bool:
    """Return whether a value is there already. The label of an address does not count."""
    return any(value == one or (value.uri is not None and value.uri == one.uri) for one in values)


def _new_ids(wanted: Item, before: Item, name: str) -> frozenset[int]:
    """Return the ids of item sets or sites that we have never sent."""
    ids: frozenset[int] = (getattr(wanted, name) or frozenset()) - (getattr(before, name) or frozenset())
    return ids


def _union(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    return one if other is None else (one or frozenset()) | other


def _common(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int]:
    return (one or frozenset()) & (other or frozenset())


def _members_of(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in MEMBERS}
