"""Requests that were given up here while the server may still work on them, noted in the lock files of their slots.

So the next job, in whatever process, counts them, too.
"""

from __future__ import annotations

import os
from contextlib import suppress

_LONGEST = 64  # bytes of a note


def note(descriptor: int, now: float, seconds: float) -> None:
    """Note in a lock file that the server may work on a request for so many seconds from now.

    A full disk loses the note, which matters to the next job only.
    """
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{now!r} {now + seconds!r}".encode(), 0)


def erase(descriptor: int) -> None:
    """Remove the note of a request that has ended by now."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)


def seconds_left(descriptor: int, now: float) -> float:
    """Return for how many seconds the request of a note may still run; 0 for an old note, or none.

    A note of the future is old, too: the clock was set back since.
    """
    try:
        begin, end = map(float, os.pread(descriptor, _LONGEST, 0).split())
    except (OSError, ValueError):  # no note, or one that a power failure cut short
        return 0.0
    return end - now if begin <= now < end else 0.0
