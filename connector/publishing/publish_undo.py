"""Undoes a publishing job: deletes what it created at the destination, and puts back what it changed there.

What somebody edited in Omeka S later stays (see `row_work`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Table, delete, select, union, update

from ..errors import NotFoundError
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _, lazy_gettext as _l, ngettext_or_empty
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.jobs import Job
from ..models.publishing import PUBLISHED_CHANGE, PUBLISHED_FILE, PUBLISHED_ITEM, PUBLISHED_SET
from ..omeka.resources import Item
from . import adoptions, file_uploads, item_changes, publish_undo_effects
from .attempt_connections import Connect, connected_for
from .conflicts import part_name
from .destination_connections import DestinationConnection, open_destination
from .edits_since import is_edited_medium, is_edited_set
from .item_failures import ITEM_PROBLEMS, Problem, problem_of
from .publish_cursors import RowCursor
from .publish_options import DestinationOptions, PublishUndoOptions
from .published_sets import ItemSets
from .row_work import MAY_BE_IN_OMEKA, Effect, RowWork, Subject, gone_in_words
from .stored_items import sent_of, to_json


def run(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Carry out the undo of a publishing job. Return (clean, message)."""
    undone = lifecycle.get(attempt.job_id).undoes
    if undone is None:
        raise NotFoundError(_("The job that this job undoes no longer exists."))
    with connected_for(attempt, DestinationOptions.of(undone).destination, connect) as connection:
        return PublishUndo(attempt, connection).run()


class PublishUndo(RowWork):
    """One attempt at an undo."""

    def __init__(self, attempt: JobAttempt, connection: DestinationConnection):
        undo = lifecycle.get(attempt.job_id)
        undone: Job = undo.undoes  # type: ignore[assignment]  # `run` has checked it
        self._job_id = undone.id
        destination_id, deletes_edited = DestinationOptions.of(undone).destination, PublishUndoOptions.of(undo).edited
        super().__init__(attempt, connection, destination_id, deletes_edited)

    def run(self) -> tuple[bool, str]:
        """Undo what is left. Return (clean, message)."""
        self._check_site()
        self._settle_sets()
        self._settle_uploads(file_uploads.items_of(self._job_id))
        if self._is_new:
            will = publish_undo_effects.counted(self._job_id)
            with transaction():
                self._attempt.advance(expected=will.items + will.changed, cursor=self._cursor.to_json())
        for number, (sentence, step) in enumerate(STEPS):
            if number < self._cursor.step:
                continue
            self._attempt.say(str(sentence))
            step(self)
            self._cursor = RowCursor(step=number + 1)
            with transaction():
                self._attempt.advance(cursor=self._cursor.to_json())
        return self._result()

    def _settle_sets(self) -> None:
        """Find out which item sets are there that the job began to create, without an answer."""
        begun = (
            PUBLISHED_SET.c.job_id == self._job_id,
            PUBLISHED_SET.c.destination_id == self._destination_id,
            PUBLISHED_SET.c.omeka_id.is_(None),
        )
        source_ids = db.session.scalars(select(PUBLISHED_SET.c.source_id).where(*begun)).all()
        db.session.rollback()
        for source_id in source_ids:
            ItemSets(self._connection, self._destination_id).settle(source_id, self._attempt)

    # Items that the job created

    def _delete_created(self) -> None:
        query = select(PUBLISHED_ITEM).where(PUBLISHED_ITEM.c.created_by_job_id == self._job_id, MAY_BE_IN_OMEKA)
        self._delete_items(query, _deletes(PUBLISHED_ITEM))

    # Files that it uploaded to other items

    def _delete_files(self) -> None:
        columns = (PUBLISHED_FILE, PUBLISHED_ITEM.c.item_id, PUBLISHED_ITEM.c.identifier, PUBLISHED_ITEM.c.omeka_id)
        query = select(*columns).join(PUBLISHED_ITEM, PUBLISHED_ITEM.c.id == PUBLISHED_FILE.c.published_item_id)
        query = query.where(
            PUBLISHED_FILE.c.job_id == self._job_id, PUBLISHED_ITEM.c.created_by_job_id.is_distinct_from(self._job_id)
        )

        def act(row: Any) -> Effect:
            media = next((one for one in self._media(row.omeka_id) if one.id == row.media_id), None)
            if media is None:
                return Effect({})
            if is_edited_medium(media) and not self._deletes_edited:
                problem = _("Somebody edited the file “%(name)s” in Omeka S later, so it was kept.", name=media.source)
                return Effect({}, Problem(problem), is_done=False)
            self._connection.asked(lambda: self._client.delete_media(media.id))
            return Effect({"files_removed": 1})

        while rows := self._next(query, PUBLISHED_FILE):
            self._carry_out(rows, act, _deletes(PUBLISHED_FILE))

    # Items that it changed

    def _restore(self) -> None:
        columns = (PUBLISHED_CHANGE, PUBLISHED_ITEM.c.item_id, PUBLISHED_ITEM.c.identifier, PUBLISHED_ITEM.c.omeka_id)
        query = select(*columns, PUBLISHED_ITEM.c.wanted, PUBLISHED_ITEM.c.accepted)
        query = query.join(PUBLISHED_ITEM, PUBLISHED_ITEM.c.id == PUBLISHED_CHANGE.c.published_item_id)
        while rows := self._next(query.where(PUBLISHED_CHANGE.c.job_id == self._job_id), PUBLISHED_CHANGE):
            later = {row.id: self._later(row) for row in rows}
            db.session.rollback()
            self._carry_out(rows, partial(self._restored, later), _store_restored)

    @staticmethod
    def _later(row: Any) -> list[Any]:
        """Return the later changes of the item, oldest first."""
        mine = (PUBLISHED_CHANGE.c.published_item_id == row.published_item_id, PUBLISHED_CHANGE.c.id > row.id)
        return list(
            db.session.execute(
                select(PUBLISHED_CHANGE.c.id, PUBLISHED_CHANGE.c.groups).where(*mine).order_by(PUBLISHED_CHANGE.c.id)
            )
        )

    def _restored(self, later: Mapping[int, Sequence[Any]], row: Any) -> Effect:
        left, passed = row.groups, {}
        for one in later[row.id]:
            left, passed[one.id] = item_changes.passed_on(left, one.groups)
        if not left:
            return Effect({"kept": 1}, later=passed)
        changes = item_changes.from_json(left)
        back: item_changes.RestoredItem | None = None

        def again(item: Item) -> Item:
            nonlocal back
            back = item_changes.without_changes(changes, item)
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
        problem = Problem(_edited_in_words(sorted(back.kept))) if back.kept else None
        count = "restored" if back.restored else "kept"
        return Effect({count: 1}, problem, values=values, later=passed)

    # Item sets that it created

    def _delete_sets(self) -> None:
        query = select(PUBLISHED_SET).where(publish_undo_effects.sets_made_by(self._job_id, self._destination_id))

        def act(row: Any) -> Effect:
            if row.omeka_id is None:
                return Effect({})
            try:
                item_set = self._connection.asked(lambda: self._client.item_set(row.omeka_id))
                if self._connection.asked(lambda: self._client.has_items(item_set.id)) or is_edited_set(item_set):
                    return Effect({}, is_done=False)
                self._connection.asked(lambda: self._client.delete_item_set(item_set.id))
            except NotFoundError:
                return Effect({})
            except ITEM_PROBLEMS as error:  # the job counts failed items only
                return Effect({}, problem_of(error), is_done=False)
            return Effect({"sets_removed": 1})

        while rows := self._next(query, PUBLISHED_SET):
            self._carry_out(rows, act, _deletes(PUBLISHED_SET), _item_set_of)

    # Items that it adopted

    def _forget_adopted(self) -> None:
        """Forget the adopted items that no later job changed, so that the next job asks about them again."""
        changed = select(PUBLISHED_CHANGE.c.published_item_id)
        with_files = select(PUBLISHED_FILE.c.published_item_id).where(PUBLISHED_FILE.c.job_id.is_not(None))
        mine = (PUBLISHED_ITEM.c.destination_id == self._destination_id, PUBLISHED_ITEM.c.created_by_job_id.is_(None))
        adopted = PUBLISHED_ITEM.c.omeka_id.in_(adoptions.adopted(self._job_id))
        with transaction():
            self._attempt.advance()
            at_rest = PUBLISHED_ITEM.c.id.not_in(union(changed, with_files))
            db.session.execute(delete(PUBLISHED_ITEM).where(*mine, adopted, at_rest))

    # The end

    def _result(self) -> tuple[bool, str]:
        db.session.expire_all()
        counts = db.session.get_one(Job, self._attempt.job_id).counts
        lasting = publish_undo_effects.counted(self._job_id).lasting
        sentences = (_kept_in_words(counts["kept"]), gone_in_words(counts["gone"]), _lasting_in_words(lasting))
        return self._has_no_problems(), " ".join(filter(None, sentences))


def _edited_in_words(names: Sequence[str]) -> str:
    fields = ", ".join(map(part_name, names))
    return _("Somebody edited these fields in Omeka S later, so they stay: %(fields)s.", fields=fields)


def _kept_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item was kept, because somebody edited it in Omeka S or a later job changed it.",
        "%(num)s items were kept, because somebody edited them in Omeka S or a later job changed them.",
        number,
    )


def _lasting_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item that the job changed stays as it is in Omeka S, because its earlier values are no longer stored.",
        "%(num)s items that the job changed stay as they are in Omeka S, because their earlier values are no longer "
        "stored.",
        number,
    )


def _item_set_of(row: Any) -> Subject:
    return Subject(None, f"item-set/{row.omeka_id}", _("Item set %(number)s in Omeka S", number=row.omeka_id))


def _deletes(table: Table) -> Callable[[Any, Effect], None]:
    """Return a function that deletes a finished row of a table."""

    def store(row: Any, effect: Effect) -> None:
        if effect.is_done:
            db.session.execute(delete(table).where(table.c.id == row.id))

    return store


def _store_restored(row: Any, effect: Effect) -> None:
    """Delete a finished change, and store what its item and its later changes are without it."""
    for change_id, groups in effect.later.items():
        db.session.execute(update(PUBLISHED_CHANGE).where(PUBLISHED_CHANGE.c.id == change_id).values(groups=groups))
    if effect.values:
        db.session.execute(
            update(PUBLISHED_ITEM).where(PUBLISHED_ITEM.c.id == row.published_item_id).values(effect.values)
        )
    _deletes(PUBLISHED_CHANGE)(row, effect)


STEPS: tuple[tuple[Any, Callable[[PublishUndo], None]], ...] = (
    (_l("Deleting items of this job"), PublishUndo._delete_created),
    (_l("Deleting files of this job"), PublishUndo._delete_files),
    (_l("Restoring changed items"), PublishUndo._restore),
    (_l("Deleting its empty item sets"), PublishUndo._delete_sets),
    (_l("Forgetting adopted items"), PublishUndo._forget_adopted),
)
