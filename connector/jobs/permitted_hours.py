"""The hours in which a job may work.

A scheduled run uses the hours of its schedule. If the schedule has none, or for a run started by hand, the hours in its
options apply. A person who resumes a run outside its hours permits it to work at any hour.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Row

from ..i18n import gettext as _
from ..models.job_kinds import KINDS
from .schedule import Schedule, Window, on_the_wall

HOURS = "hours"  # option: the hours in which a run may work
ANY_HOUR = "any_hour"  # option: a person resumed the run outside its permitted hours


def opening(job: Row[*tuple[Any, ...]], zone: tzinfo, now: datetime) -> datetime | None:
    """Return when this run may continue if it must pause now, else None.

    `job`: a row with kind, scheduled and options of the job, and `schedule` of its source.
    """
    window = _hours(job)
    return None if window is None or window.is_open(now, zone) else window.opening(now, zone)


def _hours(job: Row[*tuple[Any, ...]]) -> Window | None:
    if not KINDS[job.kind].has_hours or job.options.get(ANY_HOUR):
        return None
    schedule = Schedule.from_json(job.schedule) if job.scheduled else None
    return schedule.window if schedule and schedule.window else Window.from_json(job.options.get(HOURS))


def waiting(opens: datetime, zone: tzinfo) -> str:
    """Return the sentence for the job's page that says until when a run waits."""
    return _(
        "Waiting until %(time)s. The job then continues automatically. To continue now, choose Resume.",
        time=f"{on_the_wall(opens, zone):%H:%M}",
    )
