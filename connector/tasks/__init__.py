"""Runs jobs, here or in a worker. The database row of a job says what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pkgutil import resolve_name

from flask import Flask

from .. import error_translation
from ..errors import ConflictError
from ..exports.export_kind import EXPORT
from ..extensions import huey
from ..i18n import gettext as _
from ..imports.results import import_kinds
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt, work
from ..logs import about_job, log_throttled
from ..models.jobs import Job
from ..publishing.import_wait import is_import_queued
from ..publishing.job_kind import DELETE_PUBLISHED, MAKE_PRIVATE, PUBLISH, PUBLISH_PREVIEW, PUBLISH_UNDO
from ..remapping.remap_jobs import REMAP

log = logging.getLogger(__name__)
Runner = Callable[[JobAttempt], tuple[bool, str]]

# The module and function that runs each kind of job. It is imported with the first such job of a process, because a
# command runs one job, and all these modules together take long to import.
RUNNERS = {
    import_kinds.IMPORT.name: "connector.tasks.import_and_publish:run",
    import_kinds.UNDO.name: "connector.imports.undo:run",
    import_kinds.PREVIEW.name: "connector.imports.preview:run",
    PUBLISH.name: "connector.publishing.publisher:run",
    PUBLISH_PREVIEW.name: "connector.publishing.publish_preview:run",
    PUBLISH_UNDO.name: "connector.publishing.publish_undo:run",
    MAKE_PRIVATE.name: "connector.publishing.withdrawal:run",
    DELETE_PUBLISHED.name: "connector.publishing.withdrawal:run",
    EXPORT.name: "connector.exports.exporter:run",
    REMAP.name: "connector.remapping.remapper:run",
}
# The module with `can_retry` and `retry`, for the kinds of jobs that can be retried.
RETRIES = {
    import_kinds.IMPORT.name: "connector.imports.start.retry_failed",
    PUBLISH.name: "connector.publishing.failed_items",
}


def init_app(app: Flask) -> None:
    """Bind the queue to the app. It only wakes workers, so it is not touched here."""
    huey.init_app(app)


def runner_of(kind: str) -> Runner:
    """Return the function that runs jobs of this kind. It returns (clean, message)."""
    runner: Runner = resolve_name(RUNNERS[kind])
    return runner


def carry_out(job_id: int) -> bool:
    """Run a job if it can be claimed, then wake the next queued job that needs the same resource.

    Return whether the job was claimed. A job that publishes the items of a queued import stays queued, too.
    Otherwise it could take the worker that the import needs. The import wakes it.
    """
    job = lifecycle.get(job_id)
    if job.kind == PUBLISH.name and is_import_queued(job):
        return False
    runner, resource = runner_of(job.kind), job.resource
    with about_job(job_id):
        claimed = work(job_id, runner)
    if claimed and resource and (waiting := lifecycle.next_queued(resource)) is not None:
        wake(waiting)
    return claimed


def can_retry(job: Job) -> bool:
    """Return whether a new job can retry what failed in a job."""
    return job.kind in RETRIES and bool(resolve_name(RETRIES[job.kind]).can_retry(job))


def retry(job_id: int) -> int:
    """Queue a job that retries what failed in a job, and return its id. Raise ConflictError if nothing can be."""
    job = lifecycle.get(job_id)
    if job.kind not in RETRIES:
        raise ConflictError(_("Job %(job)s has nothing to retry.", job=job_id))
    retry_id: int = resolve_name(RETRIES[job.kind]).retry(job_id)
    return retry_id


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
