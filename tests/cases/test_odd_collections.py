"""An owning collection cannot be read: its item set is made without its texts, and the import goes on."""

from __future__ import annotations

import pytest

from tests.imports.guest import Guest
from tests.sample import SampleRepository

TITLE = "No file"
AWAY = {"status": 302, "headers": {"Location": "http://10.11.12.13/inner"}}
NOWHERE = {"status": 302, "headers": {"Location": "http://a..b/"}}


@pytest.fixture
def guest(app):
    with SampleRepository(9) as sample:
        yield Guest(app, sample)


@pytest.mark.parametrize("fault", [AWAY, NOWHERE, {"status": 400}, {"status": 500}])
def test_a_collection_that_cannot_be_read_makes_its_item_set_without_a_description(guest, fault):
    home = guest.sample.data.named("Special files")
    guest.sample.faults.add(f"/core/collections/{home.uuid}", None, **fault)

    job = guest.run(files=False, item_set_from_collection=True)

    assert (job.state, job.counts["failed"], job.clean) == ("completed", 0, True), job.message
    assert guest.records()[TITLE]["item_sets"] == ["Special files"]
