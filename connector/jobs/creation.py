"""Queues jobs, and undos of jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from ..accounts import audit
from ..errors import ConflictError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..models.job_options import NO_OPTIONS, JobOptions
from ..models.jobs import ACTIVE, JOB, Job
from ..models.repositories import Repository, Source
from . import counters, lifecycle, questions


def add(source: Source, kind: str, options: JobOptions, *, requests: int = 0, **values: Any) -> int:
    """Queue a job inside the caller's transaction and return its id.

    `kind`: the name of its kind. `values`: other columns of the job, and a `resource` other than that of the source.
    """
    where = {"repository_id": source.repository_id, "resource": source.resource, "source_id": source.id}
    job_id = add_without_source(kind, options, source.name, **where | values)
    counters.add(db.session.connection(), job_id, {"requests": requests})
    return job_id


def add_without_source(kind: str, options: JobOptions, about: str, **values: Any) -> int:
    """Queue a job of the whole catalogue inside the caller's transaction and return its id.

    `about`: what the audit trail says about it. `values`: other columns of the job.
    """
    job = Job(kind=kind, **values, options=options.to_json())
    db.session.add(job)
    db.session.flush()
    audit.note(job.kind, about, job=job.id, **({"undoes": job.undoes_id} if job.undoes_id else {}))
    return job.id


def create_undo(job_id: int, options: JobOptions = NO_OPTIONS) -> int:
    """Queue the undo of a job and return its id. Raises ConflictError if design rule 3 forbids it."""
    with transaction():
        job = lifecycle.get(job_id)
        lock_repository(job.repository_id)
        undo_kind = refuse_undo(job)
        waits = (JOB.c.id == job_id, lifecycle.IS_WAITING)
        db.session.execute(update(JOB).where(*waits).values(resume_at=None, message=_("Stopped.")))
        kept = ("repository_id", "source_id", "resource", "comment")
        about = job.source.name if job.source else job.repository.label if job.repository else ""
        values = {name: getattr(job, name) for name in kept} | {"undoes_id": job.id}
        undo_id = add_without_source(undo_kind, options, about, **values)
        message = _("Job %(job_id)s undoes this job, so its question is settled.", job_id=undo_id)
        questions.close(job_id, undo_id, message)
        return undo_id


def lock_repository(repository_id: int) -> None:
    """Keep other transactions from queueing jobs of this repository until this transaction ends.

    SQLite ignores this lock, because it has only one writer.
    """
    db.session.execute(select(Repository.id).where(Repository.id == repository_id).with_for_update())


def refuse_undo(job: Job) -> str:
    """Return the kind of the undo of a job. Raise ConflictError if the job cannot be undone now."""
    if job.is_preview:
        raise ConflictError(_("Job %(id)s is a preview and changed nothing. There is nothing to undo.", id=job.id))
    if job.is_undo:
        raise ConflictError(
            _("Job %(id)s is an undo and cannot be undone. Run the undone job again instead.", id=job.id)
        )
    if not job.definition.undo_kind:
        raise ConflictError(_("Job %(id)s cannot be undone.", id=job.id))
    if job.is_undone:
        raise ConflictError(_("Job %(id)s was already undone.", id=job.id))
    if job.undo_began:
        raise ConflictError(
            _("The undo of job %(id)s is job %(undo)s: resume that one.", id=job.id, undo=job.undone_by[0].id)
        )
    busy = select(JOB.c.id).where(JOB.c.resource == job.resource, JOB.c.state.in_(ACTIVE))
    if (active := db.session.scalar(busy)) is not None:
        raise ConflictError(
            _("Job %(active)s of this repository is still active: wait for it, or stop it first.", active=active)
        )
    return job.definition.undo_kind
