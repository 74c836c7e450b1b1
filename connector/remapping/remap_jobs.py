"""Use case: queue a job that applies the crosswalk of a repository again."""

from __future__ import annotations

from sqlalchemy import select

from ..catalogue import crosswalk_rules
from ..extensions import count_rows, db, transaction
from ..jobs import creation
from ..models.catalogue import ITEM
from ..models.jobs import JOB, Job, State
from ..models.repositories import resource_of
from ..repositories import service
from .remap_kind import REMAP, RemapOptions


def create(repository_id: int) -> int:
    """Queue a job that maps all items of a repository with the rules in use. Return its id.

    If such a job is queued already, return its id instead.
    """
    with transaction():
        creation.lock_repository(repository_id)
        repository = service.get(repository_id)
        options = RemapOptions(repository.crosswalk_id)
        same = (JOB.c.repository_id == repository_id, JOB.c.kind == REMAP.name, JOB.c.state == State.QUEUED)
        for job in db.session.scalars(select(Job).where(*same)):
            if RemapOptions.of(job) == options:
                return job.id
        number = count_rows(ITEM, ITEM.c.repository_id == repository_id)
        where = {"repository_id": repository_id, "resource": resource_of(repository_id)}
        return creation.add_without_source(REMAP.name, options, repository.label, expected=number, **where)


def create_if_waiting(repository_id: int) -> int | None:
    """Queue such a job if items were mapped with other rules than those in use. Return its id, or None."""
    return create(repository_id) if crosswalk_rules.waiting_count(service.get(repository_id)) else None
