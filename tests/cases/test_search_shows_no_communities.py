"""The default search of a DSpace 7 and later finds items only, while the plain lists show all."""

from __future__ import annotations

import json

from connector.repositories import discovery, service
from connector.web.repositories import scope_lists
from tests.sample import SampleRepository

NOTHING = {
    "_embedded": {
        "searchResult": {
            "_embedded": {"objects": []},
            "page": {"number": 0, "size": 100, "totalPages": 0, "totalElements": 0},
        }
    }
}


def test_communities_and_collections_come_from_the_plain_lists(app):
    with SampleRepository(9) as sample, app.app_context():
        open_ones = [one for one in sample.data.collections.values() if one.readable]
        for kind in ("community", "collection"):
            sample.faults.add(f"dsoType={kind}", None, status=200, body=json.dumps(NOTHING))
        repository = service.get(discovery.connect(sample.url, "rest", None).repository_id)

        collections, communities = scope_lists.collections(repository).rows, scope_lists.communities(repository).rows

        assert {one.id for one in collections} >= {one.uuid for one in open_ones}
        assert {one.id for one in communities} == set(sample.data.communities)


def test_where_the_plain_list_is_refused_too_the_communities_come_from_the_top(app):
    with SampleRepository(9) as sample, app.app_context():
        below = next(one for one in sample.data.communities.values() if one.parent is not None)
        sample.faults.add("dsoType=community", None, status=200, body=json.dumps(NOTHING))
        sample.faults.add(lambda address: "/core/communities?" in address, None, status=403)
        repository = service.get(discovery.connect(sample.url, "rest", None).repository_id)

        communities = {one.id: one for one in scope_lists.communities(repository).rows}

    assert set(communities) == set(sample.data.communities)
    assert communities[below.uuid].parent_id == below.parent.uuid
