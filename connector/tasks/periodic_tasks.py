"""The periodic tasks of each worker process, besides jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import current_app, g

from ..actor import SCHEDULE
from ..catalogue import counts, thumbnails
from ..exports import results as export_results
from ..imports.results import retention
from ..imports.start import scheduling
from ..jobs import lifecycle, notifications, worker_heartbeat
from ..publishing import old_changes
from . import wake

MINUTE = 60.0  # seconds


def recover() -> None:
    """Wake all queued jobs, including jobs of dead workers. Record for monitoring that this check ran."""
    wake(*lifecycle.recover())
    worker_heartbeat.touch(current_app.config["INSTANCE"])


def start_due() -> None:
    """Start the scheduled imports that are due."""
    g.acting = SCHEDULE
    wake(*scheduling.start_due())


def send_notifications() -> None:
    """Send notifications about scheduled imports that ended."""
    notifications.send_due()


def count_catalogue() -> None:
    """Count the catalogue for the overview if it may have changed."""
    counts.count_if_changed()


def make_thumbnails() -> None:
    """Make the thumbnails of new files."""
    thumbnails.make_due()


def prune() -> retention.Pruned:
    """Delete data that is past its retention time. Return how much was deleted.

    This runs more than once a day, since a machine that is off at night could miss a daily run.
    """
    export_results.prune()
    pruned = retention.prune()
    return replace(pruned, states=pruned.states + old_changes.prune())


# What each worker process does, with the intervals in seconds. Several processes may run a task at once.
PERIODIC_TASKS: dict[Callable[[], object], float] = {
    recover: MINUTE,
    start_due: MINUTE,
    send_notifications: MINUTE,
    count_catalogue: MINUTE / 4,
    make_thumbnails: MINUTE / 4,
    prune: 60 * MINUTE,
}
