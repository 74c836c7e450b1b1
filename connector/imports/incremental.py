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

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ..catalogue import store
from ..dspace.records import SourceState, Subset
from ..extensions import db, transaction
from ..models.catalogue import Holding
from . import rolling_recheck

if TYPE_CHECKING:
    from .importer import Importer

HOLDING, ITEM = Holding.__table__, store.ITEM
OVERLAP = timedelta(minutes=10)
SHELVES = ("item_set", "item_set_id", "item_set_from_collection")


def proof(importer: Importer) -> dict[str, Any] | None:
    """Return what a complete run records for the next one, or None if the source cannot select by index time.

    `since`: when the run began by the server's clock. All items of the scope indexed before that are held.
    """
    if importer.began is None or not importer.client.can_select:
        return None
    return {
        "since": importer.began,
        "recent": importer.recent,
        **_circumstances(importer),
        "plan": rolling_recheck.plan(importer),
    }


def read_changes(importer: Importer) -> bool:
    """Read the changes since the last complete run. Return False if the whole scope must be listed instead.

    This is so if there is no valid proof, the server cannot count, more than half of the items changed, or the counts
    disagree.
    """
    total = importer.client.count(importer.scope) if _has_proof(importer) else None  # the response gives the time
    changed = importer.client.count(importer.scope, _since(importer)) if total is not None else None
    if "recent" not in importer.cursor:
        importer.recent = 0 if changed == 0 else _recent(importer)
    if changed and changed == importer.proof.get("recent") and not _is_newer(importer):
        return total == _held(importer) and _keep_the_rest(importer, total)
    if changed is None or changed * 2 > total:
        return False
    if changed:
        _read(importer, total)
        total = importer.client.count(importer.scope)
    return total == _held(importer) and _keep_the_rest(importer, total)


def _recent(importer: Importer) -> int | None:
    """Return how many items were indexed since ten minutes before this job, or None if unknown.

    Call this before the scope is read. Items that appear in the index later are left to the next run.
    """
    if importer.is_partial or not importer.client.can_select:
        return None
    if importer.began is None and importer.client.count(importer.scope) is None:  # the response gives the time
        return None
    return None if importer.began is None else importer.client.count(importer.scope, _reaching_back(importer.began))


def _is_newer(importer: Importer) -> bool:
    """Return whether items may have been indexed since the last complete run began."""
    if importer.clock_difference < timedelta():
        return True  # the clock may have been set back since then
    began = datetime.fromisoformat(importer.proof["since"]).astimezone(UTC)
    return importer.client.count(importer.scope, Subset(indexed_since=began)) != 0


def _reaching_back(moment: str, further: timedelta = timedelta()) -> Subset:
    return Subset(indexed_since=datetime.fromisoformat(moment).astimezone(UTC) - OVERLAP - further)


def _since(importer: Importer) -> Subset:
    """Return the subset indexed since the last complete run began, or earlier if the server's clock is behind."""
    return _reaching_back(importer.proof["since"], max(-importer.clock_difference, timedelta()))


def _has_proof(importer: Importer) -> bool:
    """Return whether the proof of the last complete run is valid for this run."""
    known = importer.proof
    listed_in_part = "walk" in importer.cursor
    if not known or listed_in_part or importer.is_partial or not importer.client.can_select:
        return False
    return not importer.is_full and _circumstances(importer).items() <= known.items()


def _circumstances(importer: Importer) -> Mapping[str, Any]:
    """Return what must be unchanged for a proof to be valid: server, login, visibility in searches, item sets."""
    server = importer.place.server
    shelves = [importer.options.get(name) or None for name in SHELVES]
    reader = {"login": importer.reader, "private": importer.searches_private}
    return {"server": [server.api_url, server.version], "shelves": shelves, **reader}


def _read(importer: Importer, total: int) -> None:
    pages = importer.pages(importer.cursor.get("changes"), light=False, subset=_since(importer))
    importer.record((replace(page, total=total) for page in pages), "changes")


def _held(importer: Importer) -> int:
    number = importer.recorder.held(_present(importer))
    db.session.rollback()
    return number


def _keep_the_rest(importer: Importer, total: int) -> bool:
    """Mark all unchanged items as seen, in one statement. Return True."""
    rest = _present(importer).where(importer.recorder.unseen)
    with transaction():
        number = importer.recorder.keep(rest)
        importer.run.advance({"seen": number, "unchanged": number}, expected=total)
    return True


def _present(importer: Importer) -> Any:
    """Return a SELECT of the holdings of this source whose items are present at the source, as last known."""
    query = select(HOLDING.c.id).join(ITEM, ITEM.c.id == HOLDING.c.item_id)
    return query.where(
        HOLDING.c.source_id == importer.source_id,
        HOLDING.c.left.is_(None),
        ITEM.c.source_state == SourceState.PRESENT,
    )
