"""The state of an item is read in every list and in every single item."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.dspace.records import ScopeKind, SourceState
from connector.extensions import db
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job
from connector.repositories import credentials, discovery, service
from connector.tasks import carry_out
from tests.sample import SampleRepository
from tests.sample.login import NAME, PASSWORD

from ..catalogue import titles


class Importer:
    """Imports a whole sample repository, signed in or not."""

    def __init__(self, sample: SampleRepository):
        self.sample = sample
        self.repository_id = discovery.connect(sample.url, "rest", None).repository_id
        found = discovery.find(self.repository_id, ScopeKind.REPOSITORY, "")
        self._source_id = service.source_for(self.repository_id, found.scope)

    def sign_in(self) -> None:
        credentials.sign_in(self.repository_id, NAME, PASSWORD)

    def run(self, **options) -> Job:
        job_id = queueing.create(self._source_id, ImportOptions(**options))
        assert carry_out(job_id)
        job = lifecycle.get(job_id)
        db.session.expunge(job)
        return job

    def held(self, **values) -> set[str]:
        """The titles of the items held of which these columns have these values."""
        query = db.select(CatalogueItem.title).filter_by(**values)
        return set(db.session.scalars(query).all())


@pytest.fixture(params=[5, 6, 9])
def sample_importer(request, app):
    with SampleRepository(request.param) as sample, app.app_context():
        yield Importer(sample)


def test_withdrawn_rows_of_a_signed_in_list_are_not_imported(sample_importer):
    sample_importer.sign_in()

    job = sample_importer.run()

    assert "Withdrawn item" not in sample_importer.held()
    assert job.clean, job.message


def test_private_items_that_need_a_login_are_restricted(sample_importer):
    sample_importer.sign_in()

    sample_importer.run()

    restricted = sample_importer.held(is_restricted=True)
    assert {"Restricted item", "Private item"} <= restricted
    assert "Private item" not in sample_importer.held(is_restricted=False)


def test_an_item_that_is_withdrawn_and_still_readable_is_marked(sample_importer):
    sample_importer.run()
    item = sample_importer.sample.data.named("No file")
    sample_importer.sample.data.withdraw(item)
    item.opens_withdrawn = True

    job = sample_importer.run()

    assert sample_importer.held(source_state="withdrawn") == {"No file"}
    assert (job.counts["vanished"], job.counts["failed"], job.clean) == (1, 0, True)


@pytest.mark.parametrize("state", [SourceState.WITHDRAWN, SourceState.SUPERSEDED, SourceState.NOT_PUBLIC])
def test_an_item_that_is_deleted_between_listing_and_reading_is_no_failure(importer, dspace, state):
    for number in range(4):
        dspace.add(f"i{number}")
    importer.run()
    dspace.edit("i1", title="Changed")
    read = dspace._item

    def item(one, light, with_collection):
        found = read(one, light, with_collection)
        if one.id != "i1" or light:
            return found
        dspace.items["i1"].state = state
        return replace(found, state=state)

    dspace._item = item

    job = importer.run()

    assert (job.counts["failed"], job.counts["vanished"], job.counts["updated"], job.clean) == (0, 1, 0, True), (
        job.message
    )
    assert titles(importer.app)["i1"] == "A title"
