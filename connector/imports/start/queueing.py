"""Queues imports and previews of sources, also with the options of an earlier job."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from ...errors import ConflictError
from ...extensions import db, transaction
from ...i18n import gettext as _
from ...jobs import creation, lifecycle
from ...models.jobs import ACTIVE, JOB, Job, Kind
from ...models.repositories import Source
from ..import_options import ImportOptions


def create(
    source_id: int,
    options: ImportOptions,
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
        creation.lock_repository(source.repository_id)
        active = select(JOB.c.id).where(JOB.c.source_id == source_id, JOB.c.state.in_(ACTIVE), JOB.c.kind == kind)
        job_id: int | None = db.session.scalar(active.order_by(JOB.c.id))
        if job_id is not None:
            return job_id
        options = replace(options, any_hour=False)
        is_first = db.session.scalar(select(JOB.c.id).where(JOB.c.source_id == source_id).limit(1)) is None
        # Until its first import, a source keeps the options of its first preview.
        if is_first or (kind is Kind.IMPORT and not options.reads_some_items):
            source.options = options.for_source().to_json()
        return creation.add(source, kind.value, options, comment=comment, reruns_id=reruns, requests=requests)


def importable(job_id: int) -> Job:
    """Return an import that can be run again. Raise ConflictError if the job is not an import."""
    job = lifecycle.get(job_id)
    if not job.is_import:
        raise ConflictError(_("Job %(job)s is not an import. Only imports can be run again.", job=job_id))
    return job


def rerun(job_id: int, kind: Kind = Kind.IMPORT, *, full: bool = False) -> int:
    """Queue the source of an import again with the same options, and return the new id.

    A test import stays a test import. An import of only some items becomes an import of the whole scope. `kind`: an
    import, or a preview of it. `full`: read every item. Raises ConflictError if the job is not an import.
    """
    job = importable(job_id)
    options = ImportOptions.of(job)
    options = options.for_whole_scope() if options.reads_some_items else options
    options = replace(options, full=options.full or full)
    return create(job.source_id, options, kind=kind, comment=job.comment, reruns=job_id)
