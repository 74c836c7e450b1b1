"""Divides items by `lastModified` into ranges, to find those that one of two lists lacks. Pure functions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

from .records import TimeRange


def ranges_of(dates: Sequence[datetime]) -> list[TimeRange]:
    """Return two ranges that cover all times: up to the newest of these sorted dates, and after it."""
    if not dates:
        return [TimeRange()]
    return [TimeRange(None, _after(dates[-1])), TimeRange(_after(dates[-1]), None)]


def number_in(times: TimeRange, dates: Sequence[datetime]) -> int:
    """Return how many of the sorted dates lie in a range."""
    first = 0 if times.since is None else bisect_left(dates, times.since)
    return (len(dates) if times.until is None else bisect_left(dates, times.until)) - first


def halves(times: TimeRange, dates: Sequence[datetime]) -> tuple[TimeRange, TimeRange] | None:
    """Return a range in two parts with about as many of the dates in each, or None if it cannot be divided."""
    since = times.since or (dates[0].replace(microsecond=0) if dates else None)
    until = times.until or (_after(dates[-1]) if dates else None)
    if since is None or until is None:
        return None
    first = bisect_left(dates, since)
    inside = dates[first : bisect_left(dates, until)]
    center = since + (until - since) // 2
    for date in (inside[len(inside) // 2] if inside else center, center):
        middle = date.replace(microsecond=0)
        if since < middle < until:
            return TimeRange(times.since, middle), TimeRange(middle, times.until)
    return None


def _after(date: datetime) -> datetime:
    return date.replace(microsecond=0) + timedelta(seconds=1)
