"""What a signed-out client sees of items that a signed-in client has listed, with few requests."""

from __future__ import annotations

import ipaddress

import pytest

from connector import dspace
from connector.dspace.records import Scope, ScopeKind
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.sample import Repository, SampleRepository, grow


@pytest.fixture
def http(tmp_path):
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    other_client = HttpClient(HttpSettings("DSpaceConnector/test", rule), ConcurrencyLimit(tmp_path, "sample", 2))
    yield other_client
    other_client.close()


class SignedOutSource:
    """A sample repository, and a signed-out client of it."""

    def __init__(self, sample: SampleRepository, http: HttpClient):
        self.sample = sample
        server = dspace.connect(http, sample.url, "rest").server
        self.client = dspace.client(http, server, outage=OutageWait(5), width=lambda: 2)
        sample.reset()

    def id(self, title: str) -> str:
        thing = self.sample.data.named(title)
        return str(thing.number) if self.sample.generation < 6 else thing.uuid

    def ids(self, collection: str) -> list[str]:
        home = self.sample.data.named(collection)
        items = [item for item in self.sample.data.items.values() if home in item.collections]
        return [str(item.number) if self.sample.generation < 6 else item.uuid for item in items]

    def scope(self, collection: str) -> Scope:
        return Scope(ScopeKind.COLLECTION, self.id(collection))


@pytest.fixture(params=[5, 6, 9])
def source(request, http):
    with SampleRepository(request.param) as sample:
        yield SignedOutSource(sample, http)


HIDDEN = {"Withdrawn item", "Restricted item", "Private item"}


def test_open_items_are_shown_and_closed_ones_are_not(source):
    asked = source.ids("Special files")

    shown = set(source.client.open_items(source.scope("Special files"), asked))

    unlisted = {source.id(title) for title in HIDDEN}
    assert shown == set(asked) - unlisted
    assert len(asked) > 10


def test_values_of_a_list_with_details_come_without_hidden_fields(source):
    item = source.sample.data.named("No file")
    item.hidden_fields |= {"local.note"}
    source.sample.data.edit(item, "local.note", ["for staff"])
    id = source.id("No file")

    shown = source.client.open_items(source.scope("Special files"), [id])[id]

    fields = {value.field for value in shown.metadata}
    assert "dc.title" in fields
    assert "local.note" not in fields


@pytest.mark.parametrize("title", ["No file", *sorted(HIDDEN)])
def test_the_item_of_a_scope_is_looked_for_in_lists_not_by_its_id(source, title):
    scope = Scope(ScopeKind.ITEM, source.id(title))

    shown = set(source.client.open_items(scope, [scope.id]))

    assert shown == ({scope.id} if title == "No file" else set())


def test_many_items_are_searched_for_fifty_at_a_time(http):
    with SampleRepository(9) as sample:
        grow(sample.data, 120)
        source = SignedOutSource(sample, http)
        ids = list(sample.data.items)
        closed = sample.data.items[ids[-1]]
        sample.data.restrict(closed)

        shown = set(source.client.open_items(Scope(ScopeKind.REPOSITORY), ids))

        assert shown == {item.uuid for item in sample.data.items.values() if item.is_found}
        assert closed.uuid not in shown
        assert len(sample.requests) == -(-len(ids) // 50)
        assert max(len(path) for _, path in sample.requests) < 4096


def test_items_are_searched_for_with_files_ten_at_a_time(http):
    with SampleRepository(9, data=Repository()) as sample:
        grow(sample.data, 30, files=2)
        source, ids = SignedOutSource(sample, http), list(sample.data.items)
        closed = sample.data.items[ids[-1]].bundles[0]
        closed.readable = False

        shown = source.client.open_items(Scope(ScopeKind.REPOSITORY), ids, with_files=True)

        listed = {file.id for item in shown.values() for file in item.bitstreams}
        expected = {file.uuid for id in ids for file in sample.data.items[id].bitstreams}
        assert listed == expected - {file.uuid for file in closed.bitstreams}
        searches = [path for _, path in sample.requests if "/discover/" in path]
        assert len(searches) == -(-len(ids) // 10)


def test_items_come_without_files_where_these_cannot_be_listed(http):
    with SampleRepository(9) as sample:
        sample.faults.add(lambda target: "bitstreams" in target, None, status=500)
        source = SignedOutSource(sample, http)
        id = source.id("No file")

        shown = source.client.open_items(Scope(ScopeKind.REPOSITORY), [id], with_files=True)[id]

        assert shown.metadata is not None
        assert shown.bitstreams is None


@pytest.mark.parametrize("generation", [5, 6])
class TestOld:
    """DSpace 5 and 6 cannot be asked for several items by their ids."""

    @pytest.fixture
    def source(self, generation, http):
        with SampleRepository(generation) as sample:
            yield SignedOutSource(sample, http)

    def test_a_scope_is_listed_once(self, source):
        scope, ids = source.scope("Aldermouth Gazette"), source.ids("Aldermouth Gazette")

        assert set(source.client.open_items(scope, ids[:20])) == set(ids[:20])
        source.sample.reset()
        assert set(source.client.open_items(scope, ids[20:])) == set(ids[20:])

        assert source.sample.requests == []

    def test_no_item_is_requested_individually(self, source):
        source.client.open_items(source.scope("Special files"), source.ids("Special files"))

        assert not [path for _, path in source.sample.requests if path.startswith("/rest/items/")]

    def test_lists_are_read_no_further_than_to_the_items_asked_for(self, source):
        home = grow(source.sample.data, 400)
        scope, ids = source.scope(home.name), source.ids(home.name)[:3]

        assert set(source.client.open_items(scope, ids)) == set(ids)

        assert len(source.sample.requests) < 6

    def test_no_item_of_a_closed_collection_is_open(self, source):
        data = source.sample.data
        home = data.add_collection("Members only", next(iter(data.communities.values())), readable=False)
        data.add_item(home, [("dc.title", ["Paper"])])

        assert set(source.client.open_items(source.scope("Members only"), source.ids("Members only"))) == set()
