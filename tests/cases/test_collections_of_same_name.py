"""Two collections of two communities have one name: "Theses" in each department."""

from __future__ import annotations

import json

import pytest

from connector.catalogue.export import as_csv, as_jsonl
from connector.catalogue.search import Selection
from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.repositories import discovery, service
from tests.imports.sample_importer import SampleImporter
from tests.pages import words
from tests.sample import SampleRepository


@pytest.fixture
def importer(app):
    with SampleRepository(9) as sample:
        data = sample.data
        for number in (1, 2):
            home = data.add_collection("Theses", data.add_community(f"Department {number}"))
            data.add_item(home, [("dc.title", [f"A thesis of department {number}"])])
        importer = SampleImporter(app, sample)
        importer.run(files=False, item_set_from_collection=True)
        yield importer


def test_exports_distinguish_item_sets_of_the_same_name_and_keep_other_names(importer):
    with importer.app.app_context():
        records = {one["title"]: one["item_sets"] for one in map(json.loads, as_jsonl(Selection()))}
        rows = list(as_csv(Selection()))
    theses = [records[f"A thesis of department {number}"] for number in (1, 2)]
    handles = [one.handle for one in importer.sample.data.collections.values() if one.name == "Theses"]

    assert theses[0] != theses[1]
    assert [handle in names[0] for handle, names in zip(handles, theses, strict=True)] == [True, True]
    assert all(any(names[0] in row for row in rows) for names in theses)
    assert records["No file"] == ["Special files"]


def test_pages_distinguish_item_sets_of_the_same_name(importer, client):
    handles = [one.handle for one in importer.sample.data.collections.values() if one.name == "Theses"]

    for path in ("/item-sets/", "/items/"):
        page = words(client.get(path))
        assert [f"Theses ({handle}, set " in page for handle in handles] == [True, True]


def test_sources_and_past_imports_distinguish_collections_of_the_same_name(importer, client):
    handles = [
        one.handle for one in importer.sample.data.collections.values() if one.name in ("Theses", "Special files")
    ]
    with importer.app.app_context():
        for handle in handles:
            scope = discovery.find(importer.repository_id, ScopeKind.COLLECTION, handle).scope
            queueing.create(service.source_for(importer.repository_id, scope), ImportOptions(test=1))

    for path in ("/sources/", "/jobs/"):
        page = words(client.get(path))
        assert [f"({handle})" in page for handle in handles] == [False, True, True], path
