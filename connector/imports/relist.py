"""Lists a source once more if it changed during the import, to read missed items and find deleted ones.

A deleted item moves later items to earlier pages, and a new item keeps the count the same. Counts alone show neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from ..dspace.records import Page, Subset
from ..extensions import db, transaction
from ..models.jobs import Job

if TYPE_CHECKING:
    from .importer import Importer

JOB = Job.__table__


def relist_if_changed(importer: Importer) -> None:
    """List the ids of a full scope again if the source changed during the import.

    Missed items are read. Recorded items that are no longer listed are marked as unseen.
    """
    if importer.is_partial or not _has_moved(importer):
        return
    listed: set[str] = set()
    kept = {"walk": importer.cursor["walk"]} if "walk" in importer.cursor else {}
    importer.record(_missed(importer, listed), "again", "Listing again what moved meanwhile:", **kept)
    gone = importer.recorder.met() - listed
    with transaction():
        importer.run.advance(importer.recorder.forget(gone) | importer.requests())


def _has_moved(importer: Importer) -> bool:
    """Return whether the source changed during the import.

    That is so if it counts fewer items than were seen. On DSpace 7 and later it is also so if the count changed or
    items were indexed since the import began. Older versions count single parts, and their total grows with the walk.
    """
    expected, seen = db.session.execute(select(JOB.c.expected, JOB.c.seen).where(JOB.c.id == importer.job_id)).one()
    db.session.rollback()
    if expected is not None and seen > expected:
        return True
    if importer.began is None or not importer.client.can_select:
        return False
    return len(importer.totals) > 1 or bool(
        importer.client.count(importer.scope, Subset(indexed_since=_began(importer)))
    )


def _began(importer: Importer) -> datetime:
    return datetime.fromisoformat(importer.began).astimezone(UTC)


def _missed(importer: Importer, listed: set[str]) -> Iterator[Page]:
    """Yield the pages of the scope with only items that this job has not met. Add the ids of all items to `listed`.

    Counts of parts are left out, so that the counts of the first listing stay.
    """
    said = {} if importer.client.can_select else {"total": None, "hidden": {}, "unlisted": {}, "overcounted": {}}
    for page in importer.pages(None, light=True, seen=lambda ids: set()):
        ids = {each.id for each in (*page.items, *page.failures) if each.id}
        listed |= ids
        known = importer.recorder.seen(ids)
        items = tuple(item for item in page.items if item.id not in known)
        failures = tuple(failure for failure in page.failures if failure.id not in known)
        yield replace(page, items=items, failures=failures, **said)
