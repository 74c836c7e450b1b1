"""Lists a source once more if it changed during the import, to read missed items and find deleted ones.

A deleted item moves later items to earlier pages, and a new item keeps the count the same. Counts alone show neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ...dspace.records import Page, Subset, ids_in
from ...extensions import db, transaction
from ...i18n import gettext as _
from ...jobs import counters
from ...models.jobs import JOB
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from .page_processor import PageProcessor
from .server_clock import begin_time


def relist_if_changed(context: ImportContext, processor: PageProcessor) -> None:
    """List the ids of a full scope again if the source changed during the import.

    Missed items are read. Recorded items that are no longer listed are marked as unseen.
    """
    if context.options.is_partial or not _has_changed(context):
        return
    listed: set[str] = set()
    places = context.progress.places
    kept = {Listing.WALK: places[Listing.WALK]} if Listing.WALK in places else {}
    missed = _missed(context, processor, listed)
    processor.process(missed, Listing.AGAIN, _("Listing items that moved during the import: %(scope)s"), kept=kept)
    gone = context.recorder.seen_ids() - listed
    with transaction():
        context.attempt.advance({**context.recorder.forget(gone), **context.requests.new()})


def _has_changed(context: ImportContext) -> bool:
    """Return whether the source changed during the import.

    That is so if it counts fewer items than were seen. On DSpace 7 and later it is also so if the count changed or
    items were indexed since the import began. Older versions count single parts, and their total grows with the walk.
    """
    expected = db.session.scalar(select(JOB.c.expected).where(JOB.c.id == context.job_id))
    seen = counters.value(context.job_id, "seen")
    db.session.rollback()
    if expected is not None and seen > expected:
        return True
    began = begin_time(context)
    if began is None or not context.client.can_select:
        return False
    since = Subset(indexed_since=datetime.fromisoformat(began).astimezone(UTC))
    return len(context.progress.totals) > 1 or bool(context.client.count(context.scope, since))


def _missed(context: ImportContext, processor: PageProcessor, listed: set[str]) -> Iterator[Page]:
    """Yield the pages of the scope with only items that this job has not met. Add the ids of all items to `listed`.

    Counts of parts are left out, so that the counts of the first listing stay.
    """
    without_counts: dict[str, Any] = (
        {} if context.client.can_select else {"total": None, "not_visible": {}, "unlisted": {}, "overcounted": {}}
    )
    for page in processor.pages(None, light=True, seen=lambda ids: set()):
        page = replace(page, items=context.with_known_ids(page.items))
        ids = set(ids_in(page.items, page.failures))
        listed |= ids
        known = context.recorder.seen(ids)
        items = tuple(item for item in page.items if item.id not in known)
        failures = tuple(failure for failure in page.failures if failure.id not in known)
        yield replace(page, items=items, failures=failures, **without_counts)
