"""The search index of a DSpace 7 or later loses items that can still be read."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.repositories import discovery, service
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository

LOST = "The Aldermouth Gazette, No. 1 (5 March 1887)"


@pytest.mark.parametrize("kind", [ScopeKind.REPOSITORY, ScopeKind.COMMUNITY, ScopeKind.COLLECTION])
@pytest.mark.parametrize("generation", [7, 9])
def test_the_job_reports_items_lost_from_the_index_and_marks_nothing(app, generation, kind):
    with SampleRepository(generation) as sample:
        importer = SampleImporter(app, sample)
        collection = sample.data.named("Aldermouth Gazette")
        where = {ScopeKind.COMMUNITY: collection.parent, ScopeKind.COLLECTION: collection}.get(kind)
        with app.app_context():
            found = discovery.find(importer.repository_id, kind, where.handle if where else "")
            source_id = service.source_for(importer.repository_id, found.scope)
            importer._worked(queueing.create(source_id, ImportOptions()))
            item = sample.data.named(LOST)
            item.is_lost_from_index = True
            sample.data.changes += 1

            job = importer._worked(queueing.create(source_id, ImportOptions()))

        assert (job.state, job.clean, job.counts["vanished"]) == ("completed", False, 0)
        assert f"1 item can be read but is no longer listed: {item.handle}." in job.message
        assert importer.records()[LOST]["source_state"] == "present"
