"""Reads only what changed since the last complete run, where the source's own counts prove that nothing else did.

Two questions are enough: how many items the scope has, and which of them were indexed since then (DSpace 7 and later).
The index time moves for metadata, added files, mapping, moves and new items. It does not move for a deleted or renamed
file, a lifted embargo or a closed file (9.3, docs/dspace-findings.md): only the rolling recheck notices these (see
`rolling_recheck`). A deleted item makes the count fall short of what is held.

An index shows an item some time after its index time, so the question reaches ten minutes back. A run notes how many
items these ten minutes held when it began. If they hold as many in the next run, and nothing is newer, nothing changed.

Where the server's clock and ours differ by more, the question reaches back by the difference, too. A run that meets a
clock ahead leaves our time for the next one. A run that meets a clock behind asks from earlier, since the clock may
have been right when the last run began.
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


def proof(harvest: Importer) -> dict[str, Any] | None:
    """What a complete run leaves for the next one: since when, as the server's clock says, all of the scope is held."""
    if harvest.began is None or not harvest.client.can_select:
        return None
    return {
        "since": harvest.began,
        "recent": harvest.recent,
        **_circumstances(harvest),
        "plan": rolling_recheck.plan(harvest),
    }


def read_changes(harvest: Importer) -> bool:
    """Read what changed since the last complete run; False where the whole scope has to be listed after all.

    That is where nothing is proven yet, the server cannot say, says that most of it changed, or the counts disagree.
    """
    total = harvest.client.count(harvest.scope) if _has_proof(harvest) else None  # whose answer tells the time
    changed = harvest.client.count(harvest.scope, _since(harvest)) if total is not None else None
    if "recent" not in harvest.cursor:
        harvest.recent = 0 if changed == 0 else _recent(harvest)
    if changed and changed == harvest.proof.get("recent") and not _is_newer(harvest):
        return total == _held(harvest) and _keep_the_rest(harvest, total)
    if changed is None or changed * 2 > total:
        return False
    if changed:
        _read(harvest, total)
        total = harvest.client.count(harvest.scope)
    return total == _held(harvest) and _keep_the_rest(harvest, total)


def _recent(harvest: Importer) -> int | None:
    """Return how many items were indexed in the ten minutes before this job, and since; None: nobody tells.

    To be asked before the scope is read: what the index shows later is for the next run to find.
    """
    if harvest.is_partial or not harvest.client.can_select:
        return None
    if harvest.began is None and harvest.client.count(harvest.scope) is None:  # whose answer tells the time
        return None
    return None if harvest.began is None else harvest.client.count(harvest.scope, _reaching_back(harvest.began))


def _is_newer(harvest: Importer) -> bool:
    """Return whether items may have been indexed since the last complete run began."""
    if harvest.clock_difference < timedelta():
        return True  # by a clock that may have been set back since then
    began = datetime.fromisoformat(harvest.proof["since"]).astimezone(UTC)
    return harvest.client.count(harvest.scope, Subset(indexed_since=began)) != 0


def _reaching_back(moment: str, further: timedelta = timedelta()) -> Subset:
    return Subset(indexed_since=datetime.fromisoformat(moment).astimezone(UTC) - OVERLAP - further)


def _since(harvest: Importer) -> Subset:
    """Return what was indexed since the last complete run began; from earlier where the server's clock is behind."""
    return _reaching_back(harvest.proof["since"], max(-harvest.clock_difference, timedelta()))


def _has_proof(harvest: Importer) -> bool:
    """Return whether the last complete run left a proof that holds for this one."""
    known = harvest.proof
    listed_in_part = "walk" in harvest.cursor
    if not known or listed_in_part or harvest.is_partial or not harvest.client.can_select:
        return False
    return not harvest.is_full and _circumstances(harvest).items() <= known.items()


def _circumstances(harvest: Importer) -> Mapping[str, Any]:
    """Return what must be the same for a proof to hold: the server, who reads it, what its searches show, item sets."""
    server = harvest.place.server
    shelves = [harvest.options.get(name) or None for name in SHELVES]
    reader = {"login": harvest.reader, "private": harvest.searches_private}
    return {"server": [server.api_url, server.version], "shelves": shelves, **reader}


def _read(harvest: Importer, total: int) -> None:
    pages = harvest.pages(harvest.cursor.get("changes"), light=False, subset=_since(harvest))
    harvest.record((replace(page, total=total) for page in pages), "changes")


def _held(harvest: Importer) -> int:
    number = harvest.recorder.held(_present(harvest))
    db.session.rollback()
    return number


def _keep_the_rest(harvest: Importer, total: int) -> bool:
    """Count all that did not change as seen, in one statement."""
    rest = _present(harvest).where(harvest.recorder.unseen)
    with transaction():
        number = harvest.recorder.keep(rest)
        harvest.run.advance({"seen": number, "unchanged": number}, expected=total)
    return True


def _present(harvest: Importer) -> Any:
    """Holdings of this source whose items are there as far as we know."""
    query = select(HOLDING.c.id).join(ITEM, ITEM.c.id == HOLDING.c.item_id)
    return query.where(
        HOLDING.c.source_id == harvest.source_id,
        HOLDING.c.left.is_(None),
        ITEM.c.source_state == SourceState.PRESENT,
    )
