"""Redirects in the middle of an import: to another repository, or to a store that has lost a file."""

from __future__ import annotations

import pytest

from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository


@pytest.fixture
def importer(app):
    with SampleRepository(9) as sample:
        yield SampleImporter(app, sample)


def test_a_list_that_is_redirected_to_another_repository_brings_none_of_its_items(app, importer):
    app.config["MAX_OUTAGE_SECONDS"] = 0
    with SampleRepository(9) as other:
        other.data.add_item(other.data.named("Special files"), [("dc.title", ["An item of another repository"])])
        away = {"Location": f"{other.url}/server/api/discover/search/objects?dsoType=item"}
        importer.sample.faults.add("discover/search/objects", times=None, status=302, body="", headers=away)
        redirected = importer.run(files=False)
    importer.sample.faults.clear()

    resumed = importer.resume(redirected.id)

    assert redirected.state == "failed"
    assert "connect its new address" in redirected.message
    assert resumed.state == "completed"
    assert "An item of another repository" not in importer.records()


def test_a_file_that_a_store_has_lost_is_not_missing_at_the_repository(importer):
    home = importer.sample.data.named("Special files")
    item = importer.sample.data.add_item(home, [("dc.title", ["A file of its own"])])
    file = importer.sample.data.add_file(item, "stored.txt", b"stored elsewhere", "text/plain")
    away = {"Location": "/bucket/key"}
    importer.sample.faults.add(f"{file.uuid}/content", times=None, status=302, body="", headers=away)

    job = importer.run(files=True)

    assert (job.clean, importer.file("A file of its own", "stored.txt")["fate"]) == (False, "failed")
