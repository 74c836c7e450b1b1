"""The kinds of jobs at destinations: publish, preview, undo, make private and delete, with their counters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..i18n import lazy_gettext as _l
from ..jobs import report
from ..models.job_kinds import FAILED, RESULTS, UNCHANGED, UNDO_RESULTS, JobKind, JobVariant, ShownCount, register
from ..models.jobs import Job
from . import previewed_items
from .publish_options import PublishOptions, PublishUndoOptions, WithdrawalOptions

LASTING = "lasting"  # the counter of changed items that an undo can no longer restore
_COUNTERS = (
    *("seen", "added", "adopted", "updated", "unchanged", "failed", "conflicts", "deleted_there"),
    *("files_sent", "requests"),
)
_UNDO_NAME = "publish_undo"
_DIFFERENCES = (
    ShownCount("conflicts", _l("With conflicts"), _l("%(count)s with conflicts"), is_rare=True),
    ShownCount(
        "deleted_there",
        _l("Deleted in Omeka S, or not visible"),
        _l("%(count)s deleted in Omeka S, or not visible"),
        is_rare=True,
    ),
)
_GONE = ShownCount(
    "gone",
    _l("No longer in Omeka S, or not visible"),
    _l("%(count)s no longer in Omeka S, or not visible"),
    is_rare=True,
)


def _preview_as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return a preview as `--json` prints it."""
    items = {
        group.action: [{"id": item.source_id, "handle": item.handle, "title": item.title} for item in group.items]
        for group in previewed_items.groups(job, with_restricted=with_restricted)
    }
    return {**report.with_counts(job, with_restricted), "items": items}


PUBLISH = JobKind(
    name="publish",
    title=_l("Publishing"),
    heading=_l("Publishing of %(source)s"),
    counters=(*_COUNTERS, LASTING),
    unreported=(LASTING,),
    shown=(
        *RESULTS,
        ShownCount("adopted", _l("Adopted"), _l("%(count)s adopted"), is_rare=True),
        *_DIFFERENCES,
        ShownCount("files_sent", _l("Files uploaded"), _l("files uploaded: %(count)s"), is_rare=True),
    ),
    done=("seen",),
    position=("seen", "files_sent"),
    options=PublishOptions,
    undo_kind=_UNDO_NAME,
    variants={
        "retries": JobVariant(
            _l("Retry of publishing, job %(job)s"), _l("Retry of publishing %(source)s, job %(job)s")
        ),
        "selected": JobVariant(_l("Publishing of selected items"), _l("Publishing of selected items of %(source)s")),
    },
)
PUBLISH_PREVIEW = JobKind(
    name="publish_preview",
    title=_l("Preview of publishing"),
    heading=_l("Preview of the publishing of %(source)s"),
    counters=_COUNTERS,
    shown=(
        ShownCount("added", _l("To create"), _l("%(count)s to create")),
        ShownCount("adopted", _l("Already there, to adopt"), _l("%(count)s to adopt")),
        ShownCount("updated", _l("To change"), _l("%(count)s to change")),
        UNCHANGED,
        ShownCount("failed", _l("Cannot be published"), _l("%(count)s cannot be published")),
        *_DIFFERENCES,
        ShownCount("files_sent", _l("Files to upload"), _l("files to upload: %(count)s"), is_rare=True),
    ),
    done=("seen",),
    as_dict=_preview_as_dict,
    options=PublishOptions,
    can_publish=True,
    variants={
        "selected": JobVariant(
            _l("Preview of publishing selected items"),
            _l("Preview of the publishing of selected items of %(source)s"),
        )
    },
)
PUBLISH_UNDO = JobKind(
    name=_UNDO_NAME,
    title=_l("Undo in Omeka S"),
    heading=_l("Undo of job %(job)s in Omeka S: %(source)s"),
    counters=("removed", "restored", "kept", "gone", "failed", "files_removed", "sets_removed", "requests"),
    shown=(
        *UNDO_RESULTS,
        _GONE,
        replace(FAILED, is_rare=True),
        ShownCount("files_removed", _l("Files removed"), _l("files removed: %(count)s"), is_rare=True),
        ShownCount("sets_removed", _l("Item sets removed"), _l("item sets removed: %(count)s"), is_rare=True),
    ),
    done=("removed", "restored", "kept", "gone", "failed"),
    position=("removed", "restored", "kept", "gone", "failed", "files_removed"),
    options=PublishUndoOptions,
)
MAKE_PRIVATE = JobKind(
    name="make_private",
    title=_l("Make private in Omeka S"),
    heading=_l("Make items of %(source)s private in Omeka S"),
    counters=("updated", "unchanged", "gone", "failed", "requests", LASTING),
    unreported=(LASTING,),
    shown=(
        ShownCount("updated", _l("Made private"), _l("%(count)s made private")),
        ShownCount("unchanged", _l("Already private"), _l("%(count)s already private")),
        _GONE,
        replace(FAILED, is_rare=True),
    ),
    done=("updated", "unchanged", "gone", "failed"),
    options=WithdrawalOptions,
    undo_kind=_UNDO_NAME,
)
DELETE_PUBLISHED = JobKind(
    name="delete_published",
    title=_l("Delete in Omeka S"),
    heading=_l("Delete items of %(source)s in Omeka S"),
    counters=("removed", "kept", "gone", "failed", "requests"),
    shown=(
        ShownCount("removed", _l("Deleted"), _l("%(count)s deleted")),
        ShownCount("kept", _l("Kept, edited in Omeka S"), _l("%(count)s kept"), is_rare=True),
        _GONE,
        replace(FAILED, is_rare=True),
    ),
    done=("removed", "kept", "gone", "failed"),
    options=WithdrawalOptions,
)
register(PUBLISH, PUBLISH_PREVIEW, PUBLISH_UNDO, MAKE_PRIVATE, DELETE_PUBLISHED)
WITHDRAWALS = {"private": MAKE_PRIVATE, "delete": DELETE_PUBLISHED}  # by what a person chooses for published items
LEAVE = "leave"  # the choice that starts no such job


def asks_to_adopt(job: Job) -> bool:
    """Return whether the question of a job is whether to adopt items."""
    return "adopt" in (job.question or {})
