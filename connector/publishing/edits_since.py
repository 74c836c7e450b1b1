"""Recognises edits that people made in Omeka S since we wrote an item, medium or item set. It only computes."""

from __future__ import annotations

from collections.abc import Mapping

from ..omeka.resources import IDENTIFIER, TITLE, URI, Item, ItemSet, Media
from .merge import Sent
from .resource_groups import MEMBERSHIPS, groups_of


def is_edited(item: Item, sent: Sent | None) -> bool:
    """Return whether people edited an item that we created, put it into other item sets or sites, or linked to it.

    `sent`: None if the answer to its creation was lost.
    """
    if sent is None:
        return item.is_linked or is_touched(item)
    there, stored = groups_of(item), groups_of(sent.accepted)
    is_added = any((there.pop(name) or frozenset()) - (stored.pop(name) or frozenset()) for name in MEMBERSHIPS)
    return item.is_linked or is_added or there != stored


def is_touched(item: Item) -> bool:
    """Return whether anybody changed an item since it was created."""
    return item.modified != item.created


def has_edited_media(item: Item, files: Mapping[int, int | None]) -> bool:
    """Return whether people added media to an item, or changed the order of ours.

    `files`: the places with which we sent the files that we know, by id of the medium. None: it is not known.
    """
    ours = [number for number in item.media if files.get(number) is not None]
    return not set(item.media) <= files.keys() or ours != sorted(ours, key=lambda number: (files[number], number))


def is_edited_medium(media: Media) -> bool:
    """Return whether people edited a medium, or added one that is not an uploaded file. We never change media."""
    return media.modified != media.created or media.ingester != "upload"


def is_edited_set(item_set: ItemSet) -> bool:
    """Return whether people edited an item set that we created. We never change item sets."""
    own = {TITLE, IDENTIFIER, URI}
    is_described = any(value.property not in own for value in item_set.values)
    return is_described or item_set.modified != item_set.created
