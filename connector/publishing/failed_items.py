"""Retries the items of a publishing job that have problems. Items that a later job has sent belong to that job."""

from __future__ import annotations

from sqlalchemy import Select, exists, select

from ..errors import ConflictError
from ..extensions import db
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..models.changes import CHANGE, Action
from ..models.jobs import Job
from ..models.publishing import CONFLICT, PUBLISHED_ITEM, REFUSED_FILE
from . import publish_jobs
from .job_kind import PUBLISH
from .publish_options import PublishOptions


def can_retry(job: Job) -> bool:
    """Return whether the job was the last one to publish items that have problems."""
    if job.kind != PUBLISH.name or job.is_active or job.undo_began:
        return False
    return bool(db.session.scalar(select(_items(job).exists())))


def retry(job_id: int) -> int:
    """Queue a job that publishes these items again, with the files that the site refused, and return its id.

    Raise ConflictError if there are no such items.
    """
    job = lifecycle.get(job_id)
    if not can_retry(job):
        raise ConflictError(_("Job %(job)s has nothing to retry.", job=job_id))
    return publish_jobs.create_retry(job, _items(job))


def _items(job: Job) -> Select[int]:
    """Return a SELECT of the ids of the items. A conflict alone is left out, because it waits for a choice."""
    failed = (CHANGE.c.job_id == job.id, CHANGE.c.action == Action.FAILED)
    has_conflict = exists().where(CONFLICT.c.published_item_id == PUBLISHED_ITEM.c.id)
    has_refused_file = exists().where(REFUSED_FILE.c.published_item_id == PUBLISHED_ITEM.c.id)
    mine = (PUBLISHED_ITEM.c.destination_id == PublishOptions.of(job).destination, PUBLISHED_ITEM.c.job_id == job.id)
    # The join lets the databases look up the items that failed, instead of all items of the job.
    items = select(PUBLISHED_ITEM.c.item_id).join(CHANGE, CHANGE.c.item_id == PUBLISHED_ITEM.c.item_id).distinct()
    return items.where(*mine, *failed, ~has_conflict | has_refused_file)
