"""The import itself: walks the scope, writes it page by page with the cursor, lets the files follow, settles the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import insert, select, update

from config import DEFAULT_PATIENCE

from ..catalogue import store
from ..catalogue.models import Action, Change, Holding
from ..catalogue.store import Place, Saved
from ..dspace.records import Failure, Item, Page
from ..extensions import db, transaction
from ..repositories.connections import Connection, open_connection
from . import ending, jobs
from .fetching import FileFetcher
from .membership import Shelving
from .models import ImportJob
from .run import Run

HOLDING = Holding.__table__
CHANGE = Change.__table__


def run(run: Run, connect: Callable[..., Connection] = open_connection) -> tuple[bool, str]:
    """Carry out an import; gives (clean, message). `connect` opens the way to the repository (see open_connection)."""
    harvest = Harvest(run, connect)
    try:
        return harvest()
    finally:
        harvest.close()


class Harvest:
    """One attempt at an import. Reads through the client, writes one short transaction a page."""

    def __init__(self, run: Run, connect: Callable[..., Connection]):
        job = jobs.get(run.job_id)
        repository = job.source.repository
        self.run, self.job_id, self.source_id = run, job.id, job.source_id
        self.scope, self.options, self.cursor = job.source.scope, job.options, job.cursor
        self.hidden = dict(job.source.hidden)
        self.place = Place(repository.id, repository.server, tuple(repository.ignored_fields))
        seconds = current_app.config["PATIENCE"] or DEFAULT_PATIENCE
        connection = connect(repository, patience=seconds, stop=run.stop, waiting=run.say)
        self.client, self.http, self.patience = connection.client, connection.http, connection.patience
        self.shelving = Shelving(job.id, job.source_id, self.scope, self.place, self.options)
        self.files = FileFetcher(self) if self.options.get("files") else None
        self._counted = 0
        db.session.rollback()

    def width(self) -> int:
        """How many requests may be under way at once now."""
        return self.http.width

    def close(self) -> None:
        """Let go of the network, and count the requests made since the last write."""
        self.http.close()
        with transaction():
            self.run.advance(self.requests())

    def __call__(self) -> tuple[bool, str]:
        cursor = self.cursor or {}
        if not cursor.get("walked"):
            self._walk(cursor.get("walk"), light=cursor.get("light", self._is_held()))
        if self.files:
            self.files.fetch_all()
        return ending.settle(self)

    def requests(self) -> dict[str, int]:
        """The requests made since they were last counted, to be added to the job with whatever is written next."""
        made, self._counted = self.http.requests_made - self._counted, self.http.requests_made
        return {"requests": made}

    def _is_held(self) -> bool:
        """Whether this source was imported to its end before: then only what changed is read in full."""
        done = select(ImportJob.id).where(ImportJob.source_id == self.source_id, ImportJob.state == "completed")
        done = done.where(ImportJob.kind == "import", ImportJob.id != self.job_id)
        holdings = select(HOLDING.c.id).where(HOLDING.c.source_id == self.source_id).limit(1)
        return db.session.scalar(done.limit(1)) is not None and db.session.scalar(holdings) is not None

    def _walk(self, cursor: dict[str, Any] | None, light: bool) -> None:
        left = self._left_to_test()
        self.run.say(f"Reading {self.scope.name}")
        pages = self.client.walk(
            self.scope,
            cursor=cursor,
            light=light,
            with_collection=self.options.get("item_set_from_collection", False),
            seen=self._seen,
            hidden=self.hidden,
        )
        for page in pages:
            self.run.check()
            page = page if left is None else _first(page, left)
            item_ids = self._write(page, light)
            if self.files:
                self.files.fetch(item_ids)
            if left is not None and (left := left - len(page.items) - len(page.failures)) <= 0:
                break
        with transaction():
            self.run.advance(self.requests(), cursor={"walked": True, "light": light})

    def _left_to_test(self) -> int | None:
        """Of a test import, how many items are still to come; None for a whole one."""
        if not (test := self.options.get("test")):
            return None
        return max(0, test - db.session.scalar(select(ImportJob.seen).where(ImportJob.id == self.job_id)))

    def _seen(self, ids: Collection[str]) -> set[str]:
        """Which of these ids at the source this job has recorded."""
        item = store.ITEM
        held = select(item.c.source_id).join(HOLDING, HOLDING.c.item_id == item.c.id)
        held = held.where(HOLDING.c.source_id == self.source_id, HOLDING.c.seen_by == self.job_id)
        failed = select(CHANGE.c.source_id).where(CHANGE.c.job_id == self.job_id, CHANGE.c.action == Action.FAILED)
        found: set[str] = set()
        for part in _parts(list(ids), 500):
            found.update(db.session.scalars(held.where(item.c.source_id.in_(part))))
            found.update(db.session.scalars(failed.where(CHANGE.c.source_id.in_(part))))
        db.session.rollback()
        return found

    def _write(self, page: Page, light: bool) -> list[int]:
        """Write a page with its cursor and counts in one transaction; gives the ids of its catalogue items."""
        same, complete, failures = self._sorted_out(page)
        self.shelving.prepare(self.client, [s.item for s in same] + complete)
        with transaction():
            saved = self._tie(same + store.save(self.place, complete))
            failed = self._record_failures(failures)
            self.shelving.add([(s.item, s.item_id) for s in saved])
            counts = Counter(s.outcome for s in saved) + Counter(seen=len(saved) + failed, failed=failed)
            counts["files_linked"] += sum(len(s.item.bitstreams or ()) for s in saved if s.outcome == "added")
            counts.update(self.requests())
            self.run.advance(counts, cursor={"walk": page.cursor, "light": light}, **self._totals(page))
        return [s.item_id for s in saved]

    def _totals(self, page: Page) -> dict[str, int]:
        self.hidden.update(page.hidden)
        return {} if page.total is None else {"expected": page.total}

    def _sorted_out(self, page: Page) -> tuple[list[Saved], list[Item], list[Failure]]:
        """What is the same as held (by its time stamp), what is to be saved, and what failed."""
        held = store.held(self.place.repository_id, [i for i in page.items if not i.is_complete])
        db.session.rollback()
        same = [
            Saved(item, row.item_id, "unchanged", {})
            for item in page.items
            if (row := held.get(item.id)) and row.is_as(item)
        ]
        unchanged = {s.item.id for s in same}
        results = list(self.client.complete(item for item in page.items if item.id not in unchanged))
        failures = [*page.failures, *(result for result in results if isinstance(result, Failure))]
        return same, [result for result in results if isinstance(result, Item)], failures

    def _tie(self, saved: Sequence[Saved]) -> list[Saved]:
        """Make or renew the holdings, and record the changes; gives what was saved, with its final outcome."""
        ids = [s.item_id for s in saved]
        mine = HOLDING.c.source_id == self.source_id
        query = select(HOLDING.c.item_id, HOLDING.c.left).where(mine, HOLDING.c.item_id.in_(ids))
        held = {row.item_id: row.left for row in db.session.execute(query)}
        common = {"source_id": self.source_id, "made_by": self.job_id, "seen_by": self.job_id}
        made = [common | {"item_id": item_id} for item_id in ids if item_id not in held]
        if made:
            db.session.execute(insert(HOLDING), made)
        if held:
            renewed = {"seen_by": self.job_id, "left": None}
            db.session.execute(update(HOLDING).where(mine, HOLDING.c.item_id.in_(held)).values(renewed))
        final = [self._with_return(s, held.get(s.item_id)) for s in saved]
        self._record_changes([s for s in final if s.outcome != "unchanged"])
        return final

    def _with_return(self, saved: Saved, left: datetime | None) -> Saved:
        """An item that had moved elsewhere and is back counts as updated."""
        if left is None:
            return saved
        return replace(saved, outcome="updated", before=saved.before | {f"left:{self.source_id}": left.isoformat()})

    def _record_changes(self, saved: Sequence[Saved]) -> None:
        rows = [
            {
                "job_id": self.job_id,
                "item_id": s.item_id,
                "action": s.outcome,
                "source_key": store.source_key(s.item),
                "source_id": s.item.id,
                "handle": s.item.handle,
                "title": store.plain(s.item.name),
                "before": s.before or None,
            }
            for s in saved
        ]
        if rows:
            db.session.execute(insert(CHANGE), rows)

    def _record_failures(self, failures: Sequence[Failure]) -> int:
        """Record items that could not be read, each once a job; those held already count as seen. Gives how many."""
        keys = {f.handle or f.id or f.reason: f for f in failures}
        known = select(CHANGE.c.source_key).where(CHANGE.c.job_id == self.job_id, CHANGE.c.action == Action.FAILED)
        for key in db.session.scalars(known.where(CHANGE.c.source_key.in_(keys))):
            del keys[key]
        held = self._touch_failed([f.id for f in keys.values() if f.id])
        rows = [
            {
                "job_id": self.job_id,
                "item_id": held.get(f.id),
                "action": Action.FAILED.value,
                "source_key": key,
                "source_id": f.id,
                "handle": f.handle,
                "title": store.plain(f.name),
                "reason": f.reason,
            }
            for key, f in keys.items()
        ]
        if rows:
            db.session.execute(insert(CHANGE), rows)
        return len(rows)

    def _touch_failed(self, ids: Sequence[str]) -> dict[str, int]:
        """A failed item that is held was listed, so it has not vanished. Gives its catalogue id by its id there."""
        item = store.ITEM
        query = select(item.c.source_id, item.c.id).join(HOLDING, HOLDING.c.item_id == item.c.id)
        rows = db.session.execute(query.where(HOLDING.c.source_id == self.source_id, item.c.source_id.in_(ids)))
        held = {row.source_id: row.id for row in rows}
        mine = (HOLDING.c.source_id == self.source_id, HOLDING.c.item_id.in_(held.values()))
        db.session.execute(update(HOLDING).where(*mine).values(seen_by=self.job_id))
        return held


def _first(page: Page, number: int) -> Page:
    """At most the first `number` items of a page."""
    return Page(page.items[:number], page.cursor, page.total, page.failures[: max(0, number - len(page.items))], {})


def _parts(values: list[Any], size: int) -> list[list[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
