"""Times, numbers and languages in the form that pages show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from flask import current_app
from markupsafe import Markup

from .durations import local_time, utcnow
from .i18n import date_and_time, decimal, gettext as _, lazy_gettext as _l, ngettext
from .ranges import Range

_BCP47 = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
# Seconds of two units, with the text of the larger one and of both.
_UNITS = (
    (86_400, 3_600, _l("%(large)s d"), _l("%(large)s d %(small)s h")),
    (3_600, 60, _l("%(large)s h"), _l("%(large)s h %(small)s min")),
    (60, 1, _l("%(large)s min"), _l("%(large)s min %(small)s s")),
)
_TIME = Markup('<time datetime="{}">{}</time>')


def when(moment: datetime | None) -> str:
    """Return a naive UTC time as a <time>: "24 Nov 2026, 14:05" in the server's zone, or "" for None."""
    if moment is None:
        return ""
    aware = moment.replace(tzinfo=UTC)
    return _TIME.format(f"{moment:%Y-%m-%dT%H:%M:%S}Z", _local(aware))


def source_time(text: str | None) -> str:
    """Return a time of a source as a <time> if it has a zone (DSpace 7 and later), else the unchanged text."""
    text = text or ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo is None else _TIME.format(text, _local(moment))


def number(count: float | None, digits: int = 0) -> str:
    """Return a number with this many decimal digits as the language writes it: "12,345", or "" for None."""
    return "" if count is None else decimal(count, digits)


def number_up_to(count: int, most: int) -> str:
    """Return a number that was counted up to `most` + 1: "12", or "more than 10,000"."""
    return number(count) if count <= most else _("more than %(count)s", count=number(most))


def item_count(count: int) -> str:
    """Return a number of items: "1 item", "6,000 items"."""
    return ngettext("%(num)s item", "%(num)s items", count)


def file_count(count: int) -> str:
    """Return a number of files: "1 file", "6,000 files"."""
    return ngettext("%(num)s file", "%(num)s files", count)


def request_count(count: int) -> str:
    """Return a number of requests: "1 request", "6,000 requests"."""
    return ngettext("%(num)s request", "%(num)s requests", count)


def value_count(count: int) -> str:
    """Return a number of metadata values: "1 value", "6,000 values"."""
    return ngettext("%(num)s value", "%(num)s values", count)


def items_in_words(total: int, counted: int) -> str:
    """Return the size of a list that was counted up to `counted` + 1: "12 items", "More than 10,000 items"."""
    if total <= counted:
        return item_count(total)
    return ngettext("More than %(num)s item", "More than %(num)s items", counted)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: "under 1 s", "4 s", "2 min 5 s", "3 h 20 min"."""
    if seconds < 1:
        return _("under 1 s")
    whole = round(seconds)
    for large, small, only, with_rest in _UNITS:
        if whole >= large:
            values = {"large": whole // large, "small": whole % large // small}
            return (with_rest if values["small"] else only) % values
    return _("%(large)s s", large=whole)


def time_range(seconds: Range) -> str:
    """Return a range of durations: "40 s to 2 min 5 s", "up to 4 s", or one duration if both ends read the same."""
    low, high = duration(seconds.low), duration(seconds.high)
    return _("up to %(high)s", high=high) if seconds.low < 1 and low != high else between(low, high)


def between(low: str, high: str) -> str:
    """Return a range in words, or the text of both ends once if they are the same."""
    return low if low == high else _("%(low)s to %(high)s", low=low, high=high)


def bcp47(language: str | None) -> str | None:
    """Return DSpace's language of a value (`en_US`, `*`, "") for HTML's `lang`, or None if it is no language tag."""
    tag = (language or "").replace("_", "-")
    return tag if _BCP47.fullmatch(tag) else None


def clock(moment: datetime) -> str:
    """Return a naive UTC time as a time of day in the server's zone: "22:00"."""
    return f"{moment.replace(tzinfo=UTC).astimezone(_zone()):%H:%M}"


def since(moment: datetime) -> str:
    """Return a naive UTC time as `clock` does, with the date if it is not today."""
    return local_time(moment, utcnow(), _zone())


def _zone() -> tzinfo | None:
    """Return the time zone of CONNECTOR_TIMEZONE, or None for that of the system."""
    return current_app.config["TIMEZONE"] if current_app else None


def _local(moment: datetime) -> str:
    return date_and_time(moment.astimezone(_zone()))
