"""Determines which collections an import has read completely. Items leave only the sets of such collections.

DSpace 7 and later name the collection of each item. In older versions an item belongs to the collections that list it,
and a collection that cannot be read lists none.
"""

from __future__ import annotations

from functools import partial

from ..dspace.records import ScopeKind
from ..errors import ConnectorError
from ..jobs import report
from .import_context import ImportContext

NAMES_COLLECTION = 7  # the first generation whose items name their collection


def unread_sets(context: ImportContext) -> set[int] | None:
    """Return the ids of sets whose collection this job could not read completely, or None if any set may be unread."""
    if context.repository.server.generation >= NAMES_COLLECTION:
        return set()
    if report.nameless_failures(context.job_id):
        return None
    found = context.recorder.sets_without_items()
    return {set_id for set_id, name in found.items() if not _is_empty(context, name)}


def _is_empty(context: ImportContext, name: str) -> bool:
    """Return whether the collection with this handle or id can be read and has no items."""
    try:
        scope = context.access.read_with_valid_login(partial(context.client.find, ScopeKind.COLLECTION, name))
        return context.client.collection(scope.id).item_count == 0
    except ConnectorError:
        return False
