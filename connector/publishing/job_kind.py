"""The kinds of jobs that publish and that preview it, with what they count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalogue import item_problems
from ..i18n import lazy_gettext as _l
from ..jobs import report
from ..models.job_kinds import JobKind, JobVariant, register
from ..models.jobs import Job

SELECTED = "selected"  # the option of a job that publishes only its selection (see `PublishingSelection`)
_COUNTERS = (
    *("seen", "added", "updated", "unchanged", "failed", "conflicts", "deleted_there"),
    *("files_sent", "requests"),
)
_UNDO_COUNTERS = ("removed", "restored", "kept", "gone", "failed", "files_removed", "sets_removed", "requests")
_UNDO_NAME = "publish_undo"


_PREVIEW_COUNTERS = (
    *("seen", "added", "adopted", "updated", "unchanged", "failed", "conflicts", "deleted_there"),
    *("files_sent", "requests"),
)


def _as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return a job that published as `--json` prints it."""
    return report.with_numbers(job, {name: job.counts[name] for name in _COUNTERS}, with_restricted)


def _preview_as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return a preview of publishing as `--json` prints it."""
    return report.with_numbers(job, {name: job.counts[name] for name in _PREVIEW_COUNTERS}, with_restricted)


def _undo_as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    """Return the undo of a publishing job as `--json` prints it."""
    numbers = {name: job.counts[name] for name in _UNDO_COUNTERS} | {"undoes": job.undoes_id}
    return report.with_numbers(job, numbers, with_restricted)


def _problems(job: Job, limit: int | None, with_restricted: bool) -> Iterator[dict[str, Any]]:
    """Yield the items that could not be published."""
    return item_problems.of_job(job.id, limit)


PUBLISH = JobKind(
    name="publish",
    title=_l("Publishing"),
    heading=_l("Publishing of %(source)s"),
    counters=frozenset(_COUNTERS),
    labels={"added": _l("Added"), "updated": _l("Updated"), "unchanged": _l("Unchanged"), "failed": _l("Failed")},
    rare_labels={
        "conflicts": _l("Changed on both sides"),
        "deleted_there": _l("Deleted in Omeka S"),
        "files_sent": _l("Files uploaded"),
    },
    words={
        "added": _l("%(count)s added"),
        "updated": _l("%(count)s updated"),
        "unchanged": _l("%(count)s unchanged"),
        "failed": _l("%(count)s failed"),
    },
    rare_words={
        "conflicts": _l("%(count)s changed on both sides"),
        "deleted_there": _l("%(count)s deleted in Omeka S"),
        "files_sent": _l("files uploaded: %(count)s"),
    },
    done=("seen",),
    as_dict=_as_dict,
    problems=_problems,
    position=("seen", "files_sent"),
    undo_kind=_UNDO_NAME,
    variants={
        SELECTED: JobVariant(_l("Publishing of selected items"), _l("Publishing of selected items of %(source)s"))
    },
)
PUBLISH_PREVIEW = JobKind(
    name="publish_preview",
    title=_l("Preview of publishing"),
    heading=_l("Preview of the publishing of %(source)s"),
    counters=frozenset(_PREVIEW_COUNTERS),
    labels={
        "added": _l("To create"),
        "adopted": _l("Already there, to adopt"),
        "updated": _l("To change"),
        "unchanged": _l("Unchanged"),
        "failed": _l("Cannot be published"),
    },
    rare_labels={
        "conflicts": _l("Changed on both sides"),
        "deleted_there": _l("Deleted in Omeka S"),
        "files_sent": _l("Files to upload"),
    },
    words={
        "added": _l("%(count)s to create"),
        "adopted": _l("%(count)s to adopt"),
        "updated": _l("%(count)s to change"),
        "unchanged": _l("%(count)s unchanged"),
        "failed": _l("%(count)s cannot be published"),
    },
    rare_words={
        "conflicts": _l("%(count)s changed on both sides"),
        "deleted_there": _l("%(count)s deleted in Omeka S"),
        "files_sent": _l("files to upload: %(count)s"),
    },
    done=("seen",),
    as_dict=_preview_as_dict,
    problems=_problems,
    position=("seen",),
    variants={
        SELECTED: JobVariant(
            _l("Preview of publishing selected items"),
            _l("Preview of the publishing of selected items of %(source)s"),
        )
    },
)
PUBLISH_UNDO = JobKind(
    name=_UNDO_NAME,
    title=_l("Undo of publishing"),
    heading=_l("Undo of publishing, job %(job)s"),
    counters=frozenset(_UNDO_COUNTERS),
    labels={"removed": _l("Removed"), "restored": _l("Restored"), "kept": _l("Kept")},
    rare_labels={
        "gone": _l("No longer in Omeka S"),
        "failed": _l("Failed"),
        "files_removed": _l("Files removed"),
        "sets_removed": _l("Item sets removed"),
    },
    words={"removed": _l("%(count)s removed"), "restored": _l("%(count)s restored"), "kept": _l("%(count)s kept")},
    rare_words={
        "gone": _l("%(count)s no longer in Omeka S"),
        "failed": _l("%(count)s failed"),
        "files_removed": _l("files removed: %(count)s"),
        "sets_removed": _l("item sets removed: %(count)s"),
    },
    done=("removed", "restored", "kept", "gone", "failed"),
    as_dict=_undo_as_dict,
    problems=_problems,
    position=("removed", "restored", "kept", "gone", "failed", "files_removed"),
)
register(PUBLISH, PUBLISH_PREVIEW, PUBLISH_UNDO)
