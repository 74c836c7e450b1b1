"""A source that moves while it is read: it is listed once more, so that what was missed is read and what went is found.

What goes shifts what comes after it on later pages, and what comes makes up for it in the counts: they alone hide both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from ..dspace.records import Page, Subset
from ..extensions import db, transaction
from ..models.jobs import ImportJob

if TYPE_CHECKING:
    from .importer import Importer

JOB = ImportJob.__table__


def relist_if_changed(harvest: Importer) -> None:
    """After the walk over all of a scope, where the source has moved meanwhile: list it again, ids only."""
    if harvest.is_partial or not _has_moved(harvest):
        return
    listed: set[str] = set()
    kept = {"walk": harvest.cursor["walk"]} if "walk" in harvest.cursor else {}
    harvest.record(_missed(harvest, listed), "again", "Listing again what moved meanwhile:", **kept)
    gone = harvest.recorder.met() - listed
    with transaction():
        harvest.run.advance(harvest.recorder.forget(gone) | harvest.requests())


def _has_moved(harvest: Importer) -> bool:
    """Whether its count fell below what was seen; or, on DSpace 7 and later, changed, or anything was indexed anew.

    The counts of older ones are of parts, and grow with the walk.
    """
    expected, seen = db.session.execute(select(JOB.c.expected, JOB.c.seen).where(JOB.c.id == harvest.job_id)).one()
    db.session.rollback()
    if expected is not None and seen > expected:
        return True
    if harvest.began is None or not harvest.client.can_select:
        return False
    return len(harvest.totals) > 1 or bool(harvest.client.count(harvest.scope, Subset(indexed_since=_began(harvest))))


def _began(harvest: Importer) -> datetime:
    return datetime.fromisoformat(harvest.began).astimezone(UTC)


def _missed(harvest: Importer, listed: set[str]) -> Iterator[Page]:
    """The pages with what this job has not met, those it has met left out; `listed` takes the ids of all.

    What is said of the whole scope stands, where it is a count of parts.
    """
    said = {} if harvest.client.can_select else {"total": None, "hidden": {}, "unlisted": {}, "overcounted": {}}
    for page in harvest.pages(None, light=True, seen=lambda ids: set()):
        ids = {each.id for each in (*page.items, *page.failures) if each.id}
        listed |= ids
        known = harvest.recorder.seen(ids)
        items = tuple(item for item in page.items if item.id not in known)
        failures = tuple(failure for failure in page.failures if failure.id not in known)
        yield replace(page, items=items, failures=failures, **said)
