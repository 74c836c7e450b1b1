"""Withdraws published items from a destination: makes them private there, or deletes them.

A person starts it, never an import. The undo of a publishing job also takes back that items were made private. Deleted
items are published again only if they may be public again (see `ItemToSend.is_withdrawn`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import delete, select, update

from ..errors import NotFoundError, OutcomeUnknownError
from ..extensions import count_rows, db, transaction, utcnow
from ..i18n import gettext as _, ngettext_or_empty
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.jobs import Job
from ..models.publishing import (
    CONFLICT,
    PUBLISHED_CHANGE,
    PUBLISHED_FILE,
    PUBLISHED_ITEM,
    REFUSED_FILE,
    UPLOAD,
    WITHDRAWAL_SELECTION,
)
from ..omeka.resources import Item
from .attempt_connections import Connect, connected_for
from .destination_connections import DestinationConnection, open_destination
from .item_changes import Changes, GroupChange
from .item_failures import ITEM_PROBLEMS, Problem, problem_of
from .job_kind import DELETE_PUBLISHED
from .merge import Sent
from .publish_options import WithdrawalOptions
from .published_items import PublishedItems
from .resource_groups import VISIBILITY, with_groups
from .row_work import MAY_BE_IN_OMEKA, Batch, Effect, RowWork, gone_in_words
from .stored_items import sent_of, to_json

KNOWLEDGE = (PUBLISHED_FILE, UPLOAD, REFUSED_FILE, PUBLISHED_CHANGE, CONFLICT)


def run(attempt: JobAttempt, connect: Connect = open_destination) -> tuple[bool, str]:
    """Withdraw the items of a job. Return (clean, message)."""
    with connected_for(attempt, WithdrawalOptions.of(lifecycle.get(attempt.job_id)).destination, connect) as connection:
        return Withdrawal(attempt, connection).run()


class Withdrawal(RowWork):
    """One attempt at a withdrawal."""

    def __init__(self, attempt: JobAttempt, connection: DestinationConnection):
        job = lifecycle.get(attempt.job_id)
        self._deletes = job.kind == DELETE_PUBLISHED.name
        options = WithdrawalOptions.of(job)
        self._published = PublishedItems(options.destination, attempt.job_id)
        super().__init__(attempt, connection, options.destination, options.edited)

    def run(self) -> tuple[bool, str]:
        """Withdraw what is left. Return (clean, message)."""
        self._check_site()
        selected = select(WITHDRAWAL_SELECTION.c.published_item_id).where(
            WITHDRAWAL_SELECTION.c.job_id == self._attempt.job_id
        )
        items = select(PUBLISHED_ITEM).where(PUBLISHED_ITEM.c.id.in_(selected), MAY_BE_IN_OMEKA)
        if self._is_new:
            with transaction():
                expected = count_rows(items.subquery())
                self._attempt.advance(expected=expected, cursor=self._cursor.to_json())
        if self._deletes:
            self._attempt.say(_("Deleting items in Omeka S"))
            self._delete_items(items, _store_deleted)
        else:
            self._attempt.say(_("Making items private in Omeka S"))
            self._make_private(items)
        return self._result()

    def _make_private(self, query: Any) -> None:
        while rows := self._next(query, PUBLISHED_ITEM):
            batch = self._batch(rows)
            planned = self._planned(rows, batch)
            self._carry_out(rows, partial(self._made_private, batch, planned), self._store_private)

    def _planned(self, rows: Sequence[Any], batch: Batch) -> Mapping[int, Changes]:
        """Store which items are about to be made private, for an undo. Return these changes by id of the row.

        An item that an earlier attempt made private is among them.
        """
        with transaction():
            self._attempt.advance()
            planned = self._published.planned([row.id for row in rows])
            for row in rows:
                item = batch.items.get(row.id)
                if item and item.is_public:
                    planned[row.id] = _change(sent_of(row.wanted, row.accepted))
                    self._published.replace_changes(row.id, planned[row.id])
        return planned

    def _made_private(self, batch: Batch, planned: Mapping[int, Changes], row: Any) -> Effect:
        item = batch.items.get(row.id)
        if item is None:
            return Effect({"gone": 1}, changes={})
        if not item.is_public:
            return _private(row, item) if row.id in planned else Effect({"unchanged": 1})
        was_public = False

        def again(current: Item) -> Item:
            nonlocal was_public
            was_public = was_public or current.is_public
            return replace(current, is_public=False)

        try:
            written = self._writer.update(item.id, again)
        except NotFoundError:
            return Effect({"gone": 1}, changes={})
        except OutcomeUnknownError:
            raise  # it may be private now, so the planned change stays for an undo
        except ITEM_PROBLEMS as error:
            return Effect({"failed": 1}, problem_of(error), is_done=False, changes={})
        if written.is_public:
            problem = Problem(_("Omeka S did not make it private."))
            return Effect({"failed": 1}, problem, is_done=False, changes={})
        return _private(row, item) if was_public else Effect({"unchanged": 1}, changes={})

    def _store_private(self, row: Any, effect: Effect) -> None:
        if effect.values:
            values = {**effect.values, "job_id": self._attempt.job_id}
            db.session.execute(update(PUBLISHED_ITEM).where(PUBLISHED_ITEM.c.id == row.id).values(values))
        if effect.changes is not None:
            self._published.replace_changes(row.id, effect.changes)

    def _result(self) -> tuple[bool, str]:
        db.session.expire_all()
        counts = db.session.get_one(Job, self._attempt.job_id).counts
        sentences = filter(None, (_kept_in_words(counts["kept"]), gone_in_words(counts["gone"])))
        return self._has_no_problems(), " ".join(sentences)


def _change(sent: Sent | None) -> Changes:
    """Return the change of a public item that is made private. A new item without an answer counts as sent private."""
    wanted, accepted = (sent.wanted.is_public, sent.accepted.is_public) if sent else (False, False)
    return {VISIBILITY: GroupChange(before=True, after=False, sent=wanted, accepted=accepted)}


def _private(row: Any, item: Item) -> Effect:
    """Return the effect of an item that is private now. Private then counts as sent, so that publishing keeps it."""
    values = {"omeka_id": item.id, "changed_at": utcnow()}
    if sent := sent_of(row.wanted, row.accepted):
        private = {VISIBILITY: False}
        values |= {"wanted": to_json(with_groups(sent.wanted, private))}
        values |= {"accepted": to_json(with_groups(sent.accepted, private))}
    return Effect({"updated": 1}, values=values)


def _store_deleted(row: Any, effect: Effect) -> None:
    """Forget all about an item that was deleted. Of one in the catalogue, store that it was withdrawn."""
    if not effect.is_done:
        return
    if row.item_id is None:
        db.session.execute(delete(PUBLISHED_ITEM).where(PUBLISHED_ITEM.c.id == row.id))
        return
    for table in KNOWLEDGE:
        db.session.execute(delete(table).where(table.c.published_item_id == row.id))
    names = ("omeka_id", "sending_since", "wanted", "accepted", "changed_at", "created_by_job_id")
    values = {**dict.fromkeys(names), "withdrawn_at": utcnow()}
    db.session.execute(update(PUBLISHED_ITEM).where(PUBLISHED_ITEM.c.id == row.id).values(values))


def _kept_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item was kept, because somebody edited it in Omeka S.",
        "%(num)s items were kept, because somebody edited them in Omeka S.",
        number,
    )
