"""The change records of one job: what it did to each item, with the state before, and what it could not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, insert, select

from ...catalogue.identity import free_key
from ...catalogue.job_changes import insert_changes, update_changes
from ...catalogue.store import Saved
from ...characters import storable
from ...dspace.records import Failure, Item, SourceState
from ...extensions import db
from ...i18n import lazy_gettext as _l
from ...models.changes import CHANGE, Action

UNLISTED = _l("Its files could not be listed, so only its metadata came. Earlier files stay. Import it again later.")
ABOUT_DATA = (Action.ADDED, Action.UPDATED, Action.TOUCHED)
REASONS = {
    SourceState.MOVED: _l("Still at the source, but no longer in what this import reads."),
    SourceState.WITHDRAWN: _l("Withdrawn at the source."),
    SourceState.NOT_PUBLIC: _l("No longer open to the public at the source (on DSpace 4 to 6 it may be withdrawn)."),
    SourceState.SUPERSEDED: _l("Replaced at the source by a newer version."),
    SourceState.DELETED: _l("No longer at the source."),
}


class ChangeRecords:
    """The change records of one job, over all its attempts. Use inside the caller's transaction."""

    def __init__(self, job_id: int):
        self._job_id = job_id
        mine = CHANGE.c.job_id == job_id
        failed = select(CHANGE.c.source_id, CHANGE.c.source_key).where(mine, CHANGE.c.action == Action.FAILED)
        # The key of the row of each failed item, by `name_of`.
        self._failed = {row.source_id or row.source_key: row.source_key for row in db.session.execute(failed)}
        unlisted = select(CHANGE.c.item_id).where(mine, CHANGE.c.action == Action.FILES_UNLISTED)
        self._unlisted = set(db.session.scalars(unlisted))
        self.are_none = db.session.scalar(select(CHANGE.c.id).where(mine).limit(1)) is None

    def has_failed(self, name: str) -> bool:
        """Return whether the job could not read the item or failure with this name (see `name_of`)."""
        return name in self._failed

    def merge(self, saved: Sequence[Saved], again: Sequence[Saved]) -> list[Saved]:
        """Merge new changes of items into the changes that this job has already recorded, and return all items.

        Merged items count as unchanged. The first earlier state is kept. An item that this job added is left out if a
        person deleted it before the job was resumed. It is already counted. `again`: the items that this job may have
        recorded before.
        """
        earlier = self._earlier_changes([s for s in again if s.outcome != "unchanged" or s.before])
        merged = {}
        for s, row in earlier.values():
            before = None if row.action == Action.ADDED else s.before | ((row.item_id and row.before) or {})
            merged[row.id] = {"item_id": s.item_id, "source_key": s.key, "before": before}
        update_changes(merged)
        lost = {item_id for item_id, (_, row) in earlier.items() if row.item_id is None}
        return [
            replace(s, outcome="unchanged", before={}) if s.item_id in earlier else s
            for s in saved
            if s.item_id not in lost
        ]

    def add(self, saved: Sequence[Saved]) -> None:
        """Record the changes of items, with their states before."""
        insert_changes(
            [
                self._row(Action.TOUCHED if s.outcome == "unchanged" else s.outcome, s.key, s.item)
                | {"item_id": s.item_id, "before": s.before or None}
                for s in saved
            ]
        )

    def add_failures(self, failures: Sequence[Failure], held: Mapping[str, int]) -> None:
        """Record items that could not be read. `held`: catalogue ids by source id and by handle."""
        rows = []
        for failure in failures:
            key = free_key((failure.handle, name_of(failure)), set(self._failed.values()))
            self._failed[name_of(failure)] = key
            item_id = held.get(failure.id or "") or held.get(failure.handle or "")
            why = {"reason": failure.reason, "technical_details": list(failure.technical_details) or None}
            rows.append(self._row(Action.FAILED, key, failure) | {"item_id": item_id, **why})
        db.session.execute(insert(CHANGE), rows)

    def add_mark(self, row: Any, state: SourceState, before: Mapping[str, Any]) -> None:
        """Record that an item is no longer present at the source. `row`: its row in the catalogue."""
        values = {"job_id": self._job_id, "item_id": row.id, "action": Action.MARKED.value}
        values |= {"reason": str(REASONS[state]), "before": before}
        values |= {name: getattr(row, name) for name in ("source_key", "source_id", "handle", "title")}
        insert_changes([values])

    def note_unlisted_files(self, saved: Sequence[Saved]) -> None:
        """Record the items whose files could not be listed as problems.

        Delete the records of items whose files were listed since.
        """
        unlisted = {s.item_id: s for s in saved if s.item.files_error is not None}
        listed = self._unlisted.intersection(s.item_id for s in saved if s.item.bitstreams is not None)
        if listed := listed.difference(unlisted):
            mine = (CHANGE.c.job_id == self._job_id, CHANGE.c.action == Action.FILES_UNLISTED)
            db.session.execute(delete(CHANGE).where(*mine, CHANGE.c.item_id.in_(listed)))
        new = [s for item_id, s in unlisted.items() if item_id not in self._unlisted]
        rows = [
            self._row(Action.FILES_UNLISTED, s.key, s.item)
            | {"item_id": s.item_id, "reason": str(UNLISTED), "technical_details": [s.item.files_error]}
            for s in new
        ]
        if rows:
            db.session.execute(insert(CHANGE), rows)
        self._unlisted = self._unlisted.difference(listed).union(unlisted)

    def _earlier_changes(self, changed: Sequence[Saved]) -> dict[int, tuple[Saved, Any]]:
        """Return the changes that this job has already recorded for these items, as (item, row) by catalogue id.

        An item that was deleted since is found by its key. If only a new time stamp was recorded, a later update of the
        item gets a record of its own.
        """
        if not changed:
            return {}
        by_id = {s.item_id: s for s in changed}
        by_key = {s.key: s for s in changed}
        touched = {s.item_id for s in changed if s.outcome == "unchanged"}
        is_update = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED))
        mine = (CHANGE.c.job_id == self._job_id, is_update | CHANGE.c.item_id.in_(touched))
        query = select(CHANGE.c.id, CHANGE.c.item_id, CHANGE.c.source_key, CHANGE.c.action, CHANGE.c.before)
        removed = CHANGE.c.item_id.is_(None) & CHANGE.c.source_key.in_(by_key)
        query = query.where(*mine, CHANGE.c.action.in_(ABOUT_DATA), CHANGE.c.item_id.in_(by_id) | removed)
        query = query.order_by(CHANGE.c.action == Action.UPDATED)
        found = [(by_id.get(row.item_id) or by_key[row.source_key], row) for row in db.session.execute(query)]
        return {s.stored_id: (s, row) for s, row in found}

    def _row(self, action: str, key: str, subject: Any) -> dict[str, Any]:
        return {"job_id": self._job_id, "action": str(action), **identity(key, subject)}


def identity(key: str, subject: Item | Failure) -> dict[str, Any]:
    """Return the columns of a job's row that identify its item."""
    names = {"source_id": subject.id, "handle": subject.handle, "title": storable(subject.name)}
    return {"source_key": key, **names}


def name_of(failure: Failure) -> str:
    """Return the name that identifies a failed item within its job: its id, its handle or else all that is known."""
    return failure.id or failure.handle or " ".join((failure.reason, *failure.technical_details))
