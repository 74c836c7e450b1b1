"""The maximum of concurrent connections of the server, and the open files that they need.

A proxy that passes bodies on as they arrive (Apache's mod_proxy) holds a connection for each slow sender. With a low
limit, one slow sender can block all other clients.
"""

from __future__ import annotations

import resource

MOST = 1000  # more than the default limit of Apache, 400 concurrent requests
OPEN_FILES = 4096  # a connection may need three: the socket, a request body and a response


def most() -> int:
    """Return the maximum of connections. Raise the open-file limit of this process if it is too low, where allowed."""
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
