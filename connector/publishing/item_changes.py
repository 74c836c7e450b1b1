"""The changes of a job to an item that was at the destination before, and their undo. It only computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..omeka.resources import Item
from .merge import Sent
from .resource_groups import groups_of, with_groups
from .stored_items import group_from_json, group_to_json

_FORMER = ("before", "sent", "accepted")  # what an undo restores


@dataclass(frozen=True, slots=True)
class GroupChange:
    """The change of one group (see `resource_groups`): the group at the destination before and after.

    `sent` and `accepted`: what we had last sent and what the site had stored of it, before the change.
    """

    before: Any
    after: Any
    sent: Any
    accepted: Any


Changes = Mapping[str, GroupChange]


@dataclass(frozen=True, slots=True)
class RestoredItem:
    """An item without changes of a job. `restored`, `kept`: the groups that are restored, and those edited since."""

    item: Item
    restored: frozenset[str]
    kept: frozenset[str]


def changes_between(before: Item, after: Item, sent: Sent | None) -> dict[str, GroupChange]:
    """Return what differs between two states of an item. `sent`: what we had last sent before."""
    old, new = groups_of(before), groups_of(after)
    wanted, accepted = (groups_of(sent.wanted), groups_of(sent.accepted)) if sent else ({}, {})
    return {
        name: GroupChange(old.get(name, ()), new.get(name, ()), wanted.get(name, ()), accepted.get(name, ()))
        for name in {**old, **new}
        if old.get(name, ()) != new.get(name, ())
    }


def continued(earlier: Changes, new: Changes, current: Item) -> dict[str, GroupChange]:
    """Return the changes of a resumed job. `earlier`: the changes that an ended attempt planned.

    Those that the destination now has were carried out.
    """
    there = groups_of(current)
    done = {name: change for name, change in earlier.items() if there.get(name, ()) == change.after}
    both = {
        name: GroupChange(done[name].before, new[name].after, done[name].sent, done[name].accepted)
        for name in done.keys() & new.keys()
    }
    return {**done, **new, **both}


def without_changes(changes: Changes, item: Item) -> RestoredItem:
    """Return the item as it was before these changes. A group that the user has edited since is kept."""
    there = groups_of(item)
    ours = {
        name: change.before for name, change in changes.items() if there.get(name, ()) in (change.before, change.after)
    }
    return RestoredItem(with_groups(item, ours), frozenset(ours), frozenset(changes.keys() - ours.keys()))


def sent_before(sent: Sent, changes: Changes, names: frozenset[str]) -> Sent:
    """Return what counts as sent after these groups were restored."""
    return Sent(
        with_groups(sent.wanted, {name: changes[name].sent for name in names}),
        with_groups(sent.accepted, {name: changes[name].accepted for name in names}),
    )


def passed_on(changes: Mapping[str, Any], later: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the changes that no later job changed again, and those of the later job with the state before both jobs.

    A group that a person edited between the two jobs keeps that edit. Both are in the form of `to_json`.
    """
    common = [name for name in changes if name in later and later[name]["before"] == changes[name]["after"]]
    passed = {name: later[name] | {key: changes[name][key] for key in _FORMER} for name in common}
    return {name: change for name, change in changes.items() if name not in later}, {**later, **passed}


def to_json(changes: Changes) -> dict[str, Any]:
    """Return changes in the form in which the table stores them."""
    return {
        name: {key: group_to_json(getattr(change, key)) for key in ("after", *_FORMER)}
        for name, change in changes.items()
    }


def from_json(stored: Mapping[str, Any]) -> dict[str, GroupChange]:
    """Return the changes that `to_json` gave."""
    return {
        name: GroupChange(**{key: group_from_json(group) for key, group in change.items()})
        for name, change in stored.items()
    }
