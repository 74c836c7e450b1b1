"""Writes the results of an import for its items: holdings that tie them to their source, changes, and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from ..catalogue import problem_files, store
from ..catalogue.identity import free_key
from ..catalogue.store import RepositoryContext, Saved
from ..characters import storable
from ..dspace.records import Failure, Item, SourceState
from ..errors import DecisionRequiredError
from ..extensions import db, transaction, utcnow
from ..jobs import report
from ..jobs.attempt import JobAttempt
from ..models.catalogue import Action, Change, FileStatus, Holding
from ..models.jobs import Job, Kind, State
from ..models.repositories import Source
from . import retry_failed
from .due_files import is_chosen
from .import_options import ImportOptions
from .item_set_assignment import MEMBERSHIP, ItemSetAssigner
from .login_guard import LoginGuard
from .questions import Missing, Unlisted
from .restrictions import Restrictions

HOLDING, CHANGE, ITEM, FILE = Holding.__table__, Change.__table__, store.ITEM, store.FILE
JOB = Job.__table__
CHUNK = 500
UNLISTED = "Its files could not be listed, so only its metadata came. Earlier files stay. Import it again later."
SHARED = "Another item at the source has the same handle. Both are here."
ABOUT_DATA = (Action.ADDED, Action.UPDATED, Action.TOUCHED)
NOBODY = 0  # value of `seen_by` for an item that disappeared during the import
REASONS = {
    SourceState.ELSEWHERE: "Still at the source, but no longer in what this import reads.",
    SourceState.WITHDRAWN: "Withdrawn at the source.",
    SourceState.HIDDEN: "No longer open to the public at the source (on DSpace 4 to 6 it may be withdrawn).",
    SourceState.SUPERSEDED: "Replaced at the source by a newer version.",
    SourceState.VANISHED: "No longer at the source.",
}


class Recorder:
    """Records items for one attempt at an import, inside its transactions.

    A preview uses `preview.PreviewRecorder` instead. `unseen`: the SQL condition on a holding whose item this job has
    not seen.
    """

    def __init__(self, run: JobAttempt, job: Job, place: RepositoryContext):
        source_id, options = job.source_id, ImportOptions.from_json(job.options)
        self._run, self._job_id, self._source_id, self._place = run, run.job_id, source_id, place
        self._scope, self._limit = job.source.scope, retry_failed.file_limit(options)
        self._shelving = ItemSetAssigner(job.id, source_id, self._scope, place, options)
        self.unseen = HOLDING.c.seen_by != run.job_id
        ours = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        ours = ours.where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == run.job_id)
        # Built once, because it runs for every page, and building a statement takes longer than running it.
        self._seen = ours.where(
            ITEM.c.repository_id == place.repository_id, ITEM.c.source_id.in_(bindparam("ids", expanding=True))
        )
        failed = select(CHANGE.c.source_id, CHANGE.c.source_key)
        failed = failed.where(CHANGE.c.job_id == run.job_id, CHANGE.c.action == Action.FAILED)
        # The key of the row of each failed item, by `name_of`.
        self._failed = {row.source_id or row.source_key: row.source_key for row in db.session.execute(failed)}
        unlisted = select(CHANGE.c.item_id).where(CHANGE.c.job_id == run.job_id)
        self._unlisted = set(db.session.scalars(unlisted.where(CHANGE.c.action == Action.FILES_UNLISTED)))
        seen = select(HOLDING.c.id).where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == run.job_id)
        told = select(CHANGE.c.id).where(CHANGE.c.job_id == run.job_id)
        self._is_first = all(db.session.scalar(before.limit(1)) is None for before in (seen, told))
        self._restrictions = Restrictions(place, self._scope)
        self._moved: Counter[str] = Counter()  # changes of file counts by the last `record`
        self._hashes: set[int] = set()  # of ids that this attempt has recorded; saves most queries

    def seen(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids at the source this job has recorded."""
        found = self._recorded(ids)
        db.session.rollback()
        return found

    def _recorded(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids at the source this job has recorded. The caller's transaction stays open."""
        found: set[str] = set()
        wanted = [id for id in ids if not self._is_first or hash(id) in self._hashes]
        for start in range(0, len(wanted), CHUNK):
            found.update(db.session.scalars(self._seen, {"ids": wanted[start : start + CHUNK]}))
        return found

    def met(self) -> set[str]:
        """Return the ids at the source of all items that this job has recorded as present."""
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.seen_by == self._job_id)
        query = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        found = set(db.session.scalars(query.where(*mine, ITEM.c.source_id.is_not(None))))
        db.session.rollback()
        return found

    def forget(self, ids: Collection[str]) -> Counter[str]:
        """Mark items as unseen so that reconciliation checks them. Return the change to the job counters.

        Runs inside the caller's transaction. Items that this job added or updated, or could not read, keep that
        outcome.
        """
        gone, every = Counter[str](), list(ids)
        for start in range(0, len(every), CHUNK):
            here = (
                ITEM.c.repository_id == self._place.repository_id,
                ITEM.c.source_id.in_(every[start : start + CHUNK]),
            )
            items = select(ITEM.c.id).where(*here)
            mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id.in_(items))
            number = db.session.execute(
                update(HOLDING).where(*mine, HOLDING.c.seen_by == self._job_id).values(seen_by=NOBODY)
            ).rowcount
            moved = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED, Action.FAILED))
            told = select(func.count()).where(CHANGE.c.job_id == self._job_id, CHANGE.c.item_id.in_(items), moved)
            gone.update(seen=-number, unchanged=db.session.scalar(told) - number)
        return gone

    def new(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return the failures that are not recorded yet, without duplicates."""
        return [f for name, f in {name_of(f): f for f in failures}.items() if name not in self._failed]

    def prepare(self, access: LoginGuard, items: Sequence[Item], again: Sequence[Item]) -> None:
        """Ask the repository for the data needed to record these items and to put them into item sets.

        `again`: items that this job met before in another collection. No transaction may be open.
        """
        self._shelving.prepare(access.client, [*items, *again])
        self._restrictions.prepare(access, items)

    def not_failed(self, items: Iterable[Item]) -> list[Item]:
        """Return the items that this job has not recorded as failed."""
        return [item for item in items if item.id not in self._failed]

    def save(
        self, items: Sequence[Item], unchanged: Collection[str], closed: Mapping[str, Mapping[str, Any]]
    ) -> list[Saved]:
        """Write complete items to the catalogue (see `store.save`).

        `unchanged`: ids of items on the same pages that are unchanged in the catalogue.
        """
        return store.save(self._place, items, lambda ids: self._recorded(ids).union(unchanged), closed)

    def record(self, saved: Sequence[Saved], failures: Sequence[Failure]) -> list[Saved]:
        """Record saved items and failures. Return the saved items with their final outcome.

        An item that this job has already recorded keeps its one change record and now counts as unchanged.
        """
        final = self._merged(self._tied(saved))
        self._record_changes([s for s in final if s.outcome != "unchanged" or s.before])
        if failures:
            self._record_failures(failures)
        self._note_unlisted_files(saved)
        self._shelving.add([(s.item, s.item_id) for s in saved])
        self._restrictions.mark(saved)
        self._hashes.update(hash(s.item.id) for s in saved)
        return final

    def shelve(self, items: Sequence[Item]) -> None:
        """Put items that were met in another collection into the item set of that collection, too."""
        held = store.held(self._place.repository_id, items) if items else {}
        self._shelving.add([(item, held[item.id].item_id) for item in items if item.id in held])

    def take_over_files(self, job_id: int) -> int:
        """List the missing files of an earlier job under this job from now on. Return the number of their items.

        Items that the earlier job could not read, or that have damaged files, are left out. They are read again
        together with their files.
        """
        bad = select(FILE.c.item_id).where(retry_failed.may_come(self._limit))
        damaged = select(FILE.c.item_id).where(FILE.c.fate == FileStatus.DAMAGED)
        failed = select(CHANGE.c.item_id).where(CHANGE.c.job_id == job_id, CHANGE.c.action.in_(report.UNREAD))
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.seen_by == job_id, HOLDING.c.item_id.in_(bad))
        unread = HOLDING.c.item_id.in_(failed.where(CHANGE.c.item_id.is_not(None)))
        unread |= HOLDING.c.item_id.in_(damaged)
        return db.session.execute(update(HOLDING).where(*mine, ~unread).values(seen_by=self._job_id)).rowcount

    def sets_without_items(self) -> dict[int, str]:
        """Return the sets in which this job met no item (see `ItemSetAssigner.sets_without_items`)."""
        found = self._shelving.sets_without_items()
        db.session.rollback()
        return found

    def leave_sets(self, unread: Collection[int]) -> None:
        """Take items out of the sets of collections that they have left at the source.

        Sets made by hand stay unchanged. `unread`: the ids of sets whose collection this job could not read completely.
        Their items stay.
        """
        for row in self._shelving.left(unread):
            query = select(CHANGE.c.id, CHANGE.c.before, CHANGE.c.action)
            mine = (CHANGE.c.job_id == self._job_id, CHANGE.c.item_id == row.item_id)
            told = db.session.execute(query.where(*mine, CHANGE.c.action.in_(ABOUT_DATA))).first()
            before = {f"set:{row.item_set_id}:{self._source_id}": row.job_id}
            if told is None:
                names = [ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")]
                item = db.session.execute(select(*names).where(ITEM.c.id == row.item_id)).mappings().one()
                common = {"job_id": self._job_id, "item_id": row.item_id, "action": Action.TOUCHED.value}
                db.session.execute(insert(CHANGE).values({**common, **item, "reason": "", "before": before}))
            else:
                values = {"before": before | (told.before or {})}
                db.session.execute(update(CHANGE).where(CHANGE.c.id == told.id).values(values))
            db.session.execute(delete(MEMBERSHIP).where(MEMBERSHIP.c.id == row.id))

    def items_without_set(self) -> int:
        """Return how many items are in no set because their collection cannot be read."""
        return self._shelving.items_without_set()

    def held(self, present: Select[Any]) -> int:
        """Return how many items the source will hold when this job has ended.

        `present`: a SELECT of its current holdings.
        """
        return db.session.scalar(present.with_only_columns(func.count()))

    def keep(self, rest: Select[Any]) -> int:
        """Record all holdings of a SELECT as seen and unchanged in one statement. Return their number."""
        self._is_first = False
        return db.session.execute(update(HOLDING).where(HOLDING.c.id.in_(rest)).values(seen_by=self._job_id)).rowcount

    def mark(self, marked: Sequence[tuple[Any, SourceState]]) -> None:
        """Mark items that are no longer present (design rule 7).

        `marked`: pairs of an item row and its state at the source.
        """
        now = utcnow()
        held = set(db.session.scalars(select(ITEM.c.id).where(ITEM.c.id.in_([row.id for row, _ in marked]))))
        for row, state in marked:
            if row.id not in held:  # taken down during the requests
                continue
            if state is SourceState.ELSEWHERE:
                before: dict[str, Any] = {f"left:{self._source_id}": None}
                mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id == row.id)
                db.session.execute(update(HOLDING).where(*mine).values(left=now))
            else:
                before = {"state": store.state_group(row)}
                values = {"source_state": state.value, "state_since": now}
                db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(values))
            values = {"job_id": self._job_id, "item_id": row.id, "action": Action.MARKED.value}
            values |= {"reason": REASONS[state], "before": before}
            values |= {name: getattr(row, name) for name in ("source_key", "source_id", "handle", "title")}
            db.session.execute(insert(CHANGE).values(values))

    def close_questions(self) -> None:
        """Close the open questions of earlier imports of this source, because this import has settled them."""
        mine = (JOB.c.source_id == self._source_id, JOB.c.kind == Kind.IMPORT, JOB.c.id < self._job_id)
        mine += (JOB.c.state == State.STOPPED, JOB.c.question.is_not(None))
        for row in db.session.execute(select(JOB.c.id, JOB.c.attempt, JOB.c.question).where(*mine)).all():
            if "answer" not in row.question:
                values = {"question": row.question | {"settled_by": self._job_id}}
                values["message"] = f"Job {self._job_id} has read this source again and settled this question."
                # Another person may have answered since. The job is then queued, or has asked again in a new attempt.
                is_open = (JOB.c.state == State.STOPPED, JOB.c.question["answer"].as_string().is_(None))
                same = (JOB.c.id == row.id, JOB.c.attempt == row.attempt)
                db.session.execute(update(JOB).where(*same, *is_open).values(values))

    def ask(self, question: Missing | Unlisted) -> str:
        """Store the question on the job, close earlier questions of the source, and raise DecisionRequiredError."""
        with transaction():
            self._run.advance({}, question=question.facts)
            self.close_questions()
        raise DecisionRequiredError(question.sentence)

    def shared_handles(self) -> list[str]:
        """Return the handles that more than one item of this source has, and record these items as problems."""
        here = (HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        present = select(ITEM.c.handle).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        present = present.where(*here, ITEM.c.source_state == SourceState.PRESENT)
        odd = set(db.session.scalars(present.where(ITEM.c.handle != ITEM.c.source_key)))
        columns = [ITEM.c[name] for name in ("id", "source_key", "source_id", "handle", "title")]
        query = present.with_only_columns(*columns).order_by(ITEM.c.handle, ITEM.c.id)
        rows = db.session.execute(query.where(ITEM.c.handle.in_(odd))).all() if odd else []
        number = Counter(row.handle for row in rows)
        common = {"job_id": self._job_id, "action": Action.SHARES_HANDLE.value, "reason": SHARED}
        mine = (CHANGE.c.job_id == self._job_id, CHANGE.c.action == Action.SHARES_HANDLE)
        db.session.execute(delete(CHANGE).where(*mine))
        for row in rows:
            if number[row.handle] > 1:
                names = {name: getattr(row, name) for name in ("source_key", "source_id", "handle", "title")}
                db.session.execute(insert(CHANGE).values(common | names | {"item_id": row.id}))
        return [handle for handle in number if number[handle] > 1]

    def unlisted_files(self) -> int:
        """Return the number of items whose files could not be listed."""
        return len(self._unlisted)

    def fates(self) -> dict[str, int]:
        """Return how many files of the source's items have each status."""
        held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        query = select(FILE.c.fate, func.count()).where(FILE.c.item_id.in_(held)).group_by(FILE.c.fate)
        return dict.fromkeys(FileStatus, 0) | dict(db.session.execute(query).all())

    def new_file_problems(self) -> dict[str, int]:
        """Return by status how many files this job was the first to find with a status that is a problem only once."""
        held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        mine = (FILE.c.item_id.in_(held), FILE.c.first_met_by == self._job_id)
        once = FILE.c.fate.in_([fate for fate in FileStatus if fate.is_problem_once])
        query = select(FILE.c.fate, func.count()).where(*mine, once).group_by(FILE.c.fate)
        return dict(db.session.execute(query).all())

    def other_bundles(self, options: ImportOptions) -> dict[str, int]:
        """Return how many files were not downloaded because their bundle was not chosen, by bundle name."""
        held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        others = (FILE.c.item_id.in_(held), FILE.c.fate == FileStatus.LINKED, ~is_chosen(options))
        query = select(FILE.c.bundle, func.count()).where(*others).group_by(FILE.c.bundle).order_by(FILE.c.bundle)
        return dict(db.session.execute(query).all())

    def settle(self, values: dict[str, Any]) -> None:
        """Store values on the source for its next import."""
        db.session.execute(update(Source).where(Source.id == self._source_id).values(values))

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
        source holds (see `fates`).
        """
        come = [s.item_id for s in saved if s.outcome != "added" and s.item_id not in counted]
        changed = [s for s in saved if s.item_id in counted and "data" in s.before]
        moved: Counter[str] = Counter()
        if come or changed:
            query = select(FILE.c.fate, func.count()).where(FILE.c.item_id.in_([*come, *(s.item_id for s in changed)]))
            moved.update(in_counts(dict(db.session.execute(query.group_by(FILE.c.fate)).all())))
        for s in changed:
            moved.subtract(f"files_{file['fate']}" for file in s.before["data"]["files"])
        return moved

    def _tied(self, saved: Sequence[Saved]) -> list[Saved]:
        """Create or renew the holdings of these items. Return the items, with those that are back as updated."""
        ids = [s.item_id for s in saved]
        mine = HOLDING.c.source_id == self._source_id
        query = select(HOLDING.c.item_id, HOLDING.c.left).where(mine, HOLDING.c.item_id.in_(ids))
        held = {row.item_id: row.left for row in db.session.execute(query)} if ids else {}
        self._moved = self._files_moved(saved, {item_id for item_id, left in held.items() if left is None})
        common = {"source_id": self._source_id, "made_by": self._job_id, "seen_by": self._job_id}
        made = [common | {"item_id": item_id} for item_id in ids if item_id not in held]
        if made:
            db.session.execute(insert(HOLDING), made)
            problem_files.mark([s.item_id for s in saved if s.outcome != "added" and s.item_id not in held])
        if held:
            renewed = {"seen_by": self._job_id, "left": None}
            db.session.execute(update(HOLDING).where(mine, HOLDING.c.item_id.in_(held)).values(renewed))
        return [self._with_return(s, held.get(s.item_id)) for s in saved]

    def _with_return(self, saved: Saved, left: datetime | None) -> Saved:
        """Return the item as updated if it had moved elsewhere and is back. `left`: when it moved, or None."""
        if left is None:
            return saved
        before = saved.before | {f"left:{self._source_id}": left.isoformat()}
        return replace(saved, outcome="updated", before=before)

    def _merged(self, saved: Sequence[Saved]) -> list[Saved]:
        """Merge new changes of items into the changes that this job has already recorded.

        The first earlier state is kept. An item that this job added is left out if a person deleted it before the job
        was resumed. It is already counted.
        """
        again = [s for s in saved if not self._is_first or hash(s.item.id) in self._hashes]
        told = self._earlier_changes([s for s in again if s.outcome != "unchanged" or s.before])
        for s, row in told.values():
            before = None if row.action == Action.ADDED else s.before | ((row.item_id and row.before) or {})
            values = {"item_id": s.item_id, "source_key": s.key, "before": before}
            db.session.execute(update(CHANGE).where(CHANGE.c.id == row.id).values(values))
        lost = {item_id for item_id, (_, row) in told.items() if row.item_id is None}
        return [
            replace(s, outcome="unchanged", before={}) if s.item_id in told else s
            for s in saved
            if s.item_id not in lost
        ]

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
        told = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED))
        mine = (CHANGE.c.job_id == self._job_id, told | CHANGE.c.item_id.in_(touched))
        query = select(CHANGE.c.id, CHANGE.c.item_id, CHANGE.c.source_key, CHANGE.c.action, CHANGE.c.before)
        removed = CHANGE.c.item_id.is_(None) & CHANGE.c.source_key.in_(by_key)
        query = query.where(*mine, CHANGE.c.action.in_(ABOUT_DATA), CHANGE.c.item_id.in_(by_id) | removed)
        query = query.order_by(CHANGE.c.action == Action.UPDATED)
        found = [(by_id.get(row.item_id) or by_key[row.source_key], row) for row in db.session.execute(query)]
        return {s.item_id: (s, row) for s, row in found}

    def _record_changes(self, saved: Sequence[Saved]) -> None:
        rows = [
            self._row(Action.TOUCHED if s.outcome == "unchanged" else s.outcome, s.key, s.item)
            | {"item_id": s.item_id, "before": s.before or None}
            for s in saved
        ]
        if rows:
            db.session.execute(insert(CHANGE), rows)

    def _note_unlisted_files(self, saved: Sequence[Saved]) -> None:
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
            self._row(Action.FILES_UNLISTED, s.key, s.item) | {"item_id": s.item_id, "reason": UNLISTED} for s in new
        ]
        if rows:
            db.session.execute(insert(CHANGE), rows)
        self._unlisted = self._unlisted.difference(listed).union(unlisted)

    def _record_failures(self, failures: Sequence[Failure]) -> None:
        """Record items that could not be read. Items in the catalogue count as seen, because the source listed them."""
        query = select(ITEM.c.source_id, ITEM.c.handle, ITEM.c.id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        by_id = ITEM.c.source_id.in_([f.id for f in failures if f.id])
        by_handle = ITEM.c.handle.in_([f.handle for f in failures if f.handle])
        rows = db.session.execute(query.where(HOLDING.c.source_id == self._source_id, by_id | by_handle)).all()
        held = {row.source_id: row.id for row in rows} | {row.handle: row.id for row in rows if row.handle}
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.item_id.in_(held.values()))
        db.session.execute(update(HOLDING).where(*mine).values(seen_by=self._job_id))
        rows = []
        for failure in failures:
            key = free_key((failure.handle, name_of(failure)), set(self._failed.values()))
            self._failed[name_of(failure)] = key
            item_id = held.get(failure.id) or held.get(failure.handle)
            rows.append(self._row(Action.FAILED, key, failure) | {"item_id": item_id, "reason": failure.reason})
        db.session.execute(insert(CHANGE), rows)

    def _row(self, action: str, key: str, subject: Any) -> dict[str, Any]:
        return {"job_id": self._job_id, **identity(action, key, subject)}


def identity(action: str, key: str, subject: Item | Failure) -> dict[str, Any]:
    """Return the columns of a job's row that identify its item, with the action."""
    names = {"source_id": subject.id, "handle": subject.handle, "title": storable(subject.name)}
    return {"action": str(action), "source_key": key, **names}


def name_of(failure: Failure) -> str:
    """Return the name that identifies a failed item within its job: its id, its handle or else the reason."""
    return failure.id or failure.handle or failure.reason


def in_counts(fates: Mapping[str, int]) -> dict[str, int]:
    """Return numbers of files by status as counts of a job."""
    return {f"files_{fate}": number for fate, number in fates.items()}
