"""Records the changes that an import would make, as rows of a preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal, or_, select

from ...catalogue import relation_rows, store
from ...catalogue.differences import data_of, differences
from ...catalogue.identity import free_key
from ...catalogue.item_presentation import STATES
from ...catalogue.item_rows import stored_metadata
from ...catalogue.repository_context import RepositoryContext
from ...catalogue.store import Saved
from ...dspace.records import Failure, Item, SourceState
from ...extensions import db, execute_counted
from ...i18n import gettext as _
from ...models.catalogue import HOLDING, ITEM
from ...models.item_relations import RELATION
from ...models.jobs import Job
from ...models.previews import ROW
from ...repositories.login_guard import LoginGuard
from ..import_options import ImportOptions
from ..start.preview_rows import PreviewAction
from .change_records import REASONS, UNLISTED, identity, name_of

IDS_PER_QUERY = 200
OUTCOMES = {"added": PreviewAction.NEW, "updated": PreviewAction.CHANGED, "unchanged": PreviewAction.UNCHANGED}
MET = tuple(OUTCOMES.values())


class PreviewRecorder:
    """A replacement for the Recorder that compares items with the catalogue and keeps a row for each.

    The `data` of a new item has "brings": the numbers of its "values" and "files". For a changed item it has the
    differences (see `differences`). It has "returns" (a sentence) if the item was missing or elsewhere before, and
    "fetch" (names) for files that were never downloaded. For a missing or failed item it has the "reason".
    "files_error" says that files could not be listed. `is_named`: see `Recorder`.
    """

    is_preview = True

    def __init__(self, job: Job, repository: RepositoryContext, *, is_named: bool = False):
        self._job_id, self._source_id, self._repository, self.is_named = job.id, job.source_id, repository, is_named
        self._keeps_names = ImportOptions.of(job).related_items
        mine = select(ROW.c.source_key, ROW.c.source_id, ROW.c.action).where(ROW.c.job_id == job.id)
        rows = db.session.execute(mine).all()
        self._met = (ROW.c.job_id == job.id, ROW.c.action.in_(MET))
        self._in_scope = (*self._met, ROW.c.is_named.is_(False))
        self._ids = {row.source_id for row in rows}
        self._failed = {row.source_id or row.source_key for row in rows if row.action == PreviewAction.FAILED}
        self.unseen = ~_has_row(job.id)

    def for_named_items(self) -> PreviewRecorder:
        """Return a recorder for the items that the items of the scope name."""
        return PreviewRecorder(db.session.get_one(Job, self._job_id), self._repository, is_named=True)

    def named_ids(self) -> set[str]:
        """Return the ids at the source that the items of the scope name, as far as this job has recorded them."""
        read = (*self._in_scope, ROW.c.names.is_not(None))
        found = {id for names in db.session.scalars(select(ROW.c.names).where(*read)) for id in names}
        held = select(RELATION.c.target_id).join(ITEM, ITEM.c.id == RELATION.c.item_id)
        here = (ITEM.c.repository_id == self._repository.id, ITEM.c.source_key == ROW.c.source_key)
        held = held.join(ROW, and_(*here)).where(*self._in_scope, ROW.c.names.is_(None))
        found.update(db.session.scalars(held.distinct()))
        db.session.rollback()
        return found

    def with_known_ids(self, items: Sequence[Item]) -> list[Item]:
        """Return the items. A preview stores no ids, and reads over REST alone."""
        return list(items)

    def seen(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids at the source this job has recorded."""
        return self._ids.intersection(ids)

    def seen_ids(self) -> set[str]:
        """Return the ids at the source of all items of the scope that this job has recorded as present."""
        found = set(db.session.scalars(select(ROW.c.source_id).where(*self._in_scope, ROW.c.source_id.is_not(None))))
        db.session.rollback()
        return found

    def forget(self, ids: Collection[str]) -> Counter[str]:
        """Delete the rows of items that disappeared during the preview. Return the change to the job counters."""
        gone, every = Counter[str](), list(ids)
        names = {action: outcome for outcome, action in OUTCOMES.items()}
        for start in range(0, len(every), IDS_PER_QUERY):
            mine = (*self._met, ROW.c.source_id.in_(every[start : start + IDS_PER_QUERY]))
            for action in db.session.scalars(delete(ROW).where(*mine).returning(ROW.c.action)).all():
                gone.update({names[PreviewAction(action)]: -1, "seen": -1})
        self._ids.difference_update(every)
        return gone

    def new(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return the failures that are not recorded yet, without duplicates."""
        return [f for name, f in {name_of(f): f for f in failures}.items() if name not in self._failed]

    def not_failed(self, items: Iterable[Item]) -> list[Item]:
        """Return the items that are not recorded as failed."""
        return [item for item in items if item.id not in self._failed]

    def prepare(self, access: LoginGuard, items: Sequence[Item], again: Sequence[Item]) -> None:
        """Do nothing: item sets stay unchanged."""

    def save(
        self, items: Sequence[Item], unchanged: Collection[str], closed: Mapping[str, Mapping[str, Any]]
    ) -> list[Saved]:
        """Return what saving these items would do. `unchanged`: ids of unchanged items on the same pages."""
        return store.compare(self._repository, items, lambda ids: self.seen(ids).union(unchanged))

    def record(self, saved: Sequence[Saved], failures: Sequence[Failure]) -> list[Saved]:
        """Write rows of compared items and failures. Return the compared items with their final outcome."""
        final = self._without_repeats(self._with_returns(saved))
        self._write([*map(self._row, final), *map(self._failure, failures)])
        self._ids.update(s.item.id for s in saved)
        self._ids.update(failure.id for failure in failures)
        self._failed.update(map(name_of, failures))
        final_ids = {s.item.id for s in final}
        return final + [replace(s, outcome="unchanged") for s in saved if s.item.id not in final_ids]

    def put_in_item_sets(self, items: Sequence[Item]) -> None:
        """Do nothing: item sets stay unchanged."""

    def expected_count(self, present: Select[Any]) -> int:
        """Return how many items the source would hold after the import. `present`: a SELECT of its current holdings."""
        now = db.session.scalars(present.with_only_columns(func.count())).one()
        keys, ids = (present.with_only_columns(column) for column in (ITEM.c.source_key, ITEM.c.source_id))
        more = select(func.count()).where(*self._in_scope, ROW.c.source_key.not_in(keys), ROW.c.source_id.not_in(ids))
        return int(now + db.session.scalars(more).one())

    def keep(self, rest: Select[Any]) -> int:
        """Record all holdings of a SELECT as unchanged in one statement. Return their number."""
        common = (
            *(literal(self._job_id), literal(PreviewAction.UNCHANGED.value)),
            *(literal({}, ROW.c.data.type), literal(self.is_named)),
        )
        same = select(*common, ITEM.c.source_key, ITEM.c.source_id, ITEM.c.handle, ITEM.c.title)
        same = same.join(HOLDING, HOLDING.c.item_id == ITEM.c.id).where(HOLDING.c.id.in_(rest))
        names = ("job_id", "action", "data", "is_named", "source_key", "source_id", "handle", "title")
        number = execute_counted(insert(ROW).from_select(names, same))
        self._ids.update(db.session.scalars(select(ROW.c.source_id).where(*self._met)))
        return number

    def mark(self, marked: Sequence[tuple[Any, SourceState]]) -> None:
        """Record items that are no longer present. `marked`: pairs of an item row and its state at the source."""
        names = ("source_key", "source_id", "handle", "title")
        common = {"job_id": self._job_id, "action": PreviewAction.VANISHED.value}
        self._write(
            [
                common | {name: getattr(row, name) for name in names} | {"data": {"reason": str(REASONS[state])}}
                for row, state in marked
            ]
        )

    @staticmethod
    def counts(saved: Sequence[Saved], failed: int) -> Counter[str]:
        """Return what to add to the counts of the job."""
        return Counter(s.outcome for s in saved) + Counter(seen=len(saved) + failed, failed=failed)

    def _with_returns(self, saved: Sequence[Saved]) -> list[Saved]:
        """Return the items, with those that had moved elsewhere and are back as updated."""
        ids = [s.item_id for s in saved if s.item_id is not None]
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id.in_(ids), HOLDING.c.left_at.is_not(None))
        left = dict(db.session.execute(select(HOLDING.c.item_id, HOLDING.c.left_at).where(*mine)).all()) if ids else {}
        return [
            replace(s, outcome="updated", before=s.before | {"left": left[s.item_id].isoformat()})
            if s.item_id in left
            else s
            for s in saved
        ]

    def _without_repeats(self, saved: Sequence[Saved]) -> list[Saved]:
        """Return the items without those whose change is already recorded.

        Some items are read twice (see `rolling_recheck`).
        """
        again = [s.item.id for s in saved if s.item.id in self._ids]
        mine = (ROW.c.job_id == self._job_id, ROW.c.source_id.in_(again), ROW.c.action != PreviewAction.UNCHANGED)
        recorded = set(db.session.scalars(select(ROW.c.source_id).where(*mine))) if again else set()
        return [s for s in saved if s.item.id not in recorded]

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, and replace earlier rows of the same items. Two items with the same key get a row each."""
        if not rows:
            return
        query = select(ROW.c.source_key, ROW.c.source_id).where(ROW.c.job_id == self._job_id)
        keys = {name for row in rows for name in (row["source_key"], row["source_id"])}
        owners = dict(db.session.execute(query.where(ROW.c.source_key.in_(keys))).all())
        for row in rows:
            others = {key for key, id in owners.items() if id not in (None, row["source_id"])}
            row["source_key"] = free_key((row["source_key"], row["source_id"]), others)
            owners[row["source_key"]] = row["source_id"]
        written = [row["source_key"] for row in rows]
        db.session.execute(delete(ROW).where(ROW.c.job_id == self._job_id, ROW.c.source_key.in_(written)))
        db.session.execute(insert(ROW), rows)

    def _row(self, saved: Saved) -> dict[str, Any]:
        data = _row_data(saved.item, saved.before) if saved.outcome != "unchanged" else {}
        row = self._identity(OUTCOMES[saved.outcome], saved.key, saved.item) | {
            "names": _names(saved.item) if self._keeps_names else None
        }
        if saved.item.files_error is None:
            return row | {"data": data}
        data |= {"files_error": str(UNLISTED), "technical_details": [saved.item.files_error]}
        return row | {"data": data, "has_problem": True}

    def _failure(self, failure: Failure) -> dict[str, Any]:
        return self._identity(PreviewAction.FAILED, failure.handle or name_of(failure), failure) | {
            "data": {"reason": failure.reason, "technical_details": failure.technical_details}
        }

    def _identity(self, action: PreviewAction, key: str, subject: Item | Failure) -> dict[str, Any]:
        common = {"job_id": self._job_id, "action": action.value, "has_problem": action is PreviewAction.FAILED}
        return common | {"is_named": self.is_named, "names": None} | identity(key, subject)


def _names(item: Item) -> list[str] | None:
    """Return the ids that an item names, or None if its metadata was not read."""
    if item.metadata is None:
        return None
    return sorted({target_id for _, target_id in relation_rows.relations_of(stored_metadata(item))})


def _row_data(item: Item, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `data` of the row of a new or changed item."""
    if not before:
        return {"brings": {"values": len(item.metadata or ()), "files": len(item.bitstreams or ())}}
    data = differences(before["data"], data_of(item)) if "data" in before else {}
    if "left" in before:
        day = f"{datetime.fromisoformat(before['left']):%Y-%m-%d}"
        data["returns"] = _("It is back in this source; since %(day)s it was elsewhere.", day=day)
    if "state" in before:
        data["returns"] = _(
            "It is back at the source. Here it is marked: %(state)s.",
            state=STATES[SourceState(before["state"]["source_state"])],
        )
    return data


def _has_row(job_id: int) -> ColumnElement[bool]:
    """Return the SQL condition on an item that has a row of this job. Items match by the rules of `identity.find`."""
    mine = ROW.c.job_id == job_id
    known = mine & ROW.c.source_id.is_not(None)
    failed = known & (ROW.c.action == PreviewAction.FAILED)
    lasting = or_(func.length(ITEM.c.source_id) == 36, ITEM.c.source_id == ITEM.c.source_key)
    return or_(
        ITEM.c.source_key.in_(select(ROW.c.source_key).where(mine)),
        ITEM.c.source_id.in_(select(ROW.c.source_id).where(failed)),
        and_(lasting, ITEM.c.source_id.in_(select(ROW.c.source_id).where(known))),
    )
