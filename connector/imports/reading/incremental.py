"""Reads only the items changed since the last complete run, if the counts of the source prove that no others changed.

Two queries are enough: how many items the scope has, and which of them were indexed since then (DSpace 7 and later).
The index time changes for metadata, added files, mapping, moves and new items. It does not change for a deleted or
renamed file, a lifted embargo or a closed file (9.3, docs/dspace-findings.md). Only the rolling recheck finds these
changes (see `rolling_recheck`). After a deletion the source counts fewer items than the catalogue holds.

An item may appear in the index some time after its index time, so the query reaches ten minutes back. A run records the
number of items in these ten minutes when it begins. If the next run finds the same number and no newer item, nothing
changed.

If the clocks of the server and this machine differ by more than that, the difference matters. If the server is ahead,
a run records our time for the next run. If the server is behind, a run queries from earlier by the difference, since
the clock may have been correct when the last run began.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from ...dspace.records import SourceState, Subset
from ...extensions import db, transaction
from ...models.catalogue import HOLDING, ITEM
from ..context.completeness_proof import Circumstances, CompletenessProof
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from . import rolling_recheck
from .page_processor import PageProcessor
from .server_clock import OVERLAP, begin_time, clock_difference


def proof_json(context: ImportContext) -> dict[str, Any] | None:
    """Return the proof that a complete run records for the next one.

    Return None if the source cannot select by index time.
    """
    began = begin_time(context)
    if began is None or not context.client.can_select:
        return None
    plan = rolling_recheck.plan(context)
    return CompletenessProof(began, context.progress.recent, _circumstances(context), plan).to_json()


def read_changes(context: ImportContext, processor: PageProcessor) -> bool:
    """Read the changes since the last complete run. Return False if the whole scope must be listed instead.

    This is so if there is no valid proof, the server cannot count, more than half of the items changed, or the counts
    disagree.
    """
    proof = _valid_proof(context)
    total = context.client.count(context.scope) if proof else None  # the response gives the time
    changed = context.client.count(context.scope, _since(context, proof)) if proof and total is not None else None
    if not context.progress.is_stored:
        context.progress.recent = 0 if changed == 0 else _recent(context)
    if proof is None or total is None or changed is None:
        return False
    if changed and changed == proof.recent and not _is_newer(context, proof):
        return total == _held_count(context) and _keep_the_rest(context, total)
    if changed * 2 > total:
        return False
    if changed:
        _read(context, processor, proof, total)
        total = context.client.count(context.scope)
    return total == _held_count(context) and _keep_the_rest(context, total)


def _recent(context: ImportContext) -> int | None:
    """Return how many items were indexed since ten minutes before this job, or None if unknown.

    Call this before the scope is read. Items that appear in the index later are left to the next run.
    """
    if context.options.is_partial or not context.client.can_select:
        return None
    if begin_time(context) is None and context.client.count(context.scope) is None:  # the response gives the time
        return None
    began = begin_time(context)
    return None if began is None else context.client.count(context.scope, _reaching_back(began))


def _is_newer(context: ImportContext, proof: CompletenessProof) -> bool:
    """Return whether items may have been indexed since the last complete run began."""
    if clock_difference(context) < timedelta():
        return True  # the clock may have been set back since then
    began = datetime.fromisoformat(proof.since).astimezone(UTC)
    return context.client.count(context.scope, Subset(indexed_since=began)) != 0


def _reaching_back(moment: str, further: timedelta = timedelta()) -> Subset:
    return Subset(indexed_since=datetime.fromisoformat(moment).astimezone(UTC) - OVERLAP - further)


def _since(context: ImportContext, proof: CompletenessProof) -> Subset:
    """Return the subset indexed since the last complete run began, or earlier if the server's clock is behind."""
    return _reaching_back(proof.since, max(-clock_difference(context), timedelta()))


def _valid_proof(context: ImportContext) -> CompletenessProof | None:
    """Return the proof of the last complete run, or None if this run cannot rely on it."""
    proof, options = context.proof, context.options
    is_listed_in_part = Listing.WALK in context.progress.places
    if proof is None or is_listed_in_part or options.is_partial or options.full or not context.client.can_select:
        return None
    return proof if proof.circumstances == _circumstances(context) else None


def _circumstances(context: ImportContext) -> Circumstances:
    server, options = context.repository.server, context.options
    item_sets = (options.item_set, options.item_set_id, options.item_set_from_collection)
    private = context.client.searches_private
    return Circumstances((server.api_url, server.version), item_sets, context.progress.login, private)


def _read(context: ImportContext, processor: PageProcessor, proof: CompletenessProof, total: int) -> None:
    """Read the items changed since the last complete run. `total`: the count of the whole scope."""
    place = context.progress.places.get(Listing.CHANGES)
    changed = processor.pages(place, light=False, subset=_since(context, proof))
    processor.process((replace(page, total=total) for page in changed), Listing.CHANGES)


def _held_count(context: ImportContext) -> int:
    number = context.recorder.expected_count(_present(context))
    db.session.rollback()
    return number


def _keep_the_rest(context: ImportContext, total: int) -> bool:
    """Mark all unchanged items as seen, in one statement. Return True."""
    rest = _present(context).where(context.recorder.unseen)
    with transaction():
        number = context.recorder.keep(rest)
        context.attempt.advance({"seen": number, "unchanged": number}, expected=total)
    return True


def _present(context: ImportContext) -> Any:
    """Return a SELECT of the holdings of this source whose items are present in the scope, as last known."""
    query = select(HOLDING.c.id).join(ITEM, ITEM.c.id == HOLDING.c.item_id)
    return query.where(
        HOLDING.c.source_id == context.source_id,
        HOLDING.c.left_at.is_(None),
        HOLDING.c.is_named.is_(False),
        ITEM.c.source_state == SourceState.PRESENT,
    )
