"""Times, numbers and languages as the pages write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from flask import current_app
from markupsafe import Markup

from .durations import local_time, utc_now
from .ranges import Range

_BCP47 = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_TIME = Markup('<time datetime="{}">{}</time>')


def when(moment: datetime | None) -> str:
    """A moment in UTC (without offset) as a <time>: "24 Nov 2026, 14:05" in the server's zone; "" for None."""
    if moment is None:
        return ""
    aware = moment.replace(tzinfo=UTC)
    return _TIME.format(f"{moment:%Y-%m-%dT%H:%M:%S}Z", _local(aware))


def source_time(text: str | None) -> str:
    """The time stamp of a source: a <time> where it names its zone (DSpace 7 and later), else as it came."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return text or ""
    return text if moment.tzinfo is None else _TIME.format(text, _local(moment))


def number(count: int | None) -> str:
    """A count with thousands set apart by narrow spaces: "12 345"; "" for None."""
    return "" if count is None else f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def plural(thing: str, count: int) -> str:
    """The name of a thing as it stands after its count: "1 item", "2 items"."""
    return thing if count == 1 else f"{thing}s"


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "under 1 s", "4 s", "2 min 5 s", "3 h 20 min"."""
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def time_range(seconds: Range) -> str:
    """Return how long something takes: "40 s to 2 min 5 s", "up to 4 s", or one time where both ends read alike."""
    low, high = duration(seconds.low), duration(seconds.high)
    return f"up to {high}" if seconds.low < 1 and low != high else between(low, high)


def between(low: str, high: str) -> str:
    """Return a range in words, or one word for both ends."""
    return low if low == high else f"{low} to {high}"


def bcp47(language: str | None) -> str | None:
    """DSpace's language of a value (`en_US`, `*`, "") as HTML's `lang` takes it, or None where it is none."""
    tag = (language or "").replace("_", "-")
    return tag if _BCP47.fullmatch(tag) else None


def clock(moment: datetime) -> str:
    """A moment in UTC (without offset) as the clocks of the server's zone show it: "22:00"."""
    return f"{moment.replace(tzinfo=UTC).astimezone(_zone()):%H:%M}"


def since(moment: datetime) -> str:
    """Return a moment in UTC (without offset) as `clock` does, with the date where that is another than today's."""
    return local_time(moment, utc_now(), _zone())


def _zone() -> tzinfo | None:
    """The zone that is set (CONNECTOR_TIMEZONE), else that of the system."""
    return current_app.config["TIMEZONE"] if current_app else None


def _local(moment: datetime) -> str:
    local = moment.astimezone(_zone())
    return f"{local.day} {local:%b %Y, %H:%M}"
