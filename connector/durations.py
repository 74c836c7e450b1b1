"""A wait for a repository, with its start and reason, and durations in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from .i18n import ngettext


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait for a repository. `kind`: the kind of request; `since`: naive UTC; `detail`: why, in sentences."""

    kind: str
    since: datetime
    detail: str


def utcnow() -> datetime:
    """Return the current time as naive UTC with microseconds, the form in which all times are stored."""
    return datetime.now(UTC).replace(tzinfo=None)


def local_time(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return “14:05”, with the date if it is not today. `moment`, `now`: naive UTC. `zone`: None for the system's."""
    local, today = (value.replace(tzinfo=UTC).astimezone(zone) for value in (moment, now))
    return local.strftime("%H:%M" if local.date() == today.date() else "%Y-%m-%d %H:%M")


def span(seconds: float) -> str:
    """Return “1 second”, “90 seconds”, “25 minutes” or “24 hours”."""
    if seconds >= 7200:
        return ngettext("%(num)s hour", "%(num)s hours", round(seconds / 3600))
    if seconds >= 300:
        return ngettext("%(num)s minute", "%(num)s minutes", round(seconds / 60))
    return ngettext("%(num)s second", "%(num)s seconds", round(seconds))
