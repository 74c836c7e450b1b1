"""Notes about requests that timed out here while the server may still process them.

The notes are in the lock files of the concurrency slots, so the next job in any process counts these requests, too.
"""

from __future__ import annotations

import os
from contextlib import suppress

_LONGEST = 64  # bytes of a note


def note(descriptor: int, now: float, seconds: float) -> None:
    """Write to a lock file that the server may process a request for this many seconds from now.

    If the disk is full, the note is lost. Then the next job may send one request too many.
    """
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{now!r} {now + seconds!r}".encode(), 0)


def erase(descriptor: int) -> None:
    """Delete the note of a request that has ended."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)


def seconds_left(descriptor: int, now: float) -> float:
    """Return for how many seconds the request of a note may still run, or 0 if the note is old or missing.

    A note from the future counts as old, because the clock was set back since.
    """
    try:
        begin, end = map(float, os.pread(descriptor, _LONGEST, 0).split())
    except (OSError, ValueError):  # no note, or a note that a power failure cut short
        return 0.0
    return end - now if begin <= now < end else 0.0
