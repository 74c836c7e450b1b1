"""A person at the app, with a sample repository whose items are known."""

from __future__ import annotations

import json
from pathlib import Path

from connector.catalogue.export import as_jsonl
from connector.catalogue.search import Selection
from connector.dspace.records import Scope, ScopeKind
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import creation, lifecycle
from connector.models.repositories import Source
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.sample import SampleRepository

GENERATIONS = [4, 5, 6, 7, 9, 10]
OPTIONS = {"files": True, "item_set_from_collection": True}


class Library:
    """A person at the app, with a sample repository on the loopback address."""

    def __init__(self, app, sample: SampleRepository):
        self.app, self.sample = app, sample

    def run(self, *, is_clean: bool = True, endpoint: str = "rest", **options):
        """Import the entire repository; gives the job as it ended. `is_clean`: whether it must have no problem."""
        with self.app.app_context():
            found = discovery.connect(self.sample.url, endpoint, None)
            source_id = service.source_for(found.repository_id, Scope(ScopeKind.REPOSITORY))
            job_id = queueing.create(source_id, ImportOptions.from_json(OPTIONS | options))
            return self._worked(job_id, is_clean)

    def rerun(self, kind: ScopeKind, handle: str):
        """Import a source again as it is known, without its files. Make it at first; gives the job as it ended."""
        with self.app.app_context():
            repository_id = discovery.connect(self.sample.url, "rest", None).repository_id
            known = db.session.scalar(db.select(Source.id).where(Source.handle == handle))
            source_id = known or service.source_for(repository_id, discovery.find(repository_id, kind, handle).scope)
            return self._worked(queueing.create(source_id, ImportOptions()))

    def undo(self, job_id: int):
        """Undo an import; gives the undo job as it ended."""
        with self.app.app_context():
            return self._worked(creation.create_undo(job_id))

    def _worked(self, job_id: int, is_clean: bool = True):
        assert carry_out(job_id)
        job = lifecycle.get(job_id)
        assert (job.state, job.message if is_clean and not job.clean and job.is_import else "") == ("completed", "")
        return job

    def records(self) -> dict[str, dict]:
        """The export by handle, without what another way to the same state would give otherwise."""
        with self.app.app_context():
            lines = [json.loads(line) for line in as_jsonl(Selection())]
        return {line["handle"]: {k: v for k, v in line.items() if k not in ("id", "jobs")} for line in lines}

    def bytes_of(self, file: dict) -> bytes:
        return (Path(self.app.config["INSTANCE"]) / file["path"]).read_bytes()

    def visible(self) -> dict:
        """The items that a signed-out person can find, by handle. 4 does not tell private ones, and has no sweep."""
        old = self.sample.generation == 4
        return {
            item.handle: item
            for item in self.sample.data.items.values()
            if item.readable
            and not item.withdrawn
            and item.in_archive
            and (old or item.discoverable)
            and (not old or any(home.readable for home in item.collections))
        }
