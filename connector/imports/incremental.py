"""Reads only what changed since the last complete run, where the source's own counts prove that nothing else did.

Two questions are enough: how many items the scope has, and which of them were indexed anew since then (DSpace 7 and
later; that moves for metadata, files, policies and mapping alike, where `lastModified` does not). An item that went
makes the count fall short of what is held, so the rest is as it was exactly when the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ..catalogue import store
from ..catalogue.models import Holding
from ..dspace.records import SourceState, Subset
from ..extensions import db, transaction
from . import slices

if TYPE_CHECKING:
    from .harvest import Harvest

HOLDING, ITEM = Holding.__table__, store.ITEM
OVERLAP = timedelta(minutes=10)
SHELVES = ("item_set", "item_set_id", "item_set_from_collection")


def proof(harvest: Harvest) -> dict[str, Any] | None:
    """What a complete run leaves for the next one: since when, as the server's clock says, all of the scope is held."""
    if harvest.began is None or not harvest.client.can_select:
        return None
    return {"since": harvest.began, **_circumstances(harvest), "plan": slices.plan(harvest)}


def read_changes(harvest: Harvest) -> bool:
    """Read what changed since the last complete run; False where the whole scope has to be listed after all.

    That is where nothing is proven yet, the server cannot say, says that most of it changed, or the counts disagree.
    """
    since = _since(harvest)
    total = harvest.client.count(harvest.scope) if since else None
    changed = harvest.client.count(harvest.scope, since) if total is not None else None
    if changed is None or changed * 2 > total:
        return False
    if changed:
        _read(harvest, since, total)
        total = harvest.client.count(harvest.scope)
    return total == _held(harvest) and _keep_the_rest(harvest, total)


def _since(harvest: Harvest) -> Subset | None:
    known = harvest.proof
    listed_in_part = "walk" in harvest.cursor
    if not known or listed_in_part or harvest.is_partial or not harvest.client.can_select:
        return None
    if harvest.options.get("full") or not _circumstances(harvest).items() <= known.items():
        return None
    return Subset(indexed_since=datetime.fromisoformat(known["since"]).astimezone(UTC) - OVERLAP)


def _circumstances(harvest: Harvest) -> Mapping[str, Any]:
    """What must be the same for a proof to hold: the server and who reads it, and where unchanged items would go."""
    server = harvest.place.server
    shelves = [harvest.options.get(name) or None for name in SHELVES]
    return {"server": [server.api_url, server.version], "shelves": shelves, "login": harvest.reader}


def _read(harvest: Harvest, since: Subset, total: int) -> None:
    pages = harvest.pages(harvest.cursor.get("changes"), light=False, subset=since)
    harvest.record((replace(page, total=total) for page in pages), "changes")


def _held(harvest: Harvest) -> int:
    number = harvest.recorder.held(_present(harvest))
    db.session.rollback()
    return number


def _keep_the_rest(harvest: Harvest, total: int) -> bool:
    """Count all that did not change as seen, in one statement."""
    rest = _present(harvest).where(harvest.recorder.unseen)
    with transaction():
        number = harvest.recorder.keep(rest)
        harvest.run.advance({"seen": number, "unchanged": number}, expected=total)
    return True


def _present(harvest: Harvest) -> Any:
    """Holdings of this source whose items are there as far as we know."""
    query = select(HOLDING.c.id).join(ITEM, ITEM.c.id == HOLDING.c.item_id)
    return query.where(
        HOLDING.c.source_id == harvest.source_id,
        HOLDING.c.left.is_(None),
        ITEM.c.source_state == SourceState.PRESENT,
    )
