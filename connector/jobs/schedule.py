"""Computes when a scheduled job runs, and during which hours. Clock and time zone are parameters.

All times are UTC without offset, as in the database. Hours are local times in the server's time zone.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Self

from ..errors import InvalidInputError
from ..i18n import gettext as _, lazy_gettext as _l

LAST = "last"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")  # for commands
WEEKDAY_LABELS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)
LAST_SURE_DAY = 28  # every month has it
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
_DAY = re.compile(r"[0-9]{1,9}", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


class Every(StrEnum):
    """How often a source is imported automatically."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


EVERY_LABELS = {Every.DAY: _l("Daily"), Every.WEEK: _l("Weekly"), Every.MONTH: _l("Monthly")}


@dataclass(frozen=True, slots=True)
class Window:
    """The permitted hours of a run, from `start` until before `end`. They span midnight if `end` is earlier.

    Raises InvalidInputError if `start` and `end` are equal.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise InvalidInputError(
                _("The hours begin and end at the same time: leave them out to allow all."), "until"
            )

    @classmethod
    def from_json(cls, stored: Sequence[str] | None) -> Self | None:
        """Return the hours that `to_json` gave, or None."""
        return cls(*map(parse_time, stored)) if stored else None

    def to_json(self) -> list[str]:
        """Return the hours in the form that the database stores."""
        return [f"{self.start:%H:%M}", f"{self.end:%H:%M}"]

    def holds(self, hour: time) -> bool:
        """Return whether this local time is within the permitted hours."""
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end

    def is_open(self, now: datetime, zone: tzinfo) -> bool:
        """Return whether a run may work now."""
        return self.holds(to_local_time(now, zone).time())

    def opening(self, after: datetime, zone: tzinfo) -> datetime:
        """Return the next time at which the permitted hours begin."""
        return next(_moments_after(after, self.start, zone))


@dataclass(frozen=True, slots=True)
class Schedule:
    """The frequency and time of automatic imports.

    `weekday`: 0 is Monday. `day` of the month: 1 to 28, or None for the last day. Raises InvalidInputError if the day
    is out of range or the time is outside the permitted hours. `owner`: who has set it, None for a schedule from before
    owners were stored.
    """

    every: Every
    at: time
    weekday: int = 0
    day: int | None = 1
    window: Window | None = None
    owner: str | None = None

    def __post_init__(self) -> None:
        if self.day is not None and not 1 <= self.day <= LAST_SURE_DAY:
            raise InvalidInputError(
                _("Choose a day from 1 to %(last)s, or the last day of the month.", last=LAST_SURE_DAY), "day"
            )
        if self.window and not self.window.holds(self.at):
            start, end = self.window.to_json()
            sentence = _(
                "It would start at %(time)s, which is not between %(start)s and %(end)s.",
                time=f"{self.at:%H:%M}",
                start=start,
                end=end,
            )
            raise InvalidInputError(sentence, "at")

    def __str__(self) -> str:
        if not self.window:
            return self._times()
        start, end = self.window.to_json()
        return _("%(times)s, only between %(start)s and %(end)s", times=self._times(), start=start, end=end)

    def _times(self) -> str:
        at = f"{self.at:%H:%M}"
        if self.every is Every.DAY:
            return _("Daily at %(time)s", time=at)
        if self.every is Every.WEEK:
            return _("Weekly on %(day)s at %(time)s", day=WEEKDAY_LABELS[self.weekday], time=at)
        if self.day:
            return _("Monthly on day %(day)s at %(time)s", day=self.day, time=at)
        return _("Monthly on the last day at %(time)s", time=at)

    def next_after(self, after: datetime, zone: tzinfo) -> datetime:
        """Return the next time at which a run is due. If the hour occurs twice on a day, the first one counts."""
        return next(_moments_after(after, self.at, zone, self._is_day))

    def _is_day(self, day: date) -> bool:
        if self.every is Every.WEEK:
            return day.weekday() == self.weekday
        if self.every is Every.MONTH:
            return day.day == (self.day or monthrange(day.year, day.month)[1])
        return True

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Return the schedule that `to_json` gave, or None."""
        if stored is None:
            return None
        return cls(
            Every(stored["every"]),
            parse_time(stored["at"]),
            stored["weekday"],
            parse_day(stored["day"]),
            Window.from_json(stored["window"]),
            stored.get("owner"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the schedule in the form that the database stores."""
        window = self.window.to_json() if self.window else None
        values = {"every": self.every.value, "at": f"{self.at:%H:%M}", "weekday": self.weekday}
        return values | {"day": self.day or LAST, "window": window, "owner": self.owner}


def parse_window(text: str) -> Window | None:
    """Return the hours of a text such as 22:00-06:00, or None for an empty text. Raises InvalidInputError."""
    start, dash, end = text.replace("–", "-").partition("-")
    if not text.strip():
        return None
    if not dash:
        raise InvalidInputError(_("Give the hours as 22:00-06:00."))
    return Window(parse_time(start), parse_time(end))


def parse_time(text: str, field: str = "at") -> time:
    """Return the time of a text such as 02:30. Raises InvalidInputError, which names the field."""
    found = _TIME.fullmatch((text or "").strip())
    if not found:
        raise InvalidInputError(_("Give a time from 00:00 to 23:59, such as 02:30."), field)
    return time(int(found[1]), int(found[2]))


def parse_day(day: str | int) -> int | None:
    """Return a day of the month, or None for "last". Raises InvalidInputError."""
    if day == LAST:
        return None
    text = str(day).strip()
    if not _DAY.fullmatch(text):
        raise InvalidInputError(
            _("Choose a day from 1 to %(last)s, or the last day of the month.", last=LAST_SURE_DAY), "day"
        )
    return int(text)


def to_local_time(moment: datetime, zone: tzinfo) -> datetime:
    """Return the local time in the zone for a UTC time, without offset."""
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _moments_after(
    after: datetime, hour: time, zone: tzinfo, is_day: Callable[[date], bool] = lambda day: True
) -> Iterator[datetime]:
    """Yield, without end, the UTC times after this one at which local clocks show the hour on a day that `is_day`."""
    day = to_local_time(after, zone).date()
    while True:
        if is_day(day) and (moment := _moment(datetime.combine(day, hour), zone)) > after:
            yield moment
        day += DAY


def _moment(wall: datetime, zone: tzinfo) -> datetime:
    """Return the UTC time at which local clocks show this time.

    If it occurs twice, return the first. If it never occurs, return the next minute that does.
    """
    while True:
        moment = wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        if to_local_time(moment, zone) == wall:
            return moment
        wall += MINUTE
