"""The hours in which a job may work.

A scheduled run uses the hours of its schedule. If the schedule has none, or for a run started by hand, the hours in its
options apply. A person who resumes a run outside its hours permits it to work at any hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Self

from sqlalchemy import Row

from ..i18n import gettext as _
from ..models.job_kinds import KINDS
from ..models.job_options import JobOptions
from .schedule import Schedule, Window, to_local_time


@dataclass(frozen=True)
class HoursOptions(JobOptions):
    """The options of a job that pauses. `any_hour`: a person resumed it outside its permitted hours."""

    hours: Window | None = None
    any_hour: bool = False

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the options that `to_json` gave."""
        return super().from_json({**stored, "hours": Window.from_json(stored.get("hours"))})

    def to_json(self) -> dict[str, Any]:
        """Return the options as the job row stores them."""
        return super().to_json() | ({"hours": self.hours.to_json()} if self.hours else {})


def opening(job: Row[*tuple[Any, ...]], zone: tzinfo, now: datetime) -> datetime | None:
    """Return when this run may continue if it must pause now, else None.

    `job`: a row with kind, scheduled and options of the job, and `schedule` of its source.
    """
    window = _hours(job)
    return None if window is None or window.is_open(now, zone) else window.opening(now, zone)


def _hours(job: Row[*tuple[Any, ...]]) -> Window | None:
    options = HoursOptions.from_json(job.options)
    if not KINDS[job.kind].has_hours or options.any_hour:
        return None
    schedule = Schedule.from_json(job.schedule) if job.scheduled else None
    return schedule.window if schedule and schedule.window else options.hours


def waiting(opens: datetime, zone: tzinfo) -> str:
    """Return the sentence for the job's page that says until when a run waits."""
    return _(
        "Waiting until %(time)s. The job then continues automatically. To continue now, choose Resume.",
        time=f"{to_local_time(opens, zone):%H:%M}",
    )
