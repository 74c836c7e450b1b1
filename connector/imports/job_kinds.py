"""The kinds of jobs that import, preview and undo, with what each of them counts."""

from __future__ import annotations

from ..i18n import lazy_gettext as _l
from ..models.catalogue import FileStatus
from ..models.job_kinds import Downloads, JobKind, JobVariant, register
from ..models.jobs import Kind
from . import import_report

ITEMS = ("seen", "added", "updated", "unchanged", "failed", "vanished", "not_visible")
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
MISSING = {"vanished": _l("Missing at source"), "not_visible": _l("Not visible")}
MISSING_IN_WORDS = {"vanished": _l("%(count)s missing at source")}

IMPORT = JobKind(
    name=Kind.IMPORT,
    title=_l("Import"),
    heading=_l("Import of %(source)s"),
    counters=frozenset({*ITEMS, *FILES, *DOWNLOADS.counters, "bytes", "requests"}),
    labels={"added": _l("Added"), "updated": _l("Updated"), "unchanged": _l("Unchanged"), "failed": _l("Failed")},
    rare_labels=MISSING,
    words={
        "added": _l("%(count)s added"),
        "updated": _l("%(count)s updated"),
        "unchanged": _l("%(count)s unchanged"),
        "failed": _l("%(count)s failed"),
    },
    rare_words=MISSING_IN_WORDS,
    done=("seen",),
    as_dict=import_report.as_dict,
    problems=import_report.problems,
    stored=STORED,
    downloads=DOWNLOADS,
    unseen=("not_visible",),
    noteworthy=("vanished",),
    position=("seen", "bytes", *STORED, "vanished"),
    variants={
        "retry": JobVariant(_l("Retry of job %(job)s"), _l("Retry of job %(job)s: %(source)s")),
        "only": JobVariant(_l("Chosen items"), _l("Chosen items of %(source)s")),
        "test": JobVariant(_l("Test import"), _l("Test import of %(source)s")),
    },
    limit_option="test",
    has_hours=True,
    undo_kind=Kind.UNDO,
)
PREVIEW = JobKind(
    name=Kind.PREVIEW,
    title=_l("Preview"),
    heading=_l("Preview of %(source)s"),
    counters=IMPORT.counters | {"samples"},
    labels={
        "added": _l("Would be new"),
        "updated": _l("Would change"),
        "unchanged": _l("Unchanged"),
        "failed": _l("Failed"),
    },
    rare_labels=MISSING | {"samples": _l("Sample items")},
    words={
        "added": _l("%(count)s would be new"),
        "updated": _l("%(count)s would change"),
        "unchanged": _l("%(count)s unchanged"),
        "failed": _l("%(count)s failed"),
    },
    rare_words=MISSING_IN_WORDS | {"samples": _l("sample items: %(count)s")},
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
            labels={"samples": _l("Shown"), "failed": _l("Failed")},
            words={"samples": _l("%(count)s shown"), "failed": _l("%(count)s failed")},
        )
    },
    limit_option="test",
    is_preview=True,
)
UNDO = JobKind(
    name=Kind.UNDO,
    title=_l("Undo"),
    heading=_l("Undo of import %(job)s"),
    counters=frozenset({"removed", "restored", "kept"}),
    labels={"removed": _l("Removed"), "restored": _l("Restored"), "kept": _l("Kept")},
    words={"removed": _l("%(count)s removed"), "restored": _l("%(count)s restored"), "kept": _l("%(count)s kept")},
    done=("removed", "restored", "kept"),
    as_dict=import_report.undo_as_dict,
    position=("removed", "restored", "kept"),
)
register(IMPORT, PREVIEW, UNDO)
