"""An owning collection cannot be read: its item set is made without its texts, and the import goes on."""

from __future__ import annotations

import pytest

from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

TITLE = "No file"
AWAY = {"status": 302, "headers": {"Location": "http://10.11.12.13/inner"}}
NOWHERE = {"status": 302, "headers": {"Location": "http://a..b/"}}


@pytest.fixture
def importer(app):
    with SampleRepository(9, content=laboratory) as sample:
        yield SampleImporter(app, sample)


@pytest.mark.parametrize("fault", [AWAY, NOWHERE, {"status": 400}, {"status": 500}])
def test_a_collection_that_cannot_be_read_makes_its_item_set_without_a_description(importer, fault):
    home = importer.sample.data.named("Special files")
    importer.sample.faults.add(f"/core/collections/{home.uuid}", None, **fault)

    job = importer.run(files=False, item_set_from_collection=True)

    assert (job.state, job.counts["failed"], job.clean) == ("completed", 0, True), job.message
    assert importer.records()[TITLE]["item_sets"] == ["Special files"]
