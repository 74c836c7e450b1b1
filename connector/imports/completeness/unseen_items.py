"""Items that an import did not see: the question about unusually many of them, and their states at the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, func, select

from ...catalogue import takedown
from ...dspace.records import Item, Scope, ScopeKind, SourceState
from ...extensions import db, transaction
from ...formatting import item_count
from ...i18n import gettext as _
from ...models.catalogue import HOLDING, ITEM
from ..context.import_context import ImportContext
from ..reading import named_items
from ..reading.item_states import states_of
from ..results.missing_questions import Answer, Missing, Unlisted
from .preview_source_recorder import PreviewSourceRecorder
from .reconcile_messages import gone_scope
from .source_recorder import SourceRecorder

ITEMS_PER_PAGE = 100


def ask_or_leave(context: ImportContext, source: SourceRecorder | PreviewSourceRecorder) -> str:
    """Ask a person if unusually many items are missing. Return a sentence if the answer was to change nothing, else "".

    A repository that is being moved, or whose index is being rebuilt, returns valid responses with few or no items.
    Raises DecisionRequiredError. A preview returns the sentence of the question instead.
    """
    # Count separately the items from before, and those that this job added and then no longer found (see `relist`).
    here, new = HOLDING.c.created_by_job_id != context.job_id, HOLDING.c.created_by_job_id == context.job_id
    missing = [_missing(context, here), _missing(context, new)]
    unseen = sum(each.unseen for each in missing)
    unlisted = _empty_lists(context)
    answer = context.answer
    if answer == Answer.LEAVE and unseen:
        return _(
            "The source no longer lists %(items)s. A person chose to leave them as they are.", items=item_count(unseen)
        )
    if answer == Answer.LEAVE and unlisted:
        return _(
            "The source counts %(items)s and lists none of them. Import it again later.",
            items=item_count(unlisted.items),
        )
    if answer == Answer.MARK:
        return ""
    questions: list[Missing | Unlisted] = [
        *(each for each in missing if _is_doubtful(context, each)),
        *([unlisted] if unlisted else []),
    ]
    return source.ask(questions[0]) if questions else ""


def mark_unseen(context: ImportContext) -> tuple[list[str], list[str]]:
    """Ask the source for each held item that this job did not see, and mark missing ones (design rule 7).

    Return two lists of handles (or ids). The first has the items whose state the source does not return, although it
    answers other requests. The second has the items that are unchanged at the source but no longer listed.
    """
    after, unasked, unlisted = 0, list[str](), list[str]()
    while rows := _unseen(context, after):
        context.attempt.say(_("Checking items that the list no longer shows"))
        after = rows[-1].id
        found = context.access.read_with_valid_login(partial(_states, context, rows))
        with transaction():
            marked = [(row, state) for row, state in found if state not in (None, SourceState.PRESENT)]
            context.recorder.mark(marked)
            context.attempt.advance(context.requests.new() | {"vanished": len(marked)})
            present = [row for row, state in found if state is SourceState.PRESENT]
            items = [Item(row.source_id, row.handle, row.title, None) for row in present]
            excluded = takedown.excluded_ids(context.repository.id, items)
        unasked += [row.source_key for row, state in found if state is None]
        unlisted += [row.source_key for row in present if row.source_id not in excluded]
    return unasked, unlisted


def _states(context: ImportContext, rows: Sequence[Any]) -> list[tuple[Any, SourceState | None]]:
    """Return these items, each with its state at the source. An item that was held as named and is not has left."""
    named = [row for row in rows if row.is_named]
    found = states_of(context, [row for row in rows if not row.is_named])
    if not named:
        return found
    still_named = context.recorder.named_ids()
    for row, state in states_of(replace(context, scope=Scope(ScopeKind.REPOSITORY)), named):
        has_left = state is SourceState.PRESENT and row.source_id not in still_named
        found.append((row, SourceState.MOVED if has_left else state))
    return found


def _checked(context: ImportContext) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on the holdings that this import checks: named items only if it reads them."""
    mine = (HOLDING.c.source_id == context.source_id, HOLDING.c.left_at.is_(None))
    return mine if named_items.are_read(context) else (*mine, HOLDING.c.is_named.is_(False))


def _unseen(context: ImportContext, after: int) -> Sequence[Any]:
    columns = (ITEM.c.id, ITEM.c.source_key, ITEM.c.source_id, ITEM.c.handle, ITEM.c.title, HOLDING.c.is_named)
    query = (
        select(*columns, ITEM.c.source_state, ITEM.c.state_since)
        .join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        .where(*_checked(context), context.recorder.unseen)
        .where(ITEM.c.source_state == SourceState.PRESENT, ITEM.c.id > after)
    )
    rows = db.session.execute(query.order_by(ITEM.c.id).limit(ITEMS_PER_PAGE)).all()
    db.session.rollback()
    return rows


def _empty_lists(context: ImportContext) -> Unlisted | None:
    """Return the items that collections newly count but do not list, or None if there are too few to ask about."""
    known = context.known_not_visible
    new = sum(number for id, number in context.progress.unlisted.items() if known.get(id) != number)
    return Unlisted(new) if new and new >= current_app.config["MISSING_LEAST"] else None


def _is_doubtful(context: ImportContext, missing: Missing) -> bool:
    """Return whether a person must confirm the missing items: more than MAX_MISSING_PERCENT or all items are missing.

    Fewer than MISSING_LEAST items are checked without a question, unless their scope is gone.
    """
    unseen, held = missing.unseen, missing.held
    if unseen < (1 if context.progress.scope_is_gone else current_app.config["MISSING_LEAST"]):
        return False
    return unseen * 100 > held * current_app.config["MAX_MISSING_PERCENT"] or unseen == held


def _missing(context: ImportContext, which: ColumnElement[bool]) -> Missing:
    """Return how many present items of this source were not seen by this job, and how many present items there are."""
    held = (
        select(func.count(), func.count().filter(context.recorder.unseen))
        .join(ITEM, HOLDING.c.item_id == ITEM.c.id)
        .where(*_checked(context), which)
        .where(ITEM.c.source_state == SourceState.PRESENT)
    )
    total, unseen = db.session.execute(held).one()
    db.session.rollback()
    return Missing(unseen, total, gone_scope(context))
