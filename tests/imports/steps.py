"""Steps that several test modules of imports share."""

from __future__ import annotations

from collections.abc import Callable

from connector.dspace.records import ScopeKind
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing, retry_failed
from connector.jobs import counters, lifecycle
from connector.models.jobs import Job
from connector.models.previews import PreviewRow, SampleItem
from connector.models.repositories import Repository
from connector.repositories import discovery, service
from connector.tasks import carry_out


def import_of(sample, thing, **options) -> Callable[[], Job]:
    """Import a collection or community at each call. Return the ended job."""
    found = discovery.connect(sample.url, "rest", None)
    scope = discovery.find(found.repository_id, ScopeKind(thing.kind), thing.handle).scope
    source_id = service.source_for(found.repository_id, scope)

    def run() -> Job:
        job_id = queueing.create(source_id, ImportOptions(**options))
        assert carry_out(job_id)
        job = lifecycle.get(job_id)
        db.session.expunge(job)
        return job

    return run


def set_counts(importer, job_id: int, **counts: int) -> None:
    """Set the counters of a job."""
    with importer.app.app_context(), transaction():
        counters.replace(db.session.connection(), job_id, counts)


def retry(importer, job_id: int):
    """Retry what a job could not do. Return the ended new job."""
    with importer.app.app_context():
        new = retry_failed.retry(job_id)
    assert importer.work(new)
    return importer.job(new)


def can_retry(importer, job_id: int) -> bool:
    with importer.app.app_context():
        return retry_failed.can_retry(lifecycle.get(job_id))


def row_ids(app, job: Job, action: str | None = None) -> list[int]:
    """Return the ids of the changes of a preview, or only of those with this action."""
    mine = db.select(PreviewRow.id).where(PreviewRow.job_id == job.id).order_by(PreviewRow.id)
    with app.app_context():
        return list(db.session.scalars(mine if action is None else mine.where(PreviewRow.action == action)))


def sample_ids(app, job: Job) -> list[int]:
    """Return the ids of the sample items of a preview, with those that could not be read."""
    with app.app_context():
        return list(db.session.scalars(db.select(SampleItem.id).filter_by(job_id=job.id).order_by(SampleItem.id)))


def of_generation(importer, generation: int):
    with importer.app.app_context(), transaction():
        values = {"generation": generation, "version": f"{generation}.3", "name": "Older library"}
        db.session.execute(db.update(Repository).values(values))
    return importer
