"""When a source is imported by itself, and between which hours: plain reckoning, the clock and the zone are given.

All moments are UTC without offset, as the database keeps them; hours are those on the wall in the server's zone.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from ..errors import InvalidInputError

LAST = "last"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST_SURE_DAY = 28  # every month has it
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
_DAY = re.compile(r"[0-9]{1,9}", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


class Every(StrEnum):
    """How often a source is imported by itself."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


@dataclass(frozen=True, slots=True)
class Window:
    """The only hours in which a run may work: from `start` until before `end`, over midnight where that is earlier.

    Raises InvalidInputError where it would never close.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise InvalidInputError("The hours begin and end at the same time: leave them out to allow all.", "until")

    def __str__(self) -> str:
        return f"between {self.start:%H:%M} and {self.end:%H:%M}"

    def as_list(self) -> list[str]:
        """As the database keeps it."""
        return [f"{self.start:%H:%M}", f"{self.end:%H:%M}"]

    def holds(self, hour: time) -> bool:
        """Whether this hour on the wall is one of them."""
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end

    def is_open(self, now: datetime, zone: tzinfo) -> bool:
        """Whether a run may work now."""
        return self.holds(on_the_wall(now, zone).time())

    def opening(self, after: datetime, zone: tzinfo) -> datetime:
        """The next moment at which it opens."""
        return next(_moments_after(after, self.start, zone))


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often and at which hour. `weekday`: 0 is Monday. `day` of the month: 1 to 28, or None for its last.

    Raises InvalidInputError where it would never run as it says.
    """

    every: Every
    at: time
    weekday: int = 0
    day: int | None = 1
    window: Window | None = None

    def __post_init__(self) -> None:
        if self.day is not None and not 1 <= self.day <= LAST_SURE_DAY:
            raise InvalidInputError(f"Choose a day from 1 to {LAST_SURE_DAY}, or the last day of the month.", "day")
        if self.window and not self.window.holds(self.at):
            raise InvalidInputError(f"It would start at {self.at:%H:%M}, which is not {self.window}.", "at")

    def __str__(self) -> str:
        days = {
            Every.DAY: "Daily",
            Every.WEEK: f"Weekly on {WEEKDAYS[self.weekday]}",
            Every.MONTH: f"Monthly on day {self.day}" if self.day else "Monthly on the last day",
        }
        return f"{days[self.every]} at {self.at:%H:%M}" + (f", only {self.window}" if self.window else "")

    def next_after(self, after: datetime, zone: tzinfo) -> datetime:
        """The next moment at which it is due. Each day has one: that of an hour that comes twice is the first."""
        return next(_moments_after(after, self.at, zone, self._is_day))

    def _is_day(self, day: date) -> bool:
        if self.every is Every.WEEK:
            return day.weekday() == self.weekday
        if self.every is Every.MONTH:
            return day.day == (self.day or monthrange(day.year, day.month)[1])
        return True

    def as_dict(self) -> dict[str, Any]:
        """As the database keeps it."""
        window = self.window.as_list() if self.window else None
        values = {"every": self.every.value, "at": f"{self.at:%H:%M}", "weekday": self.weekday}
        return values | {"day": self.day or LAST, "window": window}


def from_dict(kept: Mapping[str, Any] | None) -> Schedule | None:
    """The schedule that `as_dict` gave; None where there is none."""
    if kept is None:
        return None
    window = window_from(kept["window"])
    return Schedule(Every(kept["every"]), parse_time(kept["at"]), kept["weekday"], parse_day(kept["day"]), window)


def window_from(kept: Sequence[str] | None) -> Window | None:
    """The hours that `Window.as_list` gave; None where there are none."""
    return Window(*map(parse_time, kept)) if kept else None


def parse_window(text: str) -> Window | None:
    """Hours such as 22:00-06:00, None for an empty text. Raises InvalidInputError."""
    start, dash, end = text.replace("–", "-").partition("-")
    if not text.strip():
        return None
    if not dash:
        raise InvalidInputError("Give the hours as 22:00-06:00.")
    return Window(parse_time(start), parse_time(end))


def parse_time(text: str, field: str = "at") -> time:
    """An hour and minute such as 02:30. Raises InvalidInputError, which names the field."""
    found = _TIME.fullmatch((text or "").strip())
    if not found:
        raise InvalidInputError("Give a time from 00:00 to 23:59, such as 02:30.", field)
    return time(int(found[1]), int(found[2]))


def parse_day(day: str | int) -> int | None:
    """A day of the month, or None for "last". Raises InvalidInputError."""
    if day == LAST:
        return None
    text = str(day).strip()
    if not _DAY.fullmatch(text):
        raise InvalidInputError(f"Choose a day from 1 to {LAST_SURE_DAY}, or the last day of the month.", "day")
    return int(text)


def on_the_wall(moment: datetime, zone: tzinfo) -> datetime:
    """What clocks in the zone show at a moment, without offset."""
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _moments_after(
    after: datetime, hour: time, zone: tzinfo, is_day: Callable[[date], bool] = lambda day: True
) -> Iterator[datetime]:
    """The moments after this one at which the clocks show that hour, on the days that fit, without end."""
    day = on_the_wall(after, zone).date()
    while True:
        if is_day(day) and (moment := _moment(datetime.combine(day, hour), zone)) > after:
            yield moment
        day += DAY


def _moment(wall: datetime, zone: tzinfo) -> datetime:
    """When clocks in the zone show this: the first time if twice, and if never, when they next show anything later."""
    while True:
        moment = wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        if on_the_wall(moment, zone) == wall:
            return moment
        wall += MINUTE
