"""Recognises what people edited in Omeka S since we wrote it. It only computes."""

from __future__ import annotations

from collections.abc import Collection

from ..omeka import Item, ItemSet, Media
from ..omeka.resources import IDENTIFIER, TITLE, URI
from .merge import Sent
from .resource_groups import groups_of


def is_edited(item: Item, sent: Sent | None, item_sets: Collection[int]) -> bool:
    """Return whether somebody edited an item that we created, put it into other item sets, or linked to it.

    `sent`: None if the answer to its creation was lost. `item_sets`: those of ours at the destination.
    """
    is_changed = groups_of(item) != groups_of(sent.accepted) if sent else item.modified != item.created
    return is_changed or item.is_linked or not set(item.item_sets) <= set(item_sets)


def is_edited_medium(media: Media) -> bool:
    """Return whether somebody edited a medium, or added one that is no uploaded file. We never change media."""
    return media.modified != media.created or media.ingester != "upload"


def is_edited_set(item_set: ItemSet) -> bool:
    """Return whether somebody edited an item set that we created. We never change item sets."""
    own = {TITLE, IDENTIFIER, URI}
    is_described = any(value.property not in own for value in item_set.values)
    return is_described or item_set.modified != item_set.created
