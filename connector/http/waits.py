"""How a wait is put into words: since when, and how long."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def utc_now() -> datetime:
    """Naive UTC, as the database keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def since(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """“Waiting for the repository since 14:05”, with the date on another day. Naive UTC in, the time of a zone out.

    Without a zone it is that of the system.
    """
    local, today = (value.replace(tzinfo=UTC).astimezone(zone) for value in (moment, now))
    form = "%H:%M" if local.date() == today.date() else "%Y-%m-%d %H:%M"
    return f"Waiting for the repository since {local.strftime(form)}"


def span(seconds: float) -> str:
    """“90 seconds”, “25 minutes”, “24 hours”: rounded so that nobody has to divide."""
    for size, unit, least in ((3600, "hours", 7200), (60, "minutes", 300)):
        if seconds >= least:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
