"""The last step of an import.

It checks and marks unseen items, reconciles the counts and decides whether the import is clean.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, func, select

from ..catalogue import store, takedown
from ..dspace.records import Item, SourceState
from ..extensions import LARGEST_INTEGER, db, transaction
from ..formatting import item_count
from ..i18n import gettext as _
from ..i18n import ngettext
from ..jobs import report
from ..models.catalogue import FileStatus, Holding
from ..models.jobs import Job
from . import closed_files, count_differences, missing_files
from .file_counts import in_counts
from .import_context import ImportContext
from .incremental import proof_json
from .item_states import states_of
from .preview_source_recorder import PreviewSourceRecorder
from .questions import Answer, Missing, Unlisted
from .source_recorder import SourceRecorder

HOLDING, ITEM = Holding.__table__, store.ITEM
BATCH = 100
NAMED = 5


def reconcile(
    context: ImportContext, source: SourceRecorder | PreviewSourceRecorder, unchecked_files: int
) -> tuple[bool, str]:
    """Finish an import that has read its scope, and return (clean, message).

    `unchecked_files`: the number of files whose access later imports check.
    Raises DecisionRequiredError if a person must answer a question first.
    """
    is_partial = context.options.is_partial
    left = "" if is_partial else _ask_or_leave(context, source)
    unasked, unlisted = ([], []) if is_partial or left else _mark_unseen(context)
    unread = set() if is_partial else source.unread_sets()
    hidden = min(sum(context.progress.hidden.values()), LARGEST_INTEGER)
    lost = missing_files.judge(context) if context.options.files else ""
    closed = closed_files.warning(context)
    with transaction():
        fates = source.files_by_status()
        shared = source.shared_handles()
        unlisted_files = source.items_with_unlisted_files()
        new = source.new_file_problems()
        known = dict(context.known_hidden) | ({} if left else context.progress.hidden)
        others = source.other_bundles() if context.options.files else None
        totals = {"hidden": hidden, **in_counts(fates)}
        context.attempt.advance(context.requests.new(), totals=totals, other_bundles=others or None)
        job = db.session.get_one(Job, context.job_id, populate_existing=True)
        inexact = context.repository.server.generation < 7
        difference = _left_out(context) if is_partial else count_differences.unexplained(job, inexact)
        overcount = "" if is_partial or left else count_differences.new_overcount(context)
        values: dict[str, Any] = {"not_visible": known}
        if not is_partial:
            gaps = (
                left,
                difference,
                unasked,
                unlisted,
                job.counts["failed"],
                unlisted_files,
                context.progress.scope_is_gone,
            )
            values["completeness_proof"] = None if any(gaps) else proof_json(context)
            source.close_questions()
            if unread is not None:
                source.leave_sets(unread)
        source.save(values)
        odd: tuple[str | None, ...] = (_unlisted_files(unlisted_files), left, difference, overcount, lost, closed)
        odd += (_shared(shared), _unlisted_in_words(unlisted))
        clean, message = _verdict(job, fates, new, " ".join(filter(None, odd)), unasked)
        without_set = _without_set_in_words(source.items_without_set())
        not_visible = "" if left and context.progress.unlisted else count_differences.accounted_for(context)
        unasked_files = _unasked_in_words(unchecked_files)
        facts = (message, _gone_in_words(context), without_set, not_visible, unasked_files)
        return clean, " ".join(filter(None, facts))


def _ask_or_leave(context: ImportContext, source: SourceRecorder | PreviewSourceRecorder) -> str:
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


def _empty_lists(context: ImportContext) -> Unlisted | None:
    """Return the items that collections newly count but do not list, or None if there are too few to ask about."""
    known = context.known_hidden
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


def _gone_in_words(context: ImportContext) -> str:
    """Return a sentence that the imported scope is gone, or "" if it is there."""
    if not context.progress.scope_is_gone:
        return ""
    kind = context.scope.kind.noun
    if context.client.tells_unknown:
        return _("The %(kind)s is no longer at the source.", kind=kind)
    return _("The %(kind)s is no longer at the source, or it is no longer open to the public.", kind=kind)


def _missing(context: ImportContext, which: ColumnElement[bool]) -> Missing:
    """Return how many present items of this source were not seen by this job, and how many present items there are."""
    held = (
        select(func.count(), func.count().filter(context.recorder.unseen))
        .join(ITEM, HOLDING.c.item_id == ITEM.c.id)
        .where(HOLDING.c.source_id == context.source_id, which)
        .where(HOLDING.c.left_at.is_(None), ITEM.c.source_state == SourceState.PRESENT)
    )
    total, unseen = db.session.execute(held).one()
    db.session.rollback()
    return Missing(unseen, total, _gone_in_words(context))


def _verdict(
    job: Job, fates: dict[str, int], new: dict[str, int], difference: str, unasked: Sequence[str]
) -> tuple[bool, str]:
    """Return whether the job is clean, and its message.

    `new`: by status, how many files this job was the first to find with that status.
    """
    bad_files = sum(number for fate, number in fates.items() if FileStatus(fate).is_problem) + new.get(
        FileStatus.MISSING, 0
    )
    differing = new.get(FileStatus.DIFFERS, 0)
    problems = [
        _unread_in_words(job.counts["failed"]),
        _not_downloaded_in_words(bad_files),
        _differing_in_words(differing),
        difference,
        _unasked_items(unasked),
    ]
    message = " ".join(problem for problem in problems if problem)
    return not message, message


def _unread_in_words(number: int) -> str:
    """Return a sentence about items that could not be read, or ""."""
    if not number:
        return ""
    return ngettext("%(num)s item could not be read.", "%(num)s items could not be read.", number)


def _not_downloaded_in_words(number: int) -> str:
    """Return a sentence about files that could not be downloaded, or ""."""
    if not number:
        return ""
    return ngettext("%(num)s file could not be downloaded.", "%(num)s files could not be downloaded.", number)


def _differing_in_words(number: int) -> str:
    """Return a sentence about files with another checksum, or ""."""
    if not number:
        return ""
    return ngettext(
        "%(num)s file is stored with another checksum than at the source.",
        "%(num)s files are stored with another checksum than at the source.",
        number,
    )


def _unlisted_in_words(names: Sequence[str]) -> str:
    """Return a sentence about items that can be read but are not listed, or ""."""
    if not names:
        return ""
    return ngettext(
        "%(num)s item can be read but is no longer listed: %(names)s. The search index of the repository may have to "
        "be rebuilt.",
        "%(num)s items can be read but are no longer listed: %(names)s. The search index of the repository may have to "
        "be rebuilt.",
        len(names),
        names=_named(names),
    )


def _without_set_in_words(number: int) -> str:
    """Return a sentence about items that are in no item set, or ""."""
    if not number:
        return ""
    return ngettext(
        "%(num)s item is in no item set, because the collection cannot be read.",
        "%(num)s items are in no item set, because the collection cannot be read.",
        number,
    )


def _unasked_in_words(number: int) -> str:
    """Return a sentence about files whose access was not checked, or ""."""
    if not number:
        return ""
    return ngettext(
        "Later imports check whether %(num)s file is still open or closed at the source.",
        "Later imports check whether %(num)s files are still open or closed at the source.",
        number,
    )


def _unasked_items(names: Sequence[str]) -> str:
    """Return a sentence about items whose state the repository did not return, or ""."""
    if not names:
        return ""
    return ngettext(
        "The repository did not say whether %(num)s item still exists: %(names)s.",
        "The repository did not say whether %(num)s items still exist: %(names)s.",
        len(names),
        names=_named(names),
    )


def _unlisted_files(number: int) -> str:
    """Return a sentence about items whose files could not be listed, or ""."""
    if not number:
        return ""
    return ngettext(
        "The files of %(num)s item could not be listed. Run the import again later.",
        "The files of %(num)s items could not be listed. Run the import again later.",
        number,
    )


def _shared(handles: Sequence[str]) -> str:
    """Return a sentence about handles that several items have, or ""."""
    if not handles:
        return ""
    return ngettext(
        "One handle belongs to more than one item: %(names)s. All these items are here. Tell the repository.",
        "%(num)s handles belong to more than one item: %(names)s. All these items are here. Tell the repository.",
        len(handles),
        names=_named(handles),
    )


def _named(names: Sequence[str]) -> str:
    """Return the first NAMED names and the number of the others."""
    first, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return (
        ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=first) if more > 0 else first
    )


def _left_out(context: ImportContext) -> str | None:
    """Return a sentence about failures that a retry could not retry because they name no item, or None."""
    retried = context.options.retry
    if not retried or not (number := report.nameless_failures(retried)):
        return None
    return ngettext(
        "%(num)s failure names no item that could be retried separately. A re-run reads all items.",
        "%(num)s failures name no item that could be retried separately. A re-run reads all items.",
        number,
    )


def _mark_unseen(context: ImportContext) -> tuple[list[str], list[str]]:
    """Ask the source for each held item that this job did not see, and mark missing ones (design rule 7).

    Return two lists of handles (or ids): items whose state the source does not return although it responds to other
    requests, and items that are unchanged at the source but no longer listed.
    """
    after, unasked, unlisted = 0, list[str](), list[str]()
    while rows := _unseen(context, after):
        context.attempt.say(_("Checking items that the list no longer shows"))
        after = rows[-1].id
        found = context.access.read_with_valid_login(partial(states_of, context, rows))
        with transaction():
            marked = [(row, state) for row, state in found if state not in (None, SourceState.PRESENT)]
            context.recorder.mark(marked)
            context.attempt.advance(context.requests.new() | {"vanished": len(marked)})
            present = [row for row, state in found if state is SourceState.PRESENT]
            items = [Item(row.source_id, row.handle, row.title, None) for row in present]
            excluded = takedown.excluded(context.repository.repository_id, items)
        unasked += [row.source_key for row, state in found if state is None]
        unlisted += [row.source_key for row in present if row.source_id not in excluded]
    return unasked, unlisted


def _unseen(context: ImportContext, after: int) -> Sequence[Any]:
    columns = (ITEM.c.id, ITEM.c.source_key, ITEM.c.source_id, ITEM.c.handle, ITEM.c.title)
    query = (
        select(*columns, ITEM.c.source_state, ITEM.c.state_since)
        .join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        .where(HOLDING.c.source_id == context.source_id, context.recorder.unseen)
        .where(HOLDING.c.left_at.is_(None), ITEM.c.source_state == SourceState.PRESENT, ITEM.c.id > after)
    )
    rows = db.session.execute(query.order_by(ITEM.c.id).limit(BATCH)).all()
    db.session.rollback()
    return rows
