"""A collection that was imported is deleted at the source, with its items; one of them is mapped elsewhere."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.results.missing_questions import Answer
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.repositories import discovery, service
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository

NAME = "Aldermouth Gazette"


@pytest.fixture(params=[4, 5, 6, 9])
def importer(request, app):
    with SampleRepository(request.param) as sample:
        yield SampleImporter(app, sample)


def run(importer, source: list[int]):
    with importer.app.app_context():
        if not source:
            scope = discovery.find(
                importer.repository_id, ScopeKind.COLLECTION, importer.sample.data.named(NAME).handle
            )
            source.append(service.source_for(importer.repository_id, scope.scope))
        return importer._worked(queueing.create(source[0], ImportOptions()))


def test_an_import_of_a_deleted_collection_asks_and_marks_its_items_after_yes(importer):
    source: list[int] = []
    number = run(importer, source).counts["added"]
    importer.sample.data.delete_collection(importer.sample.data.named(NAME))

    asking = run(importer, source)
    with importer.app.app_context():
        lifecycle.resume(asking.id, Answer.MARK)
        done = importer._worked(asking.id)

    assert (asking.state, asking.counts["vanished"]) == ("stopped", 0)
    assert f"Mark its {number} items as missing?" in asking.message
    assert (done.state, done.clean, done.counts["vanished"]) == ("completed", True, number)
    state = "hidden" if importer.sample.generation == 4 else "vanished"
    assert {one["source_state"] for one in importer.records().values()} == {state}
    assert ("or it is no longer open to the public" in asking.message) == (state == "hidden")
    assert run(importer, source).state == "completed"
