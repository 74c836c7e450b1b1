"""Use case: queue the publishing of a source at a destination."""

from __future__ import annotations

from sqlalchemy import select

from ..extensions import db, transaction
from ..jobs import creation
from ..models.jobs import ACTIVE, Job
from ..models.repositories import Source
from . import destinations
from .job_kind import PUBLISH


def create(source_id: int, destination_id: int, *, comment: str = "") -> int:
    """Queue a job and return its id. If such a job is active, return its id instead."""
    with transaction():
        source, destination = db.session.get_one(Source, source_id), destinations.get(destination_id)
        creation.lock_repository(source.repository_id)
        same = (Job.source_id == source_id, Job.kind == PUBLISH.name, Job.resource == destination.resource)
        active: int | None = db.session.scalar(select(Job.id).where(*same, Job.state.in_(ACTIVE)).order_by(Job.id))
        if active is not None:
            return active
        options = {"destination": destination_id}
        return creation.add(source, options, kind=PUBLISH.name, resource=destination.resource, comment=comment)
