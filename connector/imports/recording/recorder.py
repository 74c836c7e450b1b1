"""Writes the results of an import for its items: holdings that tie them to their source, changes, and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update

from ...catalogue import earlier_states, identity, problem_files, store
from ...catalogue.repository_context import RepositoryContext
from ...catalogue.store import Saved
from ...dspace.records import Failure, Item, Scope, ScopeKind, SourceState
from ...extensions import db, execute_counted, utcnow
from ...models.catalogue import FILE, HOLDING, ITEM
from ...models.changes import CHANGE, Action
from ...models.item_relations import RELATION
from ...models.jobs import Job
from ...repositories.login_guard import LoginGuard
from ..import_options import ImportOptions
from ..results.import_kinds import in_counts
from .change_records import ChangeRecords, name_of
from .item_set_assignment import ItemSetAssigner
from .restrictions import Restrictions

IDS_PER_QUERY = 500
NO_JOB = 0  # value of `last_seen_job_id` for an item that disappeared during the import


class Recorder:
    """Recorder of the items of one attempt at an import. Use inside its transactions.

    A preview uses `PreviewRecorder` instead. `unseen`: the SQL condition on a holding whose item this job has not seen.
    `is_named`: the items are outside the scope, and items of the scope name them (design rule 22).
    """

    is_preview = False

    def __init__(self, job: Job, repository: RepositoryContext, *, is_named: bool = False):
        source_id, options = job.source_id, ImportOptions.of(job)
        scope = Scope(ScopeKind.REPOSITORY) if is_named else job.source.scope
        self._job_id, self._source_id, self._repository = job.id, source_id, repository
        self.is_named, self._places_items = is_named, is_named or not options.reads_some_items
        self._item_sets = ItemSetAssigner(job.id, source_id, scope, repository, options)
        self.unseen = HOLDING.c.last_seen_job_id != job.id
        ours = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        ours = ours.where(HOLDING.c.source_id == source_id, HOLDING.c.last_seen_job_id == job.id)
        # Built once, because it runs for every page, and building a statement takes longer than running it.
        self._seen = ours.where(
            ITEM.c.repository_id == repository.id, ITEM.c.source_id.in_(bindparam("ids", expanding=True))
        )
        self._changes = ChangeRecords(job.id)
        seen = select(HOLDING.c.id).where(HOLDING.c.source_id == source_id, HOLDING.c.last_seen_job_id == job.id)
        self._seen_in_scope = (
            HOLDING.c.source_id == source_id,
            HOLDING.c.last_seen_job_id == job.id,
            HOLDING.c.is_named.is_(False),
        )
        # Whether this is the first attempt that records anything.
        self._is_first = self._changes.are_none and db.session.scalar(seen.limit(1)) is None
        self._restrictions = Restrictions(repository, scope)
        self._moved: Counter[str] = Counter()  # changes of file counts by the last `record`
        self._hashes: set[int] = set()  # of ids that this attempt has recorded; saves most queries

    def for_named_items(self) -> Recorder:
        """Return a recorder for the items that the items of the scope name."""
        return Recorder(db.session.get_one(Job, self._job_id), self._repository, is_named=True)

    def named_ids(self) -> set[str]:
        """Return the ids at the source that the items of the scope name, as far as this job has recorded them."""
        query = select(RELATION.c.target_id).join(HOLDING, HOLDING.c.item_id == RELATION.c.item_id)
        found = set(db.session.scalars(query.where(*self._seen_in_scope).distinct()))
        db.session.rollback()
        return found

    def with_known_ids(self, items: Sequence[Item]) -> list[Item]:
        """Return items with their ids, also those that OAI-PMH did not give (see `identity.with_known_ids`)."""
        self._hashes.update(hash(item.id) for item in items if hash(item.handle) in self._hashes)
        return identity.with_known_ids(self._repository, items)

    def seen(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids at the source this job has recorded."""
        found = self._recorded(ids)
        db.session.rollback()
        return found

    def _recorded(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids at the source this job has recorded. The caller's transaction stays open."""
        found: set[str] = set()
        wanted = [id for id in ids if not self._is_first or hash(id) in self._hashes]
        for start in range(0, len(wanted), IDS_PER_QUERY):
            found.update(db.session.scalars(self._seen, {"ids": wanted[start : start + IDS_PER_QUERY]}))
        return found

    def seen_ids(self) -> set[str]:
        """Return the ids at the source of all items of the scope that this job has recorded as present."""
        query = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        found = set(db.session.scalars(query.where(*self._seen_in_scope, ITEM.c.source_id.is_not(None))))
        db.session.rollback()
        return found

    def forget(self, ids: Collection[str]) -> Counter[str]:
        """Mark items as unseen so that reconciliation checks them. Return the change to the job counters.

        Runs inside the caller's transaction. Items that this job added or updated, or could not read, keep that
        outcome.
        """
        gone, every = Counter[str](), list(ids)
        for start in range(0, len(every), IDS_PER_QUERY):
            here = (
                ITEM.c.repository_id == self._repository.id,
                ITEM.c.source_id.in_(every[start : start + IDS_PER_QUERY]),
            )
            items = select(ITEM.c.id).where(*here)
            mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id.in_(items))
            seen = update(HOLDING).where(*mine, HOLDING.c.last_seen_job_id == self._job_id)
            number = execute_counted(seen.values(last_seen_job_id=NO_JOB))
            moved = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED, Action.FAILED))
            recorded = select(func.count()).where(CHANGE.c.job_id == self._job_id, CHANGE.c.item_id.in_(items), moved)
            gone.update(seen=-number, unchanged=db.session.scalars(recorded).one() - number)
        return gone

    def new(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return the failures that are not recorded yet, without duplicates."""
        by_name = {name_of(failure): failure for failure in failures}
        return [failure for name, failure in by_name.items() if not self._changes.has_failed(name)]

    def prepare(self, access: LoginGuard, items: Sequence[Item], again: Sequence[Item]) -> None:
        """Ask the repository for the data needed to record these items and to put them into item sets.

        `again`: items that this job met before in another collection. No transaction may be open.
        """
        self._item_sets.prepare(access.client, [*items, *again])
        self._restrictions.prepare(access, items)

    def not_failed(self, items: Iterable[Item]) -> list[Item]:
        """Return the items that this job has not recorded as failed."""
        return [item for item in items if not self._changes.has_failed(item.id)]

    def save(
        self, items: Sequence[Item], unchanged: Collection[str], closed: Mapping[str, Mapping[str, Any]]
    ) -> list[Saved]:
        """Write complete items to the catalogue (see `store.save`).

        `unchanged`: ids of items on the same pages that are unchanged in the catalogue.
        """
        return store.save(self._repository, items, lambda ids: self._recorded(ids).union(unchanged), closed)

    def record(self, saved: Sequence[Saved], failures: Sequence[Failure]) -> list[Saved]:
        """Record saved items and failures. Return the saved items with their final outcome.

        An item that this job has already recorded keeps its one change record and now counts as unchanged.
        """
        tied = self._save_holdings(saved)
        again = [s for s in tied if not self._is_first or hash(s.item.id) in self._hashes]
        final = self._changes.merge(tied, again)
        self._changes.add([s for s in final if s.outcome != "unchanged" or s.before])
        if failures:
            self._changes.add_failures(failures, self._see_failed(failures))
        self._changes.note_unlisted_files(saved)
        self._item_sets.add([(s.item, s.stored_id) for s in saved])
        self._restrictions.mark(saved)
        self._hashes.update(hash(s.item.id) for s in saved)
        return final

    def put_in_item_sets(self, items: Sequence[Item]) -> None:
        """Put items that were met in another collection into the item set of that collection, too."""
        held = store.stored_items(self._repository.id, items) if items else {}
        self._item_sets.add([(item, held[item.id].item_id) for item in items if item.id in held])

    def expected_count(self, present: Select[Any]) -> int:
        """Return how many items the source will hold when this job has ended.

        `present`: a SELECT of its current holdings.
        """
        return int(db.session.scalars(present.with_only_columns(func.count())).one())

    def keep(self, rest: Select[Any]) -> int:
        """Record all holdings of a SELECT as seen and unchanged in one statement. Return their number."""
        self._is_first = False
        return execute_counted(update(HOLDING).where(HOLDING.c.id.in_(rest)).values(last_seen_job_id=self._job_id))

    def mark(self, marked: Sequence[tuple[Any, SourceState]]) -> None:
        """Mark items that are no longer present (design rule 7).

        `marked`: pairs of an item row and its state at the source.
        """
        now = utcnow()
        held = set(db.session.scalars(select(ITEM.c.id).where(ITEM.c.id.in_([row.id for row, _ in marked]))))
        for row, state in marked:
            if row.id not in held:  # taken down during the requests
                continue
            if state is SourceState.MOVED:
                before: dict[str, Any] = {f"left:{self._source_id}": None}
                mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id == row.id)
                db.session.execute(update(HOLDING).where(*mine).values(left_at=now))
            else:
                before = {"state": earlier_states.state_group(row)}
                values = {"source_state": state.value, "state_since": now}
                db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(values))
            self._changes.add_mark(row, state, before)

    def counts(self, saved: Sequence[Saved], failed: int) -> Counter[str]:
        """Return what to add to the counts of the job after `record`.

        Files of new items count as not yet downloaded.
        """
        linked = sum(len(s.item.bitstreams or ()) for s in saved if s.outcome == "added")
        counts = Counter(s.outcome for s in saved)
        counts.update(self._moved, seen=len(saved) + failed, failed=failed, files_linked=linked)
        return counts

    def _files_moved(self, saved: Sequence[Saved], counted: Collection[int]) -> Counter[str]:
        """Return how `record` changes the file counts of items that already existed.

        `counted`: the ids of items whose files the counts already include. The counts always cover all items that the
        source holds (see `file_counts`).
        """
        come = [s.item_id for s in saved if s.outcome != "added" and s.item_id not in counted]
        changed = [s for s in saved if s.item_id in counted and "data" in s.before]
        moved: Counter[str] = Counter()
        if come or changed:
            query = select(FILE.c.status, func.count()).where(
                FILE.c.item_id.in_([*come, *(s.item_id for s in changed)])
            )
            moved.update(in_counts(dict(db.session.execute(query.group_by(FILE.c.status)).all())))
        for s in changed:
            moved.subtract(f"files_{file['fate']}" for file in s.before["data"]["files"])
        return moved

    def _save_holdings(self, saved: Sequence[Saved]) -> list[Saved]:
        """Create or renew the holdings of these items. Return the items, with those that are back as updated.

        An import of only some items leaves open which items are in the scope, so it changes no `is_named`.
        """
        ids = [s.item_id for s in saved]
        mine = HOLDING.c.source_id == self._source_id
        query = select(HOLDING.c.item_id, HOLDING.c.left_at, HOLDING.c.is_named)
        found = db.session.execute(query.where(mine, HOLDING.c.item_id.in_(ids))) if ids else ()
        held = {row.item_id: row for row in found}
        self._moved = self._files_moved(saved, {item_id for item_id, row in held.items() if row.left_at is None})
        common = {"source_id": self._source_id, "created_by_job_id": self._job_id, "last_seen_job_id": self._job_id}
        common |= {"is_named": self.is_named}
        made: list[dict[str, Any]] = [common | {"item_id": item_id} for item_id in ids if item_id not in held]
        if made:
            db.session.execute(insert(HOLDING), made)
            problem_files.mark([s.stored_id for s in saved if s.outcome != "added" and s.item_id not in held])
        if held:
            renewed = {"last_seen_job_id": self._job_id, "left_at": None}
            renewed |= {"is_named": self.is_named} if self._places_items else {}
            db.session.execute(update(HOLDING).where(mine, HOLDING.c.item_id.in_(held)).values(renewed))
        return [self._with_earlier_holding(s, held[s.stored_id]) if s.item_id in held else s for s in saved]

    def _with_earlier_holding(self, saved: Saved, held: Any) -> Saved:
        """Return the item with the earlier state of its holding, as far as it changed: `left_at` and `is_named`.

        An item that had moved elsewhere and is back counts as updated.
        """
        if self._places_items and held.is_named != self.is_named:
            saved = replace(saved, before=saved.before | {f"named:{self._source_id}": held.is_named})
        if held.left_at is None:
            return saved
        before = saved.before | {f"left:{self._source_id}": held.left_at.isoformat()}
        return replace(saved, outcome="updated", before=before)

    def _see_failed(self, failures: Sequence[Failure]) -> dict[str, int]:
        """Count failed items that are held as seen, because the source listed them.

        Return their catalogue ids by source id and by handle.
        """
        query = select(ITEM.c.source_id, ITEM.c.handle, ITEM.c.id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        by_id = ITEM.c.source_id.in_([f.id for f in failures if f.id])
        by_handle = ITEM.c.handle.in_([f.handle for f in failures if f.handle])
        rows = db.session.execute(query.where(HOLDING.c.source_id == self._source_id, by_id | by_handle)).all()
        held = {row.source_id: row.id for row in rows} | {row.handle: row.id for row in rows if row.handle}
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id.in_(held.values()))
        db.session.execute(update(HOLDING).where(*mine).values(last_seen_job_id=self._job_id))
        return held
