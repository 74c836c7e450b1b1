"""The kind of jobs that export items, with what they count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalogue import item_problems
from ..i18n import lazy_gettext as _l
from ..jobs import report
from ..models.accounts import Role
from ..models.job_kinds import JobKind, ShownCount, register
from ..models.jobs import Job
from .export_options import ExportOptions

_COUNTERS = ("seen", "files", "bytes")


def _as_dict(job: Job, with_restricted: bool) -> dict[str, Any]:
    return report.with_numbers(job, {name: job.counts[name] for name in _COUNTERS}, with_restricted)


def _problems(job: Job, limit: int | None, with_restricted: bool) -> Iterator[dict[str, Any]]:
    """Yield the items that the file does not have completely."""
    return item_problems.of_job(job.id, limit)


EXPORT = JobKind(
    name="export",
    title=_l("Export"),
    heading=_l("Export"),
    counters=frozenset(_COUNTERS),
    shown=(
        ShownCount("seen", _l("Exported"), _l("%(count)s exported")),
        ShownCount("files", _l("Files exported"), _l("files exported: %(count)s"), is_rare=True),
    ),
    done=("seen",),
    as_dict=_as_dict,
    problems=_problems,
    position=("seen",),
    options=ExportOptions,
    started_by=Role.VIEWER,
)
register(EXPORT)
