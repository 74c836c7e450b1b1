"""Tasks of the workers: run jobs, recover them, and the periodic duties. The database row of a job says what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from flask import current_app, g

from . import error_translation
from .actor import SCHEDULE
from .catalogue import counts, thumbnails
from .errors import ConflictError
from .exports import exporter, results as export_results
from .exports.export_kind import EXPORT
from .extensions import huey
from .i18n import gettext as _
from .imports import importer, preview, undo
from .imports.import_options import ImportOptions
from .imports.results import import_kinds, retention
from .imports.start import retry_failed, scheduling
from .jobs import lifecycle, notifications, worker_heartbeat
from .jobs.attempt import JobAttempt, work
from .logs import about_job, log_throttled
from .models.jobs import Job
from .publishing import (
    failed_items,
    old_changes,
    publish_jobs,
    publish_preview,
    publish_undo as publish_undo,
    publisher,
    withdrawal,
)
from .publishing.job_kind import DELETE_PUBLISHED, MAKE_PRIVATE, PUBLISH, PUBLISH_PREVIEW, PUBLISH_UNDO
from .remapping import remapper
from .remapping.remap_jobs import REMAP
from .repositories.connections import RepositoryConnection, open_connection

log = logging.getLogger(__name__)
MINUTE = 60.0  # seconds


def import_and_publish(
    attempt: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection
) -> tuple[bool, str]:
    """Run an import. If its options ask for publishing, queue that first. Return (clean, message)."""
    destination_id = ImportOptions.of(lifecycle.get(attempt.job_id)).publish_to
    if destination_id is None:
        return importer.run(attempt, connect)
    job_id = publish_jobs.create_with(attempt.job_id, destination_id)
    if job_id is not None:
        wake(job_id)
    clean, message = importer.run(attempt, connect)
    if job_id is None:
        problem = _("The items were not published, because the destination was removed.")
        return False, f"{message} {problem}".strip()
    return clean, f"{message} {_('Job %(job)s publishes the items.', job=job_id)}".strip()


RUNNERS: dict[str, Callable[[JobAttempt], tuple[bool, str]]] = {
    import_kinds.IMPORT.name: import_and_publish,
    import_kinds.UNDO.name: undo.run,
    import_kinds.PREVIEW.name: preview.run,
    PUBLISH.name: publisher.run,
    PUBLISH_PREVIEW.name: publish_preview.run,
    PUBLISH_UNDO.name: publish_undo.run,
    MAKE_PRIVATE.name: withdrawal.run,
    DELETE_PUBLISHED.name: withdrawal.run,
    EXPORT.name: exporter.run,
    REMAP.name: remapper.run,
}

RETRIES: dict[str, tuple[Callable[[Job], bool], Callable[[int], int]]] = {
    import_kinds.IMPORT.name: (retry_failed.can_retry, retry_failed.retry),
    PUBLISH.name: (failed_items.can_retry, failed_items.retry),
}


def carry_out(job_id: int) -> bool:
    """Run a job if it can be claimed, then wake the next queued job that needs the same resource.

    Return whether the job was claimed. A job that publishes the items of a queued import stays queued, too.
    Otherwise it could take the worker that the import needs. The import wakes it.
    """
    job = lifecycle.get(job_id)
    if job.kind == PUBLISH.name and publish_jobs.is_import_queued(job):
        return False
    runner, resource = RUNNERS[job.kind], job.resource
    with about_job(job_id):
        claimed = work(job_id, runner)
    if claimed and resource and (waiting := lifecycle.next_queued(resource)) is not None:
        wake(waiting)
    return claimed


def can_retry(job: Job) -> bool:
    """Return whether a new job can retry what failed in a job."""
    return job.kind in RETRIES and RETRIES[job.kind][0](job)


def retry(job_id: int) -> int:
    """Queue a job that retries what failed in a job, and return its id. Raise ConflictError if nothing can be."""
    job = lifecycle.get(job_id)
    if job.kind not in RETRIES:
        raise ConflictError(_("Job %(job)s has nothing to retry.", job=job_id))
    return RETRIES[job.kind][1](job_id)


def wake(*job_ids: int) -> None:
    """Enqueue these jobs for the workers. If the queue is unavailable, log it: `recover` enqueues the jobs later."""
    try:
        for job_id in job_ids:
            run_job(job_id)
    except error_translation.QUEUE as error:
        log_throttled(log, str(error_translation.of_queue(error)))


@huey.named_task("connector.run_job")
def run_job(job_id: int) -> None:
    """Run one job from the queue."""
    carry_out(job_id)


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


# Periodic duties of each worker process, with their intervals in seconds. Several processes may run a duty at once.
DUTIES: dict[Callable[[], object], float] = {
    recover: MINUTE,
    start_due: MINUTE,
    send_notifications: MINUTE,
    count_catalogue: MINUTE / 4,
    make_thumbnails: MINUTE / 4,
    prune: 60 * MINUTE,
}
