"""Use cases: queue the publishing of a source, or of selected items, at a destination, or a preview of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, case, func, insert, literal, select

from ..errors import InvalidInputError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..jobs import creation, lifecycle
from ..models.catalogue import HOLDING
from ..models.job_kinds import JobKind
from ..models.jobs import ACTIVE, JOB, Job, State
from ..models.publishing import PUBLISHING_SELECTION, Destination
from ..models.repositories import Source
from ..repositories import service
from . import destinations
from .import_wait import takes_items
from .job_kind import PUBLISH
from .publish_options import DestinationOptions, PublishOptions, follows_import

IS_UNCLAIMED = (JOB.c.state == State.QUEUED, JOB.c.attempt == 0)


def create(source_id: int, destination_id: int, *, comment: str = "", kind: JobKind = PUBLISH) -> int:
    """Queue the publishing of a source and return the id of the job. If such a job is active, return its id instead."""
    with transaction():
        source, destination = service.get_source(source_id), destinations.get(destination_id)
        creation.lock_repository(source.repository_id)
        active = same(kind, source_id, destination, lambda one: not one.selected, JOB.c.state.in_(ACTIVE))
        return (
            add(kind, source, destination, PublishOptions(destination_id), comment=comment)
            if active is None
            else active
        )


def create_with(job_id: int, destination_id: int) -> int | None:
    """Queue a job that publishes the items of an import while it runs. Return its id, or None without the destination.

    Return the id of the last such job instead if it still takes the items of this import, or if a person stopped it.
    """
    with transaction():
        job, destination = lifecycle.get(job_id), db.session.get(Destination, destination_id)
        if destination is None:
            return None
        creation.lock_repository(job.repository_id)
        last = next(reversed(of_import(job)), None)
        if last and last.state not in (State.COMPLETED, State.FAILED) and takes_items(last):
            return last.id
        by = {"owner": job.owner, "scheduled": job.scheduled, "comment": job.comment}
        return add(PUBLISH, job.source, destination, PublishOptions(destination_id, follows=job_id), **by)


def of_import(job: Job) -> Sequence[Job]:
    """Return the jobs that publish the items of an import while it runs, oldest first."""
    mine = (Job.source_id == job.source_id, Job.kind == PUBLISH.name, follows_import(job.id))
    return db.session.scalars(select(Job).where(*mine).order_by(Job.id)).all()


def import_of(job: Job) -> int | None:
    """Return the id of the import whose items the job publishes, or None."""
    options = job.parsed_options
    if not isinstance(options, PublishOptions):
        return None
    return db.session.scalar(select(JOB.c.id).where(JOB.c.id == options.follows))


def create_for(item_ids: Select[Any], destination_id: int, *, comment: str = "", kind: JobKind = PUBLISH) -> list[int]:
    """Queue the publishing of items and return the ids of the jobs, one for each source.

    An item of several sources belongs to the first one that still holds it. `item_ids`: a SELECT of their ids. A queued
    job of selected items takes them over. Raise InvalidInputError if there are no items.
    """
    holds = case((HOLDING.c.left_at.is_(None), HOLDING.c.source_id))
    first = func.coalesce(func.min(holds), func.min(HOLDING.c.source_id)).label("source_id")
    listed = HOLDING.c.item_id.in_(item_ids)
    owned = select(HOLDING.c.item_id, first).where(listed).group_by(HOLDING.c.item_id).subquery()
    with transaction():
        destination = destinations.get(destination_id)
        sources = db.session.scalars(select(owned.c.source_id).distinct().order_by(owned.c.source_id)).all()
        if not sources:
            raise InvalidInputError(_("There are no items to publish."))
        its_items = select(owned.c.item_id)
        return [
            _selected(kind, one, destination, its_items.where(owned.c.source_id == one), comment) for one in sources
        ]


def create_as_previewed(preview: Job) -> list[int]:
    """Queue the publishing of what a preview looked at, and return the ids of the jobs."""
    options = PublishOptions.of(preview)
    if not options.selected:
        return [create(preview.source_id, options.destination)]
    return create_for(
        select(PUBLISHING_SELECTION.c.item_id).where(PUBLISHING_SELECTION.c.job_id == preview.id), options.destination
    )


def create_retry(job: Job, item_ids: Select[Any]) -> int:
    """Queue the publishing of items of a job again, and return the id of the new job. `item_ids`: as `create_for`.

    If such a job is active, return its id instead.
    """
    with transaction():
        creation.lock_repository(job.repository_id)
        retries = (JOB.c.source_id == job.source_id, JOB.c.kind == job.kind, JOB.c.reruns_id == job.id)
        active: int | None = db.session.scalar(select(JOB.c.id).where(*retries, JOB.c.state.in_(ACTIVE)))
        if active is not None:
            return active
        destination = destinations.get(PublishOptions.of(job).destination)
        options = PublishOptions(destination.id, retries=job.id, selected=True)
        retry_id = add(PUBLISH, job.source, destination, options, comment=job.comment, reruns_id=job.id)
        _select(retry_id, item_ids)
    return retry_id


def _selected(kind: JobKind, source_id: int, destination: Destination, item_ids: Select[Any], comment: str) -> int:
    source = db.session.get_one(Source, source_id)
    creation.lock_repository(source.repository_id)
    job_id = same(kind, source_id, destination, lambda one: one.selected, *IS_UNCLAIMED)
    if job_id is None:
        job_id = add(kind, source, destination, PublishOptions(destination.id, selected=True), comment=comment)
    _select(job_id, item_ids)
    return job_id


def _select(job_id: int, item_ids: Select[Any]) -> None:
    """Add items to the selection of a job."""
    known = select(PUBLISHING_SELECTION.c.item_id).where(PUBLISHING_SELECTION.c.job_id == job_id)
    [item_id] = item_ids.selected_columns
    new = item_ids.where(item_id.not_in(known)).add_columns(literal(job_id))
    db.session.execute(insert(PUBLISHING_SELECTION).from_select(["item_id", "job_id"], new))


def add(kind: JobKind, source: Source, destination: Destination, options: DestinationOptions, **values: Any) -> int:
    """Queue a job at a destination inside the caller's transaction, and return its id. `values`: columns of the job."""
    return creation.add(source, kind.name, options, resource=destination.resource, **values)


def same(
    kind: JobKind, source_id: int, destination: Destination, is_alike: Callable[[Any], bool], *conditions: Any
) -> int | None:
    """Return the first such job of a source and destination whose options are alike, or None.

    No worker claims it before the transaction ends.
    """
    alike = (JOB.c.source_id == source_id, JOB.c.kind == kind.name, JOB.c.resource == destination.resource)
    query = select(JOB.c.id, JOB.c.options).where(*alike, *conditions).order_by(JOB.c.id).with_for_update()
    rows = db.session.execute(query).all()
    return next((row.id for row in rows if is_alike(kind.options.from_json(row.options))), None)
