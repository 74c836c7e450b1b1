"""Writes what became of items: the holdings that tie them to their source, the changes, and those that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from ..catalogue import store
from ..catalogue.models import Action, Change, Fate, Holding
from ..catalogue.store import Place, Saved
from ..catalogue.texts import plain
from ..dspace.records import Failure
from ..extensions import db
from .membership import Shelving
from .run import Run

HOLDING, CHANGE, ITEM, FILE = Holding.__table__, Change.__table__, store.ITEM, store.FILE
CHUNK = 500


class Recorder:
    """Records for one attempt at an import, inside its transactions."""

    def __init__(self, run: Run, source_id: int, place: Place, shelving: Shelving):
        self._job_id, self._source_id, self._place, self._shelving = run.job_id, source_id, place, shelving
        ours = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        ours = ours.where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == run.job_id)
        # Made once: this is asked for every page, and to build a statement takes longer than to run it.
        self._seen = ours.where(
            ITEM.c.repository_id == place.repository_id, ITEM.c.source_id.in_(bindparam("ids", expanding=True))
        )
        failed = select(CHANGE.c.source_key).where(CHANGE.c.job_id == run.job_id, CHANGE.c.action == Action.FAILED)
        self._failed = set(db.session.scalars(failed))
        before = select(HOLDING.c.id).where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == run.job_id)
        self._is_first = db.session.scalar(before.limit(1)) is None
        self._hashes: set[int] = set()  # of what this attempt has recorded: most pages need no look at the database

    def seen(self, ids: Collection[str]) -> set[str]:
        """Which of these ids at the source this job has recorded."""
        found: set[str] = set()
        wanted = [id for id in ids if not self._is_first or hash(id) in self._hashes]
        for start in range(0, len(wanted), CHUNK):
            found.update(db.session.scalars(self._seen, {"ids": wanted[start : start + CHUNK]}))
        db.session.rollback()
        return found

    def new(self, failures: Iterable[Failure]) -> list[Failure]:
        """Those of the failures that are not recorded yet, each once."""
        return [f for key, f in {_key(f): f for f in failures}.items() if key not in self._failed]

    def record(self, saved: Sequence[Saved], failures: Sequence[Failure]) -> list[Saved]:
        """Record what was saved, and what failed; gives what was saved with its final outcome."""
        final = self._tied(saved)
        self._record_changes([s for s in final if s.outcome != "unchanged"])
        if failures:
            self._record_failures(failures)
        self._shelving.add([(s.item, s.item_id) for s in saved])
        self._hashes.update(hash(s.item.id) for s in saved)
        return final

    def take_over_files(self, job_id: int) -> None:
        """From now on this job, not that one, tells of the files that did not come."""
        bad = select(FILE.c.item_id).where(FILE.c.fate.in_([fate for fate in Fate if fate.can_be_retried]))
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.seen_by == job_id, HOLDING.c.item_id.in_(bad))
        db.session.execute(update(HOLDING).where(*mine).values(seen_by=self._job_id))

    @staticmethod
    def counts(saved: Sequence[Saved], failed: int) -> Counter[str]:
        """What to add to the counts of the job."""
        return Counter(s.outcome for s in saved) + Counter(seen=len(saved) + failed, failed=failed)

    @staticmethod
    def listed(saved: Sequence[Saved]) -> Counter[str]:
        """The files of new items, all linked so far."""
        return Counter(files_linked=sum(len(s.item.bitstreams or ()) for s in saved if s.outcome == "added"))

    def _tied(self, saved: Sequence[Saved]) -> list[Saved]:
        """Make or renew the holdings."""
        ids = [s.item_id for s in saved]
        mine = HOLDING.c.source_id == self._source_id
        query = select(HOLDING.c.item_id, HOLDING.c.left).where(mine, HOLDING.c.item_id.in_(ids))
        held = {row.item_id: row.left for row in db.session.execute(query)} if ids else {}
        common = {"source_id": self._source_id, "made_by": self._job_id, "seen_by": self._job_id}
        made = [common | {"item_id": item_id} for item_id in ids if item_id not in held]
        if made:
            db.session.execute(insert(HOLDING), made)
        if held:
            renewed = {"seen_by": self._job_id, "left": None}
            db.session.execute(update(HOLDING).where(mine, HOLDING.c.item_id.in_(held)).values(renewed))
        return [self._with_return(s, held.get(s.item_id)) for s in saved]

    def _with_return(self, saved: Saved, left: datetime | None) -> Saved:
        """An item that had moved elsewhere and is back counts as updated."""
        if left is None:
            return saved
        before = saved.before | {f"left:{self._source_id}": left.isoformat()}
        return replace(saved, outcome="updated", before=before)

    def _record_changes(self, saved: Sequence[Saved]) -> None:
        rows = [
            self._row(s.outcome, store.source_key(s.item), s.item) | {"item_id": s.item_id, "before": s.before or None}
            for s in saved
        ]
        if rows:
            db.session.execute(insert(CHANGE), rows)

    def _record_failures(self, failures: Sequence[Failure]) -> None:
        """Record items that could not be read; one that is held was listed, so it has not vanished."""
        query = select(ITEM.c.source_id, ITEM.c.handle, ITEM.c.id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        by_id = ITEM.c.source_id.in_([f.id for f in failures if f.id])
        by_handle = ITEM.c.handle.in_([f.handle for f in failures if f.handle])
        rows = db.session.execute(query.where(HOLDING.c.source_id == self._source_id, by_id | by_handle)).all()
        held = {row.source_id: row.id for row in rows} | {row.handle: row.id for row in rows if row.handle}
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id.in_(held.values()))
        db.session.execute(update(HOLDING).where(*mine).values(seen_by=self._job_id))
        db.session.execute(
            insert(CHANGE),
            [
                self._row(Action.FAILED, _key(f), f)
                | {"item_id": held.get(f.handle) or held.get(f.id), "reason": f.reason}
                for f in failures
            ],
        )
        self._failed.update(map(_key, failures))

    def _row(self, action: str, key: str, subject: Any) -> dict[str, Any]:
        return {
            "job_id": self._job_id,
            "action": str(action),
            "source_key": key,
            "source_id": subject.id,
            "handle": subject.handle,
            "title": plain(subject.name),
        }


def _key(failure: Failure) -> str:
    """What identifies a failed item within a job; of one that nothing is known of, its reason names its row."""
    return failure.handle or failure.id or failure.reason
