"""Determines which collections an import has read completely. Items leave only the sets of such collections.

DSpace 7 and later name the collection of each item. In older versions an item belongs to the collections that list it,
and a collection that cannot be read lists none.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..dspace.records import ScopeKind
from ..errors import ConnectorError
from ..jobs import report

if TYPE_CHECKING:
    from .importer import Importer

NAMES_COLLECTION = 7  # the first generation whose items name their collection


def unread_sets(importer: Importer) -> set[int] | None:
    """Return the ids of sets whose collection this job could not read completely, or None if any set may be unread."""
    if importer.place.server.generation >= NAMES_COLLECTION:
        return set()
    if report.nameless_failures(importer.job_id):
        return None
    found = importer.recorder.sets_without_items()
    return {set_id for set_id, name in found.items() if not _is_empty(importer, name)}


def _is_empty(importer: Importer, name: str) -> bool:
    """Return whether the collection with this handle or id can be read and has no items."""
    try:
        scope = importer.access.read_with_valid_login(partial(importer.client.find, ScopeKind.COLLECTION, name))
        return importer.client.collection(scope.id).item_count == 0
    except ConnectorError:
        return False
