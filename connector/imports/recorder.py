"""Writes what became of items: the holdings that tie them to their source, the changes, and those that failed."""

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
from ..models.jobs import ImportJob, Kind, State
from ..models.repositories import Source
from . import retry_failed
from .due_files import is_chosen
from .item_set_assignment import MEMBERSHIP, ItemSetAssigner
from .login_guard import LoginGuard
from .questions import Missing, Unlisted
from .restrictions import Restrictions

HOLDING, CHANGE, ITEM, FILE = Holding.__table__, Change.__table__, store.ITEM, store.FILE
JOB = ImportJob.__table__
CHUNK = 500
UNLISTED = "Its files could not be listed, so only its metadata came. Earlier files stay. Import it again later."
SHARED = "Another item at the source has the same handle. Both are here."
ABOUT_DATA = (Action.ADDED, Action.UPDATED, Action.TOUCHED)
NOBODY = 0  # the job that has seen an item which went while it was read
REASONS = {
    SourceState.ELSEWHERE: "Still at the source, but no longer in what this import reads.",
    SourceState.WITHDRAWN: "Withdrawn at the source.",
    SourceState.HIDDEN: "No longer open to the public at the source (on DSpace 4 to 6 it may be withdrawn).",
    SourceState.SUPERSEDED: "Replaced at the source by a newer version.",
    SourceState.VANISHED: "No longer at the source.",
}


class Recorder:
    """Records for one attempt at an import, inside its transactions. A preview has its own (see
    `preview.PreviewRecorder`).

    `unseen`: the SQL condition on a holding that this job has not met its item.
    """

    def __init__(self, run: JobAttempt, job: ImportJob, place: RepositoryContext):
        source_id = job.source_id
        self._run, self._job_id, self._source_id, self._place = run, run.job_id, source_id, place
        self._scope, self._limit = job.source.scope, retry_failed.file_limit(job.options)
        self._shelving = ItemSetAssigner(job.id, source_id, self._scope, place, job.options)
        self.unseen = HOLDING.c.seen_by != run.job_id
        ours = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        ours = ours.where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == run.job_id)
        # Made once: this is asked for every page, and to build a statement takes longer than to run it.
        self._seen = ours.where(
            ITEM.c.repository_id == place.repository_id, ITEM.c.source_id.in_(bindparam("ids", expanding=True))
        )
        failed = select(CHANGE.c.source_id, CHANGE.c.source_key)
        failed = failed.where(CHANGE.c.job_id == run.job_id, CHANGE.c.action == Action.FAILED)
        # What failed, as `name_of` names it, with the key of its row.
        self._failed = {row.source_id or row.source_key: row.source_key for row in db.session.execute(failed)}
        unlisted = select(CHANGE.c.item_id).where(CHANGE.c.job_id == run.job_id)
        self._unlisted = set(db.session.scalars(unlisted.where(CHANGE.c.action == Action.FILES_UNLISTED)))
        seen = select(HOLDING.c.id).where(HOLDING.c.source_id == source_id, HOLDING.c.seen_by == run.job_id)
        told = select(CHANGE.c.id).where(CHANGE.c.job_id == run.job_id)
        self._is_first = all(db.session.scalar(before.limit(1)) is None for before in (seen, told))
        self._restrictions = Restrictions(place, self._scope)
        self._moved: Counter[str] = Counter()  # by what was recorded last
        self._hashes: set[int] = set()  # of what this attempt has recorded: most pages need no look at the database

    def seen(self, ids: Collection[str]) -> set[str]:
        """Which of these ids at the source this job has recorded."""
        found = self._recorded(ids)
        db.session.rollback()
        return found

    def _recorded(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids at the source this job has recorded, inside whatever transaction is open."""
        found: set[str] = set()
        wanted = [id for id in ids if not self._is_first or hash(id) in self._hashes]
        for start in range(0, len(wanted), CHUNK):
            found.update(db.session.scalars(self._seen, {"ids": wanted[start : start + CHUNK]}))
        return found

    def met(self) -> set[str]:
        """The ids at the source of all items that this job has recorded as there."""
        mine = (HOLDING.c.source_id == self._source_id, HOLDING.c.seen_by == self._job_id)
        query = select(ITEM.c.source_id).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        found = set(db.session.scalars(query.where(*mine, ITEM.c.source_id.is_not(None))))
        db.session.rollback()
        return found

    def forget(self, ids: Collection[str]) -> Counter[str]:
        """Have these items count as not seen, so that they are asked for at the end; gives what to add to the counts.

        Inside a transaction. What was told of one that this job added, updated or could not read stays told.
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
        """Those of the failures that are not recorded yet, each once."""
        return [f for name, f in {name_of(f): f for f in failures}.items() if name not in self._failed]

    def prepare(self, access: LoginGuard, items: Sequence[Item], again: Sequence[Item]) -> None:
        """Ask the repository for what is needed to record these items and to shelve those that were met `again`.

        No transaction may be open.
        """
        self._shelving.prepare(access.client, [*items, *again])
        self._restrictions.prepare(access, items)

    def not_failed(self, items: Iterable[Item]) -> list[Item]:
        """Those of the items that this job has not recorded as failed."""
        return [item for item in items if item.id not in self._failed]

    def save(
        self, items: Sequence[Item], unchanged: Collection[str], closed: Mapping[str, Mapping[str, Any]]
    ) -> list[Saved]:
        """Write complete items into the catalogue (see `store.save`). `unchanged`: ids met with them, as held."""
        return store.save(self._place, items, lambda ids: self._recorded(ids).union(unchanged), closed)

    def record(self, saved: Sequence[Saved], failures: Sequence[Failure]) -> list[Saved]:
        """Record what was saved, and what failed; gives what was saved with its final outcome.

        What this job has told of an item before stays its one change, and it counts as unchanged since.
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
        """Put items that were met in one more collection into its item set, too."""
        held = store.held(self._place.repository_id, items) if items else {}
        self._shelving.add([(item, held[item.id].item_id) for item in items if item.id in held])

    def take_over_files(self, job_id: int) -> int:
        """From now on this job, not that one, tells of the files that did not come; gives of how many items.

        Items that failed themselves, or whose files are not what they announce, are to be read first, and bring their
        files along.
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
        """Take items out of the sets of collections that they have left at the source. Sets made by hand stay.

        `unread`: the ids of sets whose collection this job could not read to its end: their items stay.
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

    def homeless(self) -> int:
        """Return how many items are in no set, since which collection they belong to cannot be read."""
        return self._shelving.homeless()

    def held(self, present: Select[Any]) -> int:
        """How many items the source holds, of a SELECT of its holdings; as it will be when this job has ended."""
        return db.session.scalar(present.with_only_columns(func.count()))

    def keep(self, rest: Select[Any]) -> int:
        """Count all of a SELECT of holdings as seen and unchanged, in one statement; gives how many."""
        self._is_first = False
        return db.session.execute(update(HOLDING).where(HOLDING.c.id.in_(rest)).values(seen_by=self._job_id)).rowcount

    def mark(self, marked: Sequence[tuple[Any, SourceState]]) -> None:
        """Mark items that are no longer present: `marked` gives their rows and where they stand (design rule 7)."""
        now = utcnow()
        held = set(db.session.scalars(select(ITEM.c.id).where(ITEM.c.id.in_([row.id for row, _ in marked]))))
        for row, state in marked:
            if row.id not in held:  # taken down while the source was asked
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
        """Close the questions with which earlier imports of this source ended: this one has settled them."""
        mine = (JOB.c.source_id == self._source_id, JOB.c.kind == Kind.IMPORT, JOB.c.id < self._job_id)
        mine += (JOB.c.state == State.STOPPED, JOB.c.question.is_not(None))
        for row in db.session.execute(select(JOB.c.id, JOB.c.attempt, JOB.c.question).where(*mine)).all():
            if "answer" not in row.question:
                values = {"question": row.question | {"settled_by": self._job_id}}
                values["message"] = f"Job {self._job_id} has read this source again and settled this question."
                # An answer that was given since has queued the job, and a new attempt may have asked again.
                is_open = (JOB.c.state == State.STOPPED, JOB.c.question["answer"].as_string().is_(None))
                same = (JOB.c.id == row.id, JOB.c.attempt == row.attempt)
                db.session.execute(update(JOB).where(*same, *is_open).values(values))

    def ask(self, question: Missing | Unlisted) -> str:
        """End the job with a question: far more is missing than is likely, or all is gone. Raises
        DecisionRequiredError."""
        with transaction():
            self._run.advance({}, question=question.facts)
            self.close_questions()
        raise DecisionRequiredError(question.sentence)

    def shared_handles(self) -> list[str]:
        """Return the handles that more than one item of this source has, and note these items as problems."""
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
        """Return of how many items the files could not be listed."""
        return len(self._unlisted)

    def fates(self) -> dict[str, int]:
        """How many files of each fate the items of this source have."""
        held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        query = select(FILE.c.fate, func.count()).where(FILE.c.item_id.in_(held)).group_by(FILE.c.fate)
        return dict.fromkeys(FileStatus, 0) | dict(db.session.execute(query).all())

    def new_file_problems(self) -> dict[str, int]:
        """Return how many files this job was the first to find with a status that is a problem once, by status."""
        held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        mine = (FILE.c.item_id.in_(held), FILE.c.first_met_by == self._job_id)
        once = FILE.c.fate.in_([fate for fate in FileStatus if fate.is_problem_once])
        query = select(FILE.c.fate, func.count()).where(*mine, once).group_by(FILE.c.fate)
        return dict(db.session.execute(query).all())

    def other_bundles(self, options: Mapping[str, Any]) -> dict[str, int]:
        """Return how many files were not downloaded as their bundle was not chosen, by the name of the bundle."""
        held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == self._source_id, HOLDING.c.left.is_(None))
        others = (FILE.c.item_id.in_(held), FILE.c.fate == FileStatus.LINKED, ~is_chosen(options))
        query = select(FILE.c.bundle, func.count()).where(*others).group_by(FILE.c.bundle).order_by(FILE.c.bundle)
        return dict(db.session.execute(query).all())

    def settle(self, values: dict[str, Any]) -> None:
        """Note on the source what the next import of it wants to know."""
        db.session.execute(update(Source).where(Source.id == self._source_id).values(values))

    def counts(self, saved: Sequence[Saved], failed: int) -> Counter[str]:
        """What to add to the counts of the job after `record`. The files of new items are all linked so far."""
        linked = sum(len(s.item.bitstreams or ()) for s in saved if s.outcome == "added")
        counts = Counter(s.outcome for s in saved)
        counts.update(self._moved, seen=len(saved) + failed, failed=failed, files_linked=linked)
        return counts

    def _files_moved(self, saved: Sequence[Saved], counted: Collection[int]) -> Counter[str]:
        """How `record` moves the counts of files of items that were here; `counted`: of which they are in the counts.

        The counts are those of all items that the source holds, at every moment (see `fates`).
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
        """Make or renew the holdings."""
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
        """An item that had moved elsewhere and is back counts as updated."""
        if left is None:
            return saved
        before = saved.before | {f"left:{self._source_id}": left.isoformat()}
        return replace(saved, outcome="updated", before=before)

    def _merged(self, saved: Sequence[Saved]) -> list[Saved]:
        """Merge what has changed of items with what this job has told of them; of the states before, the first stays.

        An item that it brought and a person removed while it stood still may be back: that is left out, as counted.
        """
        again = [s for s in saved if not self._is_first or hash(s.item.id) in self._hashes]
        told = self._told([s for s in again if s.outcome != "unchanged" or s.before])
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

    def _told(self, changed: Sequence[Saved]) -> dict[int, tuple[Saved, Any]]:
        """What this job has told of these items so far, by catalogue id; of one that was removed since, by its key.

        Where it told that only the time stamp of an item moved, an update of it is told besides.
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
        """Note the items whose files could not be listed as problems, and no longer those whose files came since."""
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
        """Record items that could not be read; one that is held was listed, so it has not vanished."""
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
    """What a row of a job says of its item: what was done to it, and by which names it is known."""
    names = {"source_id": subject.id, "handle": subject.handle, "title": storable(subject.name)}
    return {"action": str(action), "source_key": key, **names}


def name_of(failure: Failure) -> str:
    """Return what tells a failed item from others of its job. One of which nothing is known is named by its reason."""
    return failure.id or failure.handle or failure.reason


def in_counts(fates: Mapping[str, int]) -> dict[str, int]:
    """Numbers of files by fate as the counts of a job."""
    return {f"files_{fate}": number for fate, number in fates.items()}
