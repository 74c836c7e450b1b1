"""The lookup of handles (/pid/find) is broken: it answers 404 or 500 for each, or with the object itself."""

from __future__ import annotations

import json

import pytest

from connector.dspace.records import ScopeKind
from connector.errors import NotFoundError
from connector.repositories import discovery
from tests.sample import Repository, SampleRepository, grow


@pytest.fixture
def sample():
    data = Repository()
    with SampleRepository(9, data=data) as sample:
        grow(data, items=2)
        yield sample


@pytest.mark.parametrize("status", [404, 400, 403])
def test_the_handle_is_searched_for(app, sample, status):
    item = next(iter(sample.data.items.values()))
    sample.faults.add("/pid/find", None, status=status)

    with app.app_context():
        scope = discovery.connect(f"{sample.url}/handle/{item.handle}", "rest", None).scope

    assert (scope.kind, scope.id) == (ScopeKind.ITEM, item.uuid)


def test_a_handle_lookup_that_returns_the_object_is_accepted(app, sample):
    item = next(iter(sample.data.items.values()))
    body = json.dumps({"type": "item", "uuid": item.uuid, "handle": item.handle})
    sample.faults.add("/pid/find", None, status=200, body=body, headers={"Content-Type": "application/json"})

    with app.app_context():
        scope = discovery.connect(f"{sample.url}/handle/{item.handle}", "rest", None).scope

    assert (scope.kind, scope.id) == (ScopeKind.ITEM, item.uuid)
    assert not any("discover" in target for _, target in sample.requests)


def test_a_handle_that_a_search_does_not_find_either_is_not_there(app, sample):
    sample.faults.add("/pid/find", None, status=404)

    with app.app_context(), pytest.raises(NotFoundError, match="There is nothing with the handle 1/2"):
        discovery.connect(f"{sample.url}/handle/1/2", "rest", None)
