"""An import that also queues the publishing of its items, if its options ask for it."""

from __future__ import annotations

from collections.abc import Callable

from ..i18n import gettext as _
from ..imports import importer
from ..imports.import_options import ImportOptions
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..publishing import publish_jobs
from ..repositories.connections import RepositoryConnection, open_connection
from . import wake


def run(attempt: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection) -> tuple[bool, str]:
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
