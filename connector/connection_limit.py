"""How many connections the server holds at a time, and the open files that they take.

A proxy that passes bodies on as they come (Apache's mod_proxy) holds a connection for each slow sender, so that a low
limit lets one of them keep everybody else out.
"""

from __future__ import annotations

import resource

MOST = 1000  # more than the 400 requests that Apache works on at a time, where nobody told it otherwise
OPEN_FILES = 4096  # a connection is one, what came by it may be another, and the answer a third; and all else


def most() -> int:
    """As many as there may be open files for; raises that limit of this process where it is too low and may be."""
    return min(MOST, MOST * _open_files() // OPEN_FILES)


def _open_files() -> int:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    now, may_be = (OPEN_FILES if one == resource.RLIM_INFINITY else min(OPEN_FILES, one) for one in limits)
    if now < may_be:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (may_be, limits[1]))
        except (OSError, ValueError):  # a sandbox may forbid it
            return now
    return may_be
