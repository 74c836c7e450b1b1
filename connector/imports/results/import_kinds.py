"""The kinds of jobs that import, preview and undo, with what each of them counts."""

from __future__ import annotations

from collections.abc import Mapping

from ...i18n import lazy_gettext as _l
from ...models.catalogue import FileStatus
from ...models.job_kinds import (
    FAILED,
    RESULTS,
    UNCHANGED,
    UNDO_RESULTS,
    Downloads,
    JobKind,
    JobVariant,
    ShownCount,
    register,
)
from ...models.jobs import Kind
from ..import_options import ImportOptions
from . import import_report

ITEMS = ("seen", "related", "added", "updated", "unchanged", "failed", "vanished", "not_visible")
FILES = tuple(f"files_{status.value}" for status in FileStatus)
STORED = tuple(f"files_{status.value}" for status in FileStatus if status.is_stored)
TRIED = {status: f"tried_{status.value}" for status in FileStatus}  # files that a job tried, by their new status
DOWNLOADS = Downloads(
    finished=tuple(TRIED.values()),
    files="due_files",
    bytes="due_bytes",
    finished_bytes="tried_bytes",
    arriving_bytes="arriving_bytes",
    milliseconds="download_milliseconds",
)
MISSING = (
    ShownCount(
        "vanished", _l("Missing at source"), _l("%(count)s missing at source"), is_rare=True, is_noteworthy=True
    ),
    ShownCount("not_visible", _l("Not visible"), is_rare=True),
    ShownCount("related", _l("Related items"), is_rare=True),
)

IMPORT = JobKind(
    name=Kind.IMPORT,
    title=_l("Import"),
    heading=_l("Import of %(source)s"),
    counters=(*ITEMS, *FILES, *DOWNLOADS.counters, "bytes", "requests"),
    shown=(*RESULTS, *MISSING),
    done=("seen",),
    as_dict=import_report.as_dict,
    problems=import_report.problems,
    stored=STORED,
    downloads=DOWNLOADS,
    unseen=("not_visible",),
    position=("seen", "related", "bytes", *STORED, "vanished"),
    variants={
        "retry": JobVariant(_l("Retry of job %(job)s"), _l("Retry of job %(job)s: %(source)s")),
        "only": JobVariant(_l("Chosen items"), _l("Chosen items of %(source)s")),
        "test": JobVariant(_l("Test import"), _l("Test import of %(source)s")),
    },
    limit_option="test",
    has_hours=True,
    options=ImportOptions,
    undo_kind=Kind.UNDO,
)
PREVIEW = JobKind(
    name=Kind.PREVIEW,
    title=_l("Preview"),
    heading=_l("Preview of %(source)s"),
    counters=(*IMPORT.counters, "samples"),
    shown=(
        ShownCount("added", _l("Would be new"), _l("%(count)s would be new")),
        ShownCount("updated", _l("Would change"), _l("%(count)s would change")),
        UNCHANGED,
        FAILED,
        *MISSING,
        ShownCount("samples", _l("Sample items"), _l("sample items: %(count)s"), is_rare=True),
    ),
    done=IMPORT.done,
    as_dict=import_report.as_dict,
    problems=import_report.problems,
    stored=STORED,
    unseen=IMPORT.unseen,
    position=IMPORT.position,
    variants={
        "samples_only": JobVariant(
            _l("Sample items"),
            _l("Sample items of %(source)s"),
            shown=(ShownCount("samples", _l("Shown"), _l("%(count)s shown")), FAILED, *MISSING),
        )
    },
    limit_option="test",
    options=ImportOptions,
    is_preview=True,
)
UNDO = JobKind(
    name=Kind.UNDO,
    title=_l("Undo"),
    heading=_l("Undo of job %(job)s: %(source)s"),
    counters=("removed", "restored", "kept"),
    shown=UNDO_RESULTS,
    done=("removed", "restored", "kept"),
    as_dict=import_report.undo_as_dict,
)
register(IMPORT, PREVIEW, UNDO)


def in_counts(statuses: Mapping[str, int]) -> dict[str, int]:
    """Return numbers of files by status as counts of a job."""
    return {f"files_{status}": number for status, number in statuses.items()}
