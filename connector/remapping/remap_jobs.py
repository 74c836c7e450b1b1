"""The jobs that apply the crosswalk of a repository again: their kind, their options, and how they are queued."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ..catalogue import crosswalk_rules
from ..extensions import count_rows, db, transaction
from ..i18n import lazy_gettext as _l
from ..jobs import creation
from ..models.catalogue import ITEM
from ..models.job_kinds import UNCHANGED, UPDATED, JobKind, register
from ..models.job_options import JobOptions
from ..models.jobs import JOB, Job, Kind, State
from ..models.repositories import resource_of
from ..repositories import service


@dataclass(frozen=True)
class RemapOptions(JobOptions):
    """The options of a job. `crosswalk_id`: the rules that it applies, 0 for the default ones."""

    crosswalk_id: int = 0


REMAP = JobKind(
    name="remap",
    title=_l("Apply crosswalk"),
    heading=_l("Apply crosswalk to %(source)s"),
    counters=("updated", "unchanged"),
    shown=(UPDATED, UNCHANGED),
    done=("updated", "unchanged"),
    options=RemapOptions,
    undo_kind=Kind.UNDO,
)
register(REMAP)


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
