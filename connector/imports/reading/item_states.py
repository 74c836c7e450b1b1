"""Asks the source for the states of single items: present, withdrawn, deleted and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ...dspace.records import SourceState
from ...errors import LASTING_ERRORS, TransientError
from ..context.import_context import ImportContext
from ..context.item_requests import send_each

KIND = "item state"  # kind of request (see `OutageWait`)


def states_of(context: ImportContext, rows: Sequence[Any]) -> list[tuple[Any, SourceState | None]]:
    """Return these items, each with its state at the source, or None if the state cannot be read."""
    requests = [partial(context.client.item_state, row.source_id, context.scope, row.handle) for row in rows]
    results = send_each(context, KIND, requests)
    return [(row, _state(context, result)) for row, result in zip(rows, results, strict=True)]


def _state(context: ImportContext, result: Callable[[], SourceState]) -> SourceState | None:
    """Return the state of an item, or None if only the requests for this item fail (design rule 12)."""
    try:
        return result()
    except TransientError:
        return None
    except LASTING_ERRORS:
        if context.repository_answers(KIND):
            return None
        raise
