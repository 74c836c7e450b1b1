"""Work of a job on rows of what was published, in batches. Threads carry it out without the database.

Each row is recorded after its requests, in one transaction with the cursor. A row that was carried out without a record
is recognised by what stands at the destination.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import or_

from ..catalogue import item_problems
from ..extensions import count_rows, db, transaction
from ..i18n import gettext as _, ngettext_or_empty
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.changes import CHANGE
from ..models.publishing import PUBLISHED_ITEM
from ..omeka.resources import Item, Media
from . import adoptions, file_uploads
from .attempt_connections import check_key, wait_for_requests
from .destination_connections import WRITERS, DestinationConnection
from .edits_since import has_edited_media, is_edited, is_edited_medium
from .file_writer import FileWriter
from .item_changes import Changes
from .item_failures import ITEM_PROBLEMS, Problem, problem_of
from .item_writer import ItemWriter
from .publish_cursors import RowCursor
from .stored_items import sent_of

ROWS = 20
MAY_BE_IN_OMEKA = or_(PUBLISHED_ITEM.c.omeka_id.is_not(None), PUBLISHED_ITEM.c.sending_since.is_not(None))


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one row. `counts`: what it adds to the counts of the job. `problem`: that of its item.

    `is_done`: whether nothing is left to do for the row. `values`: new columns of the published item. `later`: new
    groups of later changes, by their id. `changes`: the changes of the job in the item, None if the stored ones stay.
    """

    counts: Mapping[str, int]
    problem: Problem | None = None
    is_done: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[int, Any] = field(default_factory=dict)
    changes: Changes | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of published items: those up to `begun_before` were worked on by an earlier attempt.

    `items`: as they stand there. `files`: the files that we know (see `file_uploads.known`). Both by the id of the row.
    """

    begun_before: int
    items: Mapping[int, Item]
    files: Mapping[int, Mapping[int, int | None]]


class Subject(NamedTuple):
    """What a problem names. `identifier`, `title`: at the destination, where it is no item of the catalogue."""

    item_id: int | None
    identifier: str
    title: str


Act = Callable[[Any], Effect]
Store = Callable[[Any, Effect], None]
SubjectOf = Callable[[Any], Subject]


def _item_of(row: Any) -> Subject:
    """Return the item of a row. A takedown has deleted titles, so none is stored."""
    return Subject(row.item_id, row.identifier, _("Item %(number)s in Omeka S", number=row.omeka_id))


class RowWork:
    """One attempt at a job that works on rows. `deletes_edited`: whether it also deletes items edited since."""

    def __init__(
        self, attempt: JobAttempt, connection: DestinationConnection, destination_id: int, deletes_edited: bool
    ):
        self._attempt, self._connection, self._client = attempt, connection, connection.client
        self._writer = ItemWriter(connection, attempt.stop.wait)
        self._destination_id, self._deletes_edited = destination_id, deletes_edited
        cursor = lifecycle.get(attempt.job_id).cursor
        self._cursor = RowCursor.from_json(cursor)
        self._is_new = cursor is None
        db.session.rollback()

    def _check_site(self) -> None:
        """Raise InvalidInputError if the key may not write there. Without a key, private items seem to be missing."""
        self._attempt.say(_("Checking the Omeka S site"))
        check_key(self._connection)

    def _settle_uploads(self, omeka_ids: Mapping[int, int]) -> None:
        """Find out which uploads without an answer have added files to items, so that these count as ours.

        `omeka_ids`: the ids of the items at the destination, by id of the published item.
        """
        begun = file_uploads.begun(omeka_ids)
        db.session.rollback()
        files = FileWriter(self._connection, self._writer.wait)
        for published_id, uploads in begun.items():
            self._attempt.say(_("Looking for files of an earlier attempt"))
            continued = files.continued(omeka_ids[published_id], uploads)
            with transaction():
                self._attempt.advance()
                file_uploads.end_others(published_id, ())
                file_uploads.record_continued(published_id, uploads, continued)

    # Published items

    def _delete_items(self, query: Any, store: Store) -> None:
        """Delete the items of a SELECT of published items. `store`: writes to the database that an item is deleted."""
        while rows := self._next(query, PUBLISHED_ITEM):
            self._carry_out(rows, partial(self._delete_item, self._batch(rows)), store)

    def _batch(self, rows: Sequence[Any]) -> Batch:
        """Store that these rows are being worked on, and read their items."""
        begun_before = self._cursor.begun
        self._cursor = replace(self._cursor, begun=max(begun_before, rows[-1].id))
        with transaction():
            self._attempt.advance(cursor=self._cursor.to_json())
        items = self._items(rows)
        self._settle_uploads({row_id: item.id for row_id, item in items.items()})
        files = file_uploads.known(items)
        db.session.rollback()
        return Batch(begun_before, items, files)

    def _delete_item(self, batch: Batch, row: Any) -> Effect:
        item = batch.items.get(row.id)
        if item is None:
            return Effect({"removed" if row.id <= batch.begun_before else "gone": 1})
        if not self._deletes_edited and self._is_edited(item, row, batch):
            problem = Problem(_("Somebody edited it in Omeka S later, so it was kept."))
            return Effect({"kept": 1}, problem, is_done=False)
        self._connection.asked(lambda: self._client.delete_item(item.id))
        return Effect({"removed": 1})

    def _items(self, rows: Sequence[Any]) -> dict[int, Item]:
        """Return the items of rows, by the id of the row. Those without an id there are found by their identifier."""
        by_id = self._writer.read([row.omeka_id for row in rows if row.omeka_id is not None])
        unanswered = [row for row in rows if row.omeka_id is None]
        wait_for_requests(self._attempt, max((row.sending_since for row in unanswered), default=None))
        declined = adoptions.declined(self._destination_id, [row.item_id for row in unanswered])
        db.session.rollback()
        found = self._writer.find([row.identifier for row in unanswered], declined)
        items = {row.id: by_id.get(row.omeka_id) or found.get(row.identifier) for row in rows}
        return {row_id: item for row_id, item in items.items() if item is not None}

    def _is_edited(self, item: Item, row: Any, batch: Batch) -> bool:
        if is_edited(item, sent_of(row.wanted, row.accepted)):
            return True
        if has_edited_media(item, batch.files.get(row.id, {})):
            return True
        return any(map(is_edited_medium, self._media(item.id) if item.media else ()))

    def _media(self, item_id: int) -> list[Media]:
        return self._connection.asked(lambda: self._client.media_of(item_id))

    # Rows of any table

    def _next(self, query: Any, table: Any) -> Sequence[Any]:
        """Return the next rows after the cursor."""
        self._attempt.check()
        rows = db.session.execute(query.where(table.c.id > self._cursor.after).order_by(table.c.id).limit(ROWS)).all()
        db.session.rollback()
        return rows

    def _carry_out(self, rows: Sequence[Any], act: Act, store: Store, subject_of: SubjectOf = _item_of) -> None:
        """Call `act` for each row, in threads that do not use the database. Record the effects in order.

        `store`: writes an effect to the tables of what was published. `subject_of`: returns what problems of a row
        name, by default its item.
        """

        def guarded(row: Any) -> Effect:
            self._attempt.check()
            try:
                return act(row)
            except ITEM_PROBLEMS as error:
                return Effect({"failed": 1}, problem_of(error), is_done=False)

        with ThreadPoolExecutor(WRITERS) as pool:
            futures = [pool.submit(copy_context().run, guarded, row) for row in rows]
            try:
                for row, future in zip(rows, futures, strict=True):
                    self._record(row, future.result(), store, subject_of)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def _record(self, row: Any, effect: Effect, store: Store, subject_of: SubjectOf) -> None:
        """Store what became of a row, in one transaction with the counts and the cursor."""
        self._cursor = replace(self._cursor, after=row.id)
        with transaction():
            self._attempt.advance(effect.counts, cursor=self._cursor.to_json())
            if effect.problem:
                item_problems.note(self._attempt.job_id, *subject_of(row), *effect.problem)
            store(row, effect)

    def _has_no_problems(self) -> bool:
        return count_rows(CHANGE, CHANGE.c.job_id == self._attempt.job_id) == 0


def gone_in_words(number: int) -> str:
    """Return how many items were no longer at the destination."""
    return ngettext_or_empty(
        "%(num)s item was deleted in Omeka S before, or is not visible for this key.",
        "%(num)s items were deleted in Omeka S before, or are not visible for this key.",
        number,
    )
