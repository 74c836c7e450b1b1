"""The files of exports: where they are, who may download them, and when they are deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import delete, func, select, update

from ..accounts.authorization import require, require_owner
from ..errors import ConflictError, NotFoundError
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..models.accounts import Role
from ..models.catalogue import CatalogueItem
from ..models.exports import EXPORT_ITEM
from ..models.jobs import ACTIVE, JOB, Job, State
from ..storage.content_store import FileFolder
from .export_kind import EXPORT, ExportOptions
from .formats import FORMATS

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The file of an export. `deleted_at`: when it will be deleted, in UTC."""

    path: Path
    name: str
    media_type: str
    size: int
    deleted_at: datetime


def folder() -> FileFolder:
    """Return the folder of the files of exports. It may be missing. Parts of files are there, too."""
    return FileFolder(Path(current_app.config["INSTANCE"]) / "exports")


def path_of(job_id: int) -> Path:
    """Return the path of the file of an export, whether it exists or not."""
    return folder().folder / str(job_id)


def of_job(job: Job) -> ExportFile | None:
    """Return the file of a job, or None if the job has none, has not ended, or its file was deleted."""
    path = path_of(job.id)
    is_kept = job.kind == EXPORT.name and job.state == State.COMPLETED and job.pruned_at is None and path.is_file()
    if not is_kept or job.ended_at is None:
        return None
    form = FORMATS[ExportOptions.of(job).format]
    name = f"export-{job.id}.{form.extension}"
    return ExportFile(path, name, form.media_type, path.stat().st_size, job.ended_at + KEPT)


def downloadable(job_id: int) -> ExportFile:
    """Return the file of an export for the current user.

    Raise PermissionDeniedError if another person started it, NotFoundError if there is no file, and ConflictError if
    items of it have since been removed, or restricted for its reader.
    """
    job = lifecycle.get(job_id)
    require_owner(job.owner, EXPORT.started_by)
    if job.parsed_options.names_restricted:
        require(Role.EDITOR)
    if (file := of_job(job)) is None:
        raise NotFoundError(_("The file of this export was deleted. Export the items again."))
    if _readable(job) != job.counts["seen"]:
        raise ConflictError(_("Items of this export have been removed or restricted since. Export them again."))
    return file


def _readable(job: Job) -> int:
    """Return how many items of an export its reader may still see."""
    query = select(func.count()).select_from(EXPORT_ITEM).where(EXPORT_ITEM.c.job_id == job.id)
    if not ExportOptions.of(job).restricted:
        query = query.join(CatalogueItem).where(CatalogueItem.is_restricted.is_(False))
    return db.session.scalars(query).one()


def prune() -> None:
    """Delete the files and item lists of exports that ended over a day ago, and files that no job has."""
    old = select(JOB.c.id).where(JOB.c.kind == EXPORT.name, JOB.c.pruned_at.is_(None), JOB.c.state.not_in(ACTIVE))
    with transaction():
        ids = db.session.scalars(old.where(JOB.c.ended_at < utcnow() - KEPT)).all()
        db.session.execute(delete(EXPORT_ITEM).where(EXPORT_ITEM.c.job_id.in_(ids)))
        db.session.execute(update(JOB).where(JOB.c.id.in_(ids)).values(pruned_at=utcnow()))
    files = {path.name: path for path in folder().folder.glob("*") if path.name.isdecimal()}
    kept = select(JOB.c.id).where(JOB.c.id.in_(map(int, files)), JOB.c.pruned_at.is_(None))
    for name in files.keys() - set(map(str, db.session.scalars(kept))):
        files[name].unlink(missing_ok=True)
    folder().tidy()
    db.session.rollback()
