"""The kind of jobs that apply a crosswalk again, with what they count."""

from __future__ import annotations

from dataclasses import dataclass

from ..i18n import lazy_gettext as _l
from ..models.job_kinds import UNCHANGED, UPDATED, JobKind, register
from ..models.job_options import JobOptions
from ..models.jobs import Kind


@dataclass(frozen=True)
class RemapOptions(JobOptions):
    """The options of a job. `crosswalk_id`: the rules that it applies, 0 for the default ones."""

    crosswalk_id: int = 0


REMAP = JobKind(
    name="remap",
    title=_l("Apply crosswalk"),
    heading=_l("Apply crosswalk to %(source)s"),
    counters=("updated", "unchanged"),
    shown=(UPDATED, UNCHANGED),
    done=("updated", "unchanged"),
    options=RemapOptions,
    undo_kind=Kind.UNDO,
)
register(REMAP)
