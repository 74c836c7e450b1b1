"""Creates jobs: queues an import, a preview or an undo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from ..accounts import audit
from ..errors import ConflictError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..models.jobs import ACTIVE, Job, Kind
from ..models.repositories import Repository, Source
from . import counters, lifecycle

OF_SOME = {"retry", "only"}  # options of an import that reads only some items
FOR_ONCE = {*OF_SOME, "full", "rehearse", "samples_only"}  # options that the next import of a source does not inherit
JOB = Job.__table__


def create(
    source_id: int,
    options: Mapping[str, Any],
    *,
    comment: str = "",
    kind: Kind = Kind.IMPORT,
    reruns: int | None = None,
    requests: int = 0,
) -> int:
    """Queue an import of a source and return its id. If a job of that kind and source is active, return its id instead.

    `kind`: an import, or a preview of an import with these options. `requests`: how many requests were
    needed to find the source.
    """
    with transaction():
        source = db.session.get_one(Source, source_id)
        lock_repository(source.repository_id)
        active = select(JOB.c.id).where(JOB.c.source_id == source_id, JOB.c.state.in_(ACTIVE), JOB.c.kind == kind)
        job_id: int | None = db.session.scalar(active.order_by(JOB.c.id))
        if job_id is not None:
            return job_id
        options = {name: value for name, value in options.items() if name != lifecycle.ANY_HOUR}
        # Until its first import, a source keeps the options of its first preview.
        if (kind is Kind.IMPORT and not options.keys() & OF_SOME) or not source.options:
            source.options = {name: value for name, value in options.items() if name not in FOR_ONCE}
        return add(source, options, comment=comment, kind=kind.value, reruns_id=reruns, requests=requests)


def add(source: Source, options: Mapping[str, Any], *, requests: int = 0, **values: Any) -> int:
    """Queue a job inside the caller's transaction and return its id.

    `values`: other columns of the job, and a `resource` other than that of the source.
    """
    where = {"repository_id": source.repository_id, "resource": source.resource, "source_id": source.id}
    job = Job(**where | values, options=dict(options))
    db.session.add(job)
    db.session.flush()
    counters.add(db.session.connection(), job.id, {"requests": requests})
    audit.note(job.kind, source.name, job=job.id, **({"undoes": job.undoes_id} if job.undoes_id else {}))
    return job.id


def create_undo(job_id: int) -> int:
    """Queue the undo of an import and return its id. Raises ConflictError if design rule 3 forbids it."""
    with transaction():
        job = lifecycle.get(job_id)
        lock_repository(job.repository_id)
        refuse_undo(job)
        waits = (JOB.c.id == job_id, lifecycle.IS_WAITING)
        db.session.execute(update(JOB).where(*waits).values(resume_at=None, message=_("Stopped.")))
        values = {"kind": Kind.UNDO.value, "undoes_id": job.id, "resource": job.resource}
        return add(job.source, {}, comment=job.comment, **values)


def lock_repository(repository_id: int) -> None:
    """Keep other transactions from queueing jobs of this repository until this transaction ends.

    SQLite ignores this lock, because it has only one writer.
    """
    db.session.execute(select(Repository.id).where(Repository.id == repository_id).with_for_update())


def refuse_undo(job: Job) -> None:
    """Raise ConflictError if the job cannot be undone now."""
    if job.is_preview:
        raise ConflictError(_("Job %(id)s is a preview and changed nothing. There is nothing to undo.", id=job.id))
    if job.is_undo:
        raise ConflictError(_("Job %(id)s is an undo. To get the items back, import again.", id=job.id))
    if job.is_undone:
        raise ConflictError(_("Import %(id)s was already undone.", id=job.id))
    if job.undo_began:
        raise ConflictError(
            _("The undo of import %(id)s is job %(undo)s: resume that one.", id=job.id, undo=job.undone_by[0].id)
        )
    busy = select(JOB.c.id).where(JOB.c.resource == job.resource, JOB.c.state.in_(ACTIVE))
    if (active := db.session.scalar(busy)) is not None:
        raise ConflictError(
            _("Job %(active)s of this repository is still active: wait for it, or stop it first.", active=active)
        )
