"""Handles whose prefix is any text, as sites without a registered prefix have them (`atmire/444`)."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.repositories import discovery
from tests.sample import Repository, SampleRepository, grow


@pytest.fixture(params=[4, 5, 6, 7, 9, 10])
def sample(request):
    data = Repository(prefix="demo-uni")
    with SampleRepository(request.param, data=data) as running:
        grow(data, items=3)
        yield running


def test_the_address_of_a_page_leads_to_its_item(app, sample):
    item = next(iter(sample.data.items.values()))

    with app.app_context():
        scope = discovery.connect(f"{sample.url}/handle/{item.handle}", "rest", None).scope

    assert (scope.kind, scope.handle) == (ScopeKind.ITEM, item.handle)
    assert item.handle.startswith("demo-uni/")


def test_an_item_is_found_by_its_handle_alone(app, sample):
    item = next(iter(sample.data.items.values()))

    with app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.ITEM, item.handle).scope

    assert scope.handle == item.handle
