"""The clock of the repository's server, compared with ours.

Index times come from the server's clock. A clock far ahead of ours may belong to a proxy, while the index uses another
clock. It may also be corrected before the next run. In these cases our own clock counts, so that no change is missed.
"""

from __future__ import annotations

from datetime import timedelta

from ..context.import_context import ImportContext

OVERLAP = timedelta(minutes=10)  # smaller differences do not matter (see `incremental`)


def clock_difference(context: ImportContext) -> timedelta:
    """Return how far the server's clock is ahead of ours (negative if behind), or zero if within OVERLAP."""
    ahead = context.http.clock_ahead
    return ahead if abs(ahead) > OVERLAP else timedelta()


def begin_time(context: ImportContext) -> str | None:
    """Return when the first attempt at this job began, by the server's clock, and keep it in the progress.

    Return None if the server has not given its time yet.
    """
    progress = context.progress
    if progress.began is None and (moment := context.http.server_time) is not None:
        progress.began = (moment - max(clock_difference(context), timedelta())).isoformat()
    return progress.began
