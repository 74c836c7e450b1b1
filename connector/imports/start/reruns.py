"""Runs an import again with the same options."""

from __future__ import annotations

from dataclasses import replace

from ...errors import ConflictError
from ...i18n import gettext as _
from ...jobs import lifecycle
from ...models.jobs import Job, Kind
from . import queueing
from .import_options import ImportOptions


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
    options = ImportOptions.from_json(job.options)
    options = options.for_whole_scope() if options.reads_some_items else options
    options = replace(options, full=options.full or full)
    return queueing.create(job.source_id, options.to_json(), kind=kind, comment=job.comment, reruns=job_id)
