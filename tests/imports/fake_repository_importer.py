"""Imports from a fake DSpace, without HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import event, select

from connector.dspace.records import Scope, ScopeKind
from connector.extensions import db, transaction
from connector.imports import undo
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import creation, lifecycle
from connector.jobs.attempt import stop_here, work
from connector.models.catalogue import CatalogueFile, FileStatus, Holding
from connector.models.jobs import Kind
from connector.models.repositories import Repository
from connector.repositories.service import source_for
from connector.tasks import runner_of

from .catalogue import files_recorded_for_undo, files_that_undo_needs
from .fakes import FakeDSpace


class FakeRepositoryImporter:
    """Carries out what a person does with imports: run, preview, undo, stop, resume. The source is a FakeDSpace."""

    def __init__(self, app, dspace: FakeDSpace):
        self.app, self.dspace = app, dspace
        app.config["MAX_MISSING_PERCENT"] = 100  # of a few items, one is much; the tests of the question set it lower
        app.config["RECHECK_RUNS"] = 0  # those of the slices set it
        with app.app_context(), transaction():
            repository = Repository(
                address_key="fake",
                site_url="https://repo.example.org",
                api_url="https://repo.example.org/server/api",
                endpoint="server/api",
                generation=9,
                version="9.3",
            )
            db.session.add(repository)
            db.session.flush()
            self.repository_id = repository.id

    def create(self, collection="c1", kind=Kind.IMPORT, **options) -> int:
        """Queue an import or a preview of a collection ("" for the whole repository). Return the id of the job."""
        scope_kind = ScopeKind.COLLECTION if collection else ScopeKind.REPOSITORY
        with self.app.app_context():
            scope = Scope(scope_kind, collection, f"1/{collection}" if collection else None, f"Collection {collection}")
            return queueing.create(source_for(self.repository_id, scope), ImportOptions(**options), kind=kind)

    def work(self, job_id: int) -> bool:
        """Run the job in this thread."""
        with self.app.app_context():
            runner = runner_of(lifecycle.get(job_id).kind)
            was_free = work(job_id, undo.run if runner is undo.run else lambda run: runner(run, self.dspace.connect))
            assert holdings_with_wrong_mark() == []
            assert files_recorded_for_undo() == files_that_undo_needs()
            return was_free

    def run(self, collection="c1", **options):
        """Import a collection. Return the ended job."""
        job_id = self.create(collection, **options)
        assert self.work(job_id)
        return self.job(job_id)

    def preview(self, collection="c1", **options):
        """Preview an import of the collection. Return the ended job."""
        return self.run(collection, kind=Kind.PREVIEW, **options)

    def undo(self, job_id: int):
        """Undo an import. Return the ended undo job."""
        with self.app.app_context():
            undo_id = creation.create_undo(job_id)
        assert self.work(undo_id)
        return self.job(undo_id)

    def stop(self, job_id: int) -> None:
        """Ask the job to stop, as the Stop button does, and let it notice at once."""
        with self.app.app_context():
            lifecycle.stop(job_id)
        stop_here(job_id)

    def resume(self, job_id: int, answer: str | None = None):
        """Resume a job, or answer its question. Return the ended job."""
        with self.app.app_context():
            lifecycle.resume(job_id, answer)
        assert self.work(job_id)
        return self.job(job_id)

    def stop_after_writes(self, job_id: int, number: int) -> None:
        """Ask the job to stop when it has written its counts this many times."""
        left = [number]

        def count(connection, cursor, statement, parameters, *rest):
            if statement.startswith("INSERT INTO job_counter") and "removed" in str(parameters):
                left[0] -= 1
                if left[0] == 0:
                    stop_here(job_id)

        with self.app.app_context():
            event.listen(db.engine, "after_cursor_execute", count)

    def forget_everything(self) -> None:
        """Delete the catalogue, the jobs and the files."""
        shutil.rmtree(Path(self.app.config["INSTANCE"]) / "files")
        (Path(self.app.config["INSTANCE"]) / "files").mkdir()
        with self.app.app_context(), transaction():
            for table in reversed(db.metadata.sorted_tables):
                if table.name not in ("repository", "audit"):  # which nobody can empty
                    db.session.execute(table.delete())

    def job(self, job_id: int):
        """Return the job, with loaded relations."""
        with self.app.app_context():
            job = lifecycle.get(job_id)
            assert job.source is not None
            assert isinstance(job.is_undone, bool)
            db.session.expunge_all()
            return job


def holdings_with_wrong_mark() -> list[int]:
    """Return the ids of holdings whose `has_problem_files` is not true to the files of their item."""
    listed = {status.value for status in FileStatus if status.is_listed}
    marks = db.session.execute(select(Holding.id, Holding.item_id, Holding.has_problem_files)).all()
    items = set(db.session.scalars(select(CatalogueFile.item_id).where(CatalogueFile.status.in_(listed))))
    db.session.rollback()
    return [row.id for row in marks if row.has_problem_files != (row.item_id in items)]
