"""Undoes a publishing job: deletes what it created at the destination, and puts back what it changed there.

What somebody edited in Omeka S since stays. Each part is recorded after its request, in one transaction with
the cursor. A part that was carried out without a record is recognised by what stands at the destination.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import delete, func, or_, select, union, update

from ..errors import NotFoundError
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..i18n import ngettext
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import Change
from ..models.jobs import Job
from ..models.publishing import PublishedChange, PublishedFile, PublishedItem, PublishedSet
from ..omeka import Item, Media
from . import adoptions, item_changes, job_problems, undo_effects
from .attempt_connections import Connect, connected_for
from .conflicts import part_name
from .connections import WRITERS, DestinationConnection, open_destination
from .edits_since import is_edited, is_edited_medium, is_edited_set
from .item_writer import ITEM_PROBLEMS, RUNS_ON, ItemWriter, sentence_of
from .stored_items import sent_of, to_json

Result = TypeVar("Result")
ROWS = 20
PUBLISHED, FILE, SET = PublishedItem.__table__, PublishedFile.__table__, PublishedSet.__table__
CHANGED, PROBLEM = PublishedChange.__table__, Change.__table__


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one row. `counts`: what it adds to the counts of the job. `problem`: a sentence for its item.

    `is_done`: whether the row has to be deleted. `title`: of the item at the destination. `values`: new columns of the
    published item. `later`: new groups of later changes, by their id.
    """

    counts: Mapping[str, int]
    problem: str = ""
    is_done: bool = True
    title: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of created items: those up to `begun_before` were worked on by an earlier attempt.

    `items`: as they stand there. `files`: the ids of the media that we know. Both by the id of the row.
    """

    begun_before: int
    items: Mapping[int, Item]
    files: Mapping[int, set[int]]


def run(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Carry out the undo of a publishing job. Return (clean, message)."""
    undone = lifecycle.get(attempt.job_id).undoes
    if undone is None:
        raise NotFoundError(_("The job that this job undoes no longer exists."))
    with connected_for(attempt, undone.options["destination"], connect) as connection:
        return PublishUndo(attempt, connection).run()


class PublishUndo:
    """One attempt at an undo."""

    def __init__(self, attempt: JobAttempt, connection: DestinationConnection):
        self._attempt, self._client, self._outage = attempt, connection.client, connection.outage
        self._writer = ItemWriter(connection.client, connection.outage, attempt.stop.wait)
        undo = lifecycle.get(attempt.job_id)
        undone: Job = undo.undoes  # type: ignore[assignment]  # `run` has checked it
        self._job_id, self._destination_id = undone.id, int(undone.options["destination"])
        self._deletes_edited = bool(undo.options.get("edited"))
        self._cursor: dict[str, int] = dict(undo.cursor or {"step": 0, "after": 0, "begun": 0})
        self._is_new = undo.cursor is None
        db.session.rollback()

    def run(self) -> tuple[bool, str]:
        """Undo what is left. Return (clean, message)."""
        self._attempt.say(_("Checking the Omeka S site"))
        self._asked(self._client.check)
        if self._is_new:
            will = undo_effects.counted(self._job_id)
            with transaction():
                self._attempt.advance(expected=will.items + will.changed, cursor=self._cursor)
        for number, (sentence, step) in enumerate(STEPS):
            if number < self._cursor["step"]:
                continue
            self._attempt.say(str(sentence))
            step(self)
            self._cursor = {"step": number + 1, "after": 0, "begun": 0}
            with transaction():
                self._attempt.advance(cursor=self._cursor)
        return self._result()

    # Items that the job created

    def _delete_items(self) -> None:
        here = or_(PUBLISHED.c.omeka_id.is_not(None), PUBLISHED.c.sending_since.is_not(None))
        query = select(PUBLISHED).where(PUBLISHED.c.created_by_job_id == self._job_id, here)
        while rows := self._next(query, PUBLISHED):
            begun_before = self._begin(rows)
            items = self._items(rows)
            files = self._files_of([row.id for row in rows])

            batch = _Batch(begun_before, items, files)
            self._carry_out(rows, partial(self._delete_item, batch), PUBLISHED)

    def _delete_item(self, batch: _Batch, row: Any) -> Effect:
        item = batch.items.get(row.id)
        if item is None:
            return Effect({"removed" if row.id <= batch.begun_before else "gone": 1})
        if not self._deletes_edited and self._is_edited(item, row, batch):
            told = _("Somebody edited it in Omeka S since, so it was kept.")
            return Effect({"kept": 1}, told, is_done=False, title=item.title)
        self._asked(lambda: self._client.delete_item(item.id))
        return Effect({"removed": 1})

    def _begin(self, rows: Sequence[Any]) -> int:
        """Store that these rows are being worked on. Return the last row that an earlier attempt worked on."""
        before = self._cursor["begun"]
        self._cursor = self._cursor | {"begun": max(before, rows[-1].id)}
        with transaction():
            self._attempt.advance(cursor=self._cursor)
        return before

    def _items(self, rows: Sequence[Any]) -> dict[int, Item]:
        """Return the items of rows, by the id of the row. Those without an id there are found by their identifier."""
        by_id = self._writer.read([row.omeka_id for row in rows if row.omeka_id is not None])
        unanswered = [row for row in rows if row.omeka_id is None]
        if unanswered:
            self._wait_for(unanswered)
        besides = adoptions.declined(self._destination_id, [row.item_id for row in unanswered])
        db.session.rollback()
        found = self._writer.find([row.identifier for row in unanswered], besides)
        items = {row.id: by_id.get(row.omeka_id) or found.get(row.identifier) for row in rows}
        return {row_id: item for row_id, item in items.items() if item is not None}

    def _wait_for(self, rows: Sequence[Any]) -> None:
        """Wait until the site must have ended the requests that create these items."""
        seconds = max(RUNS_ON - (utcnow() - row.sending_since).total_seconds() for row in rows)
        if seconds > 0:
            self._attempt.say(_("Waiting for requests of an earlier attempt to end"))
            self._attempt.stop.wait(seconds)
            self._attempt.check()

    def _is_edited(self, item: Item, row: Any, batch: _Batch) -> bool:
        if is_edited(item, sent_of(row.wanted, row.accepted)):
            return True
        is_other = row.omeka_id is not None and not set(item.media) <= batch.files.get(row.id, set())
        return is_other or any(map(is_edited_medium, self._media(item.id) if item.media else ()))

    def _media(self, item_id: int) -> list[Media]:
        return self._asked(lambda: self._client.media_of(item_id))

    @staticmethod
    def _files_of(ids: Sequence[int]) -> dict[int, set[int]]:
        """Return the ids of the media that we know, by published item."""
        found: dict[int, set[int]] = {}
        columns = (FILE.c.published_item_id, FILE.c.media_id)
        for item_id, media_id in db.session.execute(select(*columns).where(FILE.c.published_item_id.in_(ids))):
            found.setdefault(item_id, set()).add(media_id)
        db.session.rollback()
        return found

    # Files that it uploaded to other items

    def _delete_files(self) -> None:
        columns = (FILE, PUBLISHED.c.item_id, PUBLISHED.c.identifier, PUBLISHED.c.omeka_id)
        query = select(*columns).join(PUBLISHED, PUBLISHED.c.id == FILE.c.published_item_id)
        query = query.where(FILE.c.job_id == self._job_id, PUBLISHED.c.created_by_job_id.is_distinct_from(self._job_id))

        def act(row: Any) -> Effect:
            media = next((one for one in self._media(row.omeka_id) if one.id == row.media_id), None)
            if media is None:
                return Effect({})
            if is_edited_medium(media) and not self._deletes_edited:
                told = _("Somebody edited the file “%(name)s” in Omeka S since, so it was kept.", name=media.source)
                return Effect({}, told, is_done=False)
            self._asked(lambda: self._client.delete_media(media.id))
            return Effect({"files_removed": 1})

        while rows := self._next(query, FILE):
            self._carry_out(rows, act, FILE)

    # Items that it changed

    def _restore(self) -> None:
        columns = (CHANGED, PUBLISHED.c.item_id, PUBLISHED.c.identifier, PUBLISHED.c.omeka_id)
        query = select(*columns, PUBLISHED.c.wanted, PUBLISHED.c.accepted)
        query = query.join(PUBLISHED, PUBLISHED.c.id == CHANGED.c.published_item_id)
        while rows := self._next(query.where(CHANGED.c.job_id == self._job_id), CHANGED):
            later = {row.id: self._later(row) for row in rows}
            db.session.rollback()
            self._carry_out(rows, partial(self._restored, later), CHANGED)

    @staticmethod
    def _later(row: Any) -> list[Any]:
        """Return the later changes of the item, oldest first."""
        mine = (CHANGED.c.published_item_id == row.published_item_id, CHANGED.c.id > row.id)
        return list(db.session.execute(select(CHANGED.c.id, CHANGED.c.groups).where(*mine).order_by(CHANGED.c.id)))

    def _restored(self, later: Mapping[int, Sequence[Any]], row: Any) -> Effect:
        left, passed = row.groups, {}
        for one in later[row.id]:
            left, passed[one.id] = item_changes.passed_on(left, one.groups)
        if not left:
            return Effect({"kept": 1}, later=passed)
        changes = item_changes.from_json(left)
        back: item_changes.TakenBack | None = None

        def again(item: Item) -> Item:
            nonlocal back
            back = item_changes.taken_back(changes, item)
            return back.item

        try:
            self._writer.update(row.omeka_id, again)
        except NotFoundError:
            return Effect({"gone": 1})
        assert back is not None  # `update` has called `again`
        sent = sent_of(row.wanted, row.accepted)
        values = {}
        if sent is not None:
            sent = item_changes.sent_before(sent, changes, back.restored)
            values = {"wanted": to_json(sent.wanted), "accepted": to_json(sent.accepted), "changed_at": utcnow()}
        told = _edited_in_words(sorted(back.kept)) if back.kept else ""
        count = "restored" if back.restored else "kept"
        return Effect({count: 1}, told, title=back.item.title, values=values, later=passed)

    # Item sets that it created

    def _delete_sets(self) -> None:
        query = select(SET).where(undo_effects.sets_made_by(self._job_id, self._destination_id))

        def act(row: Any) -> Effect:
            try:
                item_set = self._outage.retry_until_available(
                    "destination", lambda: self._client.item_set(row.omeka_id)
                )
            except NotFoundError:
                return Effect({})
            if self._asked(lambda: self._client.has_items(item_set.id)) or is_edited_set(item_set):
                return Effect({}, is_done=False)
            self._asked(lambda: self._client.delete_item_set(item_set.id))
            return Effect({"sets_removed": 1})

        while rows := self._next(query, SET):
            self._carry_out(rows, act, SET)

    # Items that it adopted

    def _forget_adopted(self) -> None:
        """Forget the adopted items that no later job changed, so that the next job asks about them again."""
        changed = select(CHANGED.c.published_item_id)
        with_files = select(FILE.c.published_item_id).where(FILE.c.job_id.is_not(None))
        mine = (PUBLISHED.c.destination_id == self._destination_id, PUBLISHED.c.created_by_job_id.is_(None))
        adopted = PUBLISHED.c.omeka_id.in_(adoptions.adopted(self._job_id))
        with transaction():
            self._attempt.advance()
            at_rest = PUBLISHED.c.id.not_in(union(changed, with_files))
            db.session.execute(delete(PUBLISHED).where(*mine, adopted, at_rest))

    # Helpers

    def _asked(self, call: Callable[[], Result]) -> Result:
        return self._outage.retry_until_available("destination", call)

    def _next(self, query: Any, table: Any) -> Sequence[Any]:
        """Return the next rows after the cursor."""
        self._attempt.check()
        rows = db.session.execute(
            query.where(table.c.id > self._cursor["after"]).order_by(table.c.id).limit(ROWS)
        ).all()
        db.session.rollback()
        return rows

    def _carry_out(self, rows: Sequence[Any], act: Callable[[Any], Effect], table: Any) -> None:
        """Call `act` for each row, in threads that do not use the database. Record the effects in order."""

        def guarded(row: Any) -> Effect:
            self._attempt.check()
            try:
                return act(row)
            except ITEM_PROBLEMS as error:
                return Effect({"failed": 1}, sentence_of(error), is_done=False)

        with ThreadPoolExecutor(WRITERS) as pool:
            futures = [pool.submit(copy_context().run, guarded, row) for row in rows]
            try:
                for row, future in zip(rows, futures, strict=True):
                    self._record(row, future.result(), table)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def _record(self, row: Any, effect: Effect, table: Any) -> None:
        """Store what became of a row, in one transaction with the counts and the cursor."""
        self._cursor = self._cursor | {"after": row.id}
        with transaction():
            self._attempt.advance(effect.counts, cursor=self._cursor)
            for change_id, groups in effect.later.items():
                db.session.execute(update(CHANGED).where(CHANGED.c.id == change_id).values(groups=groups))
            if effect.values:
                mine = PUBLISHED.c.id == row.published_item_id
                db.session.execute(update(PUBLISHED).where(mine).values(effect.values))
            if effect.problem:
                mine = (self._attempt.job_id, row.item_id, row.identifier, effect.title)
                job_problems.note(*mine, effect.problem)
            if effect.is_done:
                db.session.execute(delete(table).where(table.c.id == row.id))

    def _result(self) -> tuple[bool, str]:
        db.session.expire_all()
        counts = db.session.get_one(Job, self._attempt.job_id).counts
        problems = select(func.count()).select_from(PROBLEM).where(PROBLEM.c.job_id == self._attempt.job_id)
        is_clean = db.session.scalars(problems).one() == 0
        told = [_kept_in_words(counts["kept"])] if counts["kept"] else []
        told += [_gone_in_words(counts["gone"])] if counts["gone"] else []
        told += [_lasting_in_words(number)] if (number := undo_effects.counted(self._job_id).lasting) else []
        return is_clean, " ".join(told)


def _edited_in_words(names: Sequence[str]) -> str:
    fields = ", ".join(map(part_name, names))
    return _("Somebody edited these fields in Omeka S since, so they stay: %(fields)s.", fields=fields)


def _kept_in_words(number: int) -> str:
    return ngettext(
        "%(num)s item was kept, because somebody edited it in Omeka S or a later job changed it.",
        "%(num)s items were kept, because somebody edited them in Omeka S or a later job changed them.",
        number,
    )


def _gone_in_words(number: int) -> str:
    return ngettext(
        "%(num)s item was no longer in Omeka S.",
        "%(num)s items were no longer in Omeka S.",
        number,
    )


def _lasting_in_words(number: int) -> str:
    return ngettext(
        "%(num)s item that the job changed stays as it is in Omeka S, because its earlier values are no longer stored.",
        "%(num)s items that the job changed stay as they are in Omeka S, because their earlier values are no longer "
        "stored.",
        number,
    )


STEPS: tuple[tuple[Any, Callable[[PublishUndo], None]], ...] = (
    (_l("Deleting items of this job"), PublishUndo._delete_items),
    (_l("Deleting files of this job"), PublishUndo._delete_files),
    (_l("Restoring changed items"), PublishUndo._restore),
    (_l("Deleting its empty item sets"), PublishUndo._delete_sets),
    (_l("Forgetting adopted items"), PublishUndo._forget_adopted),
)
