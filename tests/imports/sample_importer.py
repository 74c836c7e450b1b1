"""Imports of a whole sample repository through real HTTP."""

from __future__ import annotations

import json

from connector.catalogue.export import as_jsonl
from connector.catalogue.search import Selection
from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import creation, lifecycle
from connector.repositories import credentials, discovery, service
from connector.tasks import carry_out
from tests.sample import SampleRepository
from tests.sample.login import NAME, PASSWORD


class SampleImporter:
    """Imports from a sample repository on the loopback address."""

    def __init__(self, app, sample: SampleRepository):
        self.app, self.sample = app, sample
        app.config["MAX_MISSING_PERCENT"] = 100
        with app.app_context():
            self.repository_id = discovery.connect(sample.url, "rest", None).repository_id

    def sign_in(self) -> None:
        with self.app.app_context():
            credentials.sign_in(self.repository_id, NAME, PASSWORD)

    def sign_out(self) -> None:
        with self.app.app_context():
            credentials.sign_out(self.repository_id)

    def run(self, **options):
        """Import the entire repository; gives the job as it ended."""
        with self.app.app_context():
            scope = discovery.find(self.repository_id, ScopeKind.REPOSITORY, "").scope
            source_id = service.source_for(self.repository_id, scope)
            return self._worked(queueing.create(source_id, ImportOptions(**{"files": True} | options)))

    def undo(self, job_id: int):
        with self.app.app_context():
            return self._worked(creation.create_undo(job_id))

    def resume(self, job_id: int):
        with self.app.app_context():
            lifecycle.resume(job_id)
            return self._worked(job_id)

    def _worked(self, job_id: int):
        assert carry_out(job_id)
        job = lifecycle.get(job_id)
        assert job.files is not None
        return job

    def records(self) -> dict[str, dict]:
        """The export by title."""
        with self.app.app_context():
            return {line["title"]: line for line in map(json.loads, as_jsonl(Selection()))}

    def restricted(self) -> set[str]:
        return {title for title, record in self.records().items() if record["restricted"]}

    def file(self, title: str, name: str) -> dict:
        (found,) = [file for file in self.records()[title]["files"] if file["name"] == name]
        return found

    @property
    def posts(self) -> int:
        return [method for method, _ in self.sample.requests].count("POST")
