"""The last step of an import.

It checks and marks unseen items, reconciles the counts and decides whether the import is clean.
"""

from __future__ import annotations

from typing import Any

from ...extensions import LARGEST_INTEGER, count_rows, db, transaction
from ...models.catalogue import HOLDING, FileStatus
from ...models.jobs import Job
from ..context.import_context import ImportContext
from ..files.mass_changes import closed_warning, missing_warning
from ..reading import named_items
from ..reading.incremental import proof_json
from ..results.import_kinds import in_counts
from . import count_differences, reconcile_messages as messages
from .preview_source_recorder import PreviewSourceRecorder
from .source_recorder import SourceRecorder
from .unseen_items import ask_or_leave, mark_unseen


def reconcile(
    context: ImportContext, source: SourceRecorder | PreviewSourceRecorder, unchecked_files: int
) -> tuple[bool, str]:
    """Finish an import that has read its scope, and return (clean, message).

    `unchecked_files`: the number of files whose access later imports check.
    Raises DecisionRequiredError if a person must answer a question first.
    """
    is_partial = context.options.is_partial
    left = "" if is_partial else ask_or_leave(context, source)
    unasked, unlisted = ([], []) if is_partial or left else mark_unseen(context)
    unread = None if is_partial else source.unread_sets()
    unread_named, left_out = _unread_named(context), _named_left_out(context)
    lost = missing_warning(context) if context.options.files else ""
    closed = closed_warning(context)
    with transaction():
        statuses = source.files_by_status()
        job = _with_totals(context, source, statuses)
        difference = _difference(context, job)
        overcount = "" if is_partial or left else count_differences.new_overcount(context)
        unlisted_files = source.items_with_unlisted_files()
        gaps = (left, difference, unasked, unlisted, job.counts["failed"], unlisted_files)
        new = source.new_file_problems()
        problems = [
            messages.unread_items(job.counts["failed"]),
            messages.files_not_downloaded(_not_downloaded(statuses)),
            messages.missing_files(new.get(FileStatus.MISSING, 0)),
            messages.files_with_another_checksum(new.get(FileStatus.DIFFERS, 0)),
            messages.unlisted_files(context, unlisted_files),
            *(left, difference, overcount, lost, closed),
            messages.shared_handles(source.shared_handles()),
            messages.unlisted_items(unlisted),
            messages.items_of_unknown_state(unasked),
        ]
        if unread is not None:
            source.leave_sets(unread)
        _save(context, source, is_complete=not any(gaps), was_left=bool(left))
        facts = [
            messages.gone_scope(context),
            messages.no_named_items(context),
            messages.named_items(job.counts["related"]),
            messages.unread_named_items(unread_named),
            messages.named_items_left_out(left_out),
            messages.items_without_set(source.items_without_set()),
            "" if left and context.progress.unlisted else count_differences.explained_difference(context),
            messages.unchecked_files(unchecked_files),
            messages.read_over_oai(context),
            messages.read_from_other_context(context),
            messages.read_beside_rest(context),
        ]
        return not any(problems), " ".join(filter(None, problems + facts))


def _with_totals(
    context: ImportContext, source: SourceRecorder | PreviewSourceRecorder, statuses: dict[str, int]
) -> Job:
    """Write the totals of the whole source to the job, and return it."""
    not_visible = min(sum(context.progress.not_visible.values()), LARGEST_INTEGER)
    others = source.other_bundles() if context.options.files else None
    totals = {"not_visible": not_visible, **in_counts(statuses)}
    context.attempt.advance(context.requests.new(), totals=totals, other_bundles=others or None)
    return db.session.get_one(Job, context.job_id, populate_existing=True)


def _difference(context: ImportContext, job: Job) -> str:
    """Return a message about items that are counted but not found, or failures that a retry could not retry, or ""."""
    if context.options.is_partial:
        return messages.failures_without_item(context)
    server = context.repository.server
    return count_differences.unexplained_difference(job, inexact=server.generation < 7 and not server.speaks_oai)


def _unread_named(context: ImportContext) -> list[str]:
    """Return the ids that items name, and of which no item could be read or is held."""
    if not named_items.are_read(context):
        return []
    unread = named_items.unread_ids(context)
    return sorted(unread - named_items.held_ids(context, unread))


def _named_left_out(context: ImportContext) -> int:
    """Return how many named items the source holds that this import of its scope does not read."""
    if context.options.is_partial or named_items.are_read(context):
        return 0
    mine = (HOLDING.c.source_id == context.source_id, HOLDING.c.left_at.is_(None), HOLDING.c.is_named)
    number = count_rows(HOLDING, *mine)
    db.session.rollback()
    return number


def _not_downloaded(statuses: dict[str, int]) -> int:
    """Return how many files could not be downloaded."""
    return sum(number for status, number in statuses.items() if FileStatus(status).is_problem)


def _save(
    context: ImportContext, source: SourceRecorder | PreviewSourceRecorder, *, is_complete: bool, was_left: bool
) -> None:
    """Save what the next import of the source starts from. `was_left`: a person chose to change nothing."""
    known = dict(context.known_not_visible) | ({} if was_left else context.progress.not_visible)
    values: dict[str, Any] = {"not_visible": known}
    if not context.options.is_partial:
        is_proven = is_complete and not context.progress.scope_is_gone
        values["completeness_proof"] = proof_json(context) if is_proven else None
        source.close_questions()
    source.save(values)
