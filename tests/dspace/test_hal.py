"""The client for DSpace 7 to 10, apart from its walks: find objects, list them, and find the state of missing items."""

from __future__ import annotations

import ipaddress
import json

import pytest
import requests
import responses
from urllib3.exceptions import ReadTimeoutError

from connector.dspace.hal import HalClient
from connector.dspace.records import Failure, Item, Scope, ScopeKind, SourceState
from connector.errors import (
    BadResponseError,
    CertificateError,
    NotFoundError,
    RepositoryError,
    RequestTimeoutError,
    RestrictedError,
    ServerError,
    UnreachableError,
)
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait

from .fake_hal import API, HOME, SCOPE, SERVER, FakeHal, Hurried, client_of, item_id, nothing_seen, payload, synthetic

ELSEWHERE = "http://internal.invalid:8080/server/api/core"
OTHER = "c8158261-ec25-4d2a-9167-3a0c286c519f"


def with_handle(kind: str, id: str) -> FakeHal:
    fake = FakeHal([synthetic(0)])
    fake.locations["123456789/7"] = f"{ELSEWHERE}/{kind}/{id}"
    return fake


# Finding


def test_a_collection_is_found_by_its_uuid():
    assert client_of(FakeHal([])).find(ScopeKind.COLLECTION, HOME) == SCOPE


@pytest.mark.parametrize("text", ["123456789/7", "hdl:123456789/7", "https://hdl.handle.net/123456789/7"])
def test_a_collection_is_found_by_its_handle_with_any_host_in_the_response(text):
    assert client_of(with_handle("collections", HOME)).find(ScopeKind.COLLECTION, text) == SCOPE


def test_the_whole_repository_needs_no_request():
    fake = FakeHal([])

    assert client_of(fake).find(ScopeKind.REPOSITORY, "") == Scope(ScopeKind.REPOSITORY, "", None, "Lab Repository")
    assert fake.requests == []


def test_a_handle_of_another_kind_is_refused_with_the_name_of_its_kind():
    fake = with_handle("items", item_id(0))

    with pytest.raises(NotFoundError, match=r"There is no collection “123456789/7” at .* It is the item “Item 000000”"):
        client_of(fake).find(ScopeKind.COLLECTION, "123456789/7")


@pytest.mark.parametrize("id", ["00000000-0000-0000-0000-000000000001", "123456789/404"])
def test_unknown_ids_and_handles_are_not_found(id):
    with pytest.raises(NotFoundError, match=f"There is no.*{id}|nothing with the handle {id}"):
        client_of(FakeHal([])).find(ScopeKind.COLLECTION, id)


@pytest.mark.parametrize("id", ["7", "not-a-uuid", ""])
def test_invalid_identifiers_cause_no_request(id):
    fake = FakeHal([])

    with pytest.raises(NotFoundError, match="neither a uuid nor a handle"):
        client_of(fake).find(ScopeKind.ITEM, id)
    assert fake.requests == []


def test_a_restricted_item_is_refused_as_restricted():
    fake = FakeHal([])
    fake.extra[f"core/items/{item_id(0)}"] = RestrictedError("401")

    with pytest.raises(RestrictedError, match=f"The item “{item_id(0)}” .* is not open to the public"):
        client_of(fake).find(ScopeKind.ITEM, item_id(0))


def test_a_restricted_item_is_called_by_the_handle_that_was_asked_for():
    fake = with_handle("items", item_id(0))
    fake.extra[f"core/items/{item_id(0)}"] = RestrictedError("401")

    with pytest.raises(RestrictedError, match="The item “123456789/7” at ") as raised:
        client_of(fake).find(ScopeKind.ITEM, "123456789/7")
    assert item_id(0) not in str(raised.value)


class RestrictedHandle(FakeHal):
    """The handle of a restricted item makes a real server answer 500."""

    def locate(self, url, params=None):
        raise ServerError("status 500", url)


def test_a_restricted_item_is_recognised_by_its_handle_when_the_server_answers_500():
    fake = RestrictedHandle([])
    fake.extra[API] = payload("root")

    with pytest.raises(RestrictedError, match="123456789/327 exists, it seems, but is not open"):
        client_of(fake).find(ScopeKind.ITEM, "123456789/327")


def test_a_failing_repository_is_not_mistaken_for_a_restricted_item():
    fake = RestrictedHandle([])
    fake.extra[API] = ServerError("status 503")

    with pytest.raises(ServerError, match="503"):
        client_of(fake).find(ScopeKind.ITEM, "123456789/327")


def test_a_withdrawn_item_is_not_found():
    fake = FakeHal([payload("item-withdrawn")])

    with pytest.raises(NotFoundError, match="has been withdrawn"):
        client_of(fake).find(ScopeKind.ITEM, payload("item-withdrawn")["uuid"])


def test_the_address_of_a_page_leads_to_its_object():
    client = client_of(with_handle("collections", HOME))

    assert client.resolve("/handle/123456789/7") == SCOPE
    assert client.resolve(f"/repo/collections/{HOME}/browse") == SCOPE
    assert client.resolve(f"/entities/publication/{item_id(0)}").kind is ScopeKind.ITEM
    assert client.resolve("/home") is None


def test_a_collection_comes_with_its_texts():
    assert client_of(FakeHal([])).collection(HOME).abstract == "Theses & dissertations"


# Lists


class Containers(FakeHal):
    """Answers lists of collections and communities from the recorded ones, page by page."""

    def __init__(self, short: int = 0, refuses: bool = False):
        super().__init__([])
        self.short, self.refuses = short, refuses

    def _search(self, asked, url):
        if self.refuses:
            raise RestrictedError("401", url)
        name = {"collection": "collections", "community": "communities"}[asked["dsoType"][0]]
        rows = payload(name)["_embedded"]["searchResult"]["_embedded"]["objects"]
        page, size = int(asked["page"][0]), int(asked["size"][0])
        part = rows[page * size : page * size + size - self.short]
        sizes = {"number": page, "size": size, "totalPages": -(-len(rows) // size), "totalElements": len(rows)}
        return {"_embedded": {"searchResult": {"_embedded": {"objects": part}, "page": sizes}}}

    def _answer(self, path, asked, url):
        if path == "core/collections":
            rows = [row for number in (0, 1) for row in payload(f"collections-p{number}")["_embedded"]["collections"]]
            page, size = int(asked["page"][0]), int(asked["size"][0])
            sizes = {"number": page, "size": size, "totalPages": -(-len(rows) // size), "totalElements": len(rows)}
            return {"_embedded": {"collections": rows[page * size : (page + 1) * size]}, "page": sizes}
        return super()._answer(path, asked, url)


@pytest.mark.parametrize(("limit", "requests"), [(None, 2), (10, 5)])
def test_all_collections_come_with_their_parents_in_few_requests(limit, requests):
    fake = Containers()

    collections = list(client_of(fake, limit=limit).collections())

    assert len(collections) == 32
    assert all(collection.parent_id for collection in collections)
    assert len({collection.id for collection in collections}) == 32
    assert len(fake.requests) == requests


def test_communities_make_a_tree():
    communities = {community.id: community for community in client_of(Containers()).communities()}

    tops = [community for community in communities.values() if community.parent_id is None]
    assert len(communities) == 6
    assert len(tops) == 3
    assert all(community.parent_id in communities for community in communities.values() if community.parent_id)


@pytest.mark.parametrize("fake", [Containers(short=3), Containers(refuses=True)])
def test_collections_come_from_the_plain_list_if_the_search_lacks_some(fake):
    assert len(list(client_of(fake, limit=10).collections())) == 32


def test_collections_are_asked_for_without_order_where_the_site_has_none():
    class Unsorted(Containers):
        def _search(self, asked, url):
            self.sorts = ()
            return FakeHal._search(self, asked, url) if "sort" in asked else super()._search(asked, url)

    assert len(list(client_of(Unsorted()).collections())) == 32


# Completing


def test_light_items_are_completed_and_complete_ones_pass():
    fake = FakeHal(synthetic(number, files=2) for number in range(6))
    client = client_of(fake)
    light = [item for page in client.walk(SCOPE, light=True, seen=nothing_seen) for item in page.items]
    fake.requests.clear()

    completed = list(client.complete(light))

    assert [item.id for item in completed] == [item.id for item in light]
    assert all(len(item.bitstreams) == 2 and item.metadata for item in completed)
    assert len(fake.requests) == 6
    assert list(client.complete(completed)) == completed
    assert len(fake.requests) == 6


def test_an_item_with_only_an_id_is_read_completely():
    [item] = client_of(FakeHal([synthetic(3, files=2)])).complete([Item(item_id(3), None, None, None)])

    assert (item.name, len(item.bitstreams), len(item.metadata)) == ("Item 000003", 2, 1)


def test_an_item_that_disappears_before_it_is_read_is_a_failure_with_the_reason():
    fake = FakeHal([synthetic(0), payload("item-withdrawn")])
    fake.extra[f"core/items/{item_id(1)}"] = RestrictedError("401")
    wanted = [Item(id, None, None, None) for id in (item_id(9), item_id(1), payload("item-withdrawn")["uuid"])]

    *failures, withdrawn = client_of(fake).complete(wanted)

    assert all(isinstance(failure, Failure) for failure in failures)
    assert [failure.reason for failure in failures] == ["It is no longer there.", "It is not open to the public."]
    assert [failure.is_gone for failure in failures] == [True, False]
    assert (withdrawn.state, withdrawn.bitstreams) == (SourceState.WITHDRAWN, ())


# Where a lost item went


@pytest.mark.parametrize(
    ("item", "state"),
    [
        (synthetic(0), SourceState.PRESENT),
        (payload("item-withdrawn"), SourceState.WITHDRAWN),
        (payload("item-private") | {"discoverable": False}, SourceState.NOT_PUBLIC),
        (payload("item-superseded"), SourceState.SUPERSEDED),
    ],
)
def test_the_state_of_an_item_is_read(item, state):
    assert client_of(FakeHal([item])).item_state(item["uuid"], SCOPE) is state


def test_an_unknown_item_is_deleted_and_a_restricted_item_is_not_public():
    fake = FakeHal([])
    fake.extra[f"core/items/{item_id(1)}"] = RestrictedError("401")

    assert client_of(fake).item_state(item_id(0), SCOPE) is SourceState.DELETED
    assert client_of(fake).item_state(item_id(1), SCOPE) is SourceState.NOT_PUBLIC


def test_an_item_that_left_the_scope_is_elsewhere_but_still_in_the_repository():
    fake = FakeHal([synthetic(0)])
    fake.order = lambda rows, asked: rows
    fake.extra["discover/search/objects"] = {
        "_embedded": {
            "searchResult": {
                "_embedded": {"objects": []},
                "page": {"number": 0, "size": 1, "totalPages": 0, "totalElements": 0},
            }
        }
    }

    assert client_of(fake).item_state(item_id(0), SCOPE) is SourceState.MOVED
    assert client_of(fake).item_state(item_id(0), Scope(ScopeKind.REPOSITORY)) is SourceState.PRESENT


def test_an_item_counts_as_moved_if_its_communities_contain_each_other():
    one, other, asked = item_id(7), item_id(8), item_id(9)
    fake, home = FakeHal([]), payload("collection-theses")
    fake.extra["discover/search/objects"] = fake._search({"size": ["1"]}, "")

    def inside(found, parent):
        return found | {"_embedded": {"parentCommunity": home | {"uuid": parent}}}

    fake.extra[f"core/items/{item_id(0)}"] = synthetic(0) | {"_embedded": {"owningCollection": home}}
    fake.extra[f"core/collections/{home['uuid']}"] = inside(home, one)
    fake.extra[f"core/communities/{one}"] = inside(home | {"uuid": one}, other)
    fake.extra[f"core/communities/{other}"] = inside(home | {"uuid": other}, one)
    fake.extra[f"core/communities/{asked}"] = home | {"uuid": asked}

    state = client_of(fake).item_state(item_id(0), Scope(ScopeKind.COMMUNITY, asked))

    assert state is SourceState.MOVED
    assert len(fake.asked_of("core/communities")) == 3


def test_an_outage_is_raised_and_not_taken_for_an_item_state():
    fake = FakeHal([])
    fake.extra[f"core/items/{item_id(0)}"] = ServerError("status 500")

    with pytest.raises(ServerError):
        client_of(fake).item_state(item_id(0), SCOPE)


# With the real HTTP client


@pytest.fixture
def http_client(tmp_path):
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    http = HttpClient(
        HttpSettings("DSpaceConnector/test", rule),
        ConcurrencyLimit(tmp_path, "repository.example"),
        OutageWait(stop=Hurried()),
    )
    yield http
    http.close()


@pytest.fixture
def client(http_client):
    return HalClient(http_client, SERVER, outage=OutageWait(0, Hurried()), width=lambda: 2)


COLLECTION = f"{API}/core/collections/{HOME}"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"body": requests.ConnectionError(ConnectionRefusedError())}, UnreachableError),
        ({"body": requests.ReadTimeout(ReadTimeoutError(None, "", "timed out"))}, RequestTimeoutError),
        ({"status": 401, "json": payload("item-restricted")}, RestrictedError),
        ({"status": 403, "json": {}}, RestrictedError),
        ({"status": 404, "json": {}}, NotFoundError),
        ({"status": 429, "headers": {"Retry-After": "2"}}, ServerError),
        ({"status": 429, "headers": {"Retry-After": "Tue, 24 Nov 2026 06:00:00 GMT"}}, ServerError),
        ({"status": 500, "json": {}}, ServerError),
        ({"status": 200, "body": "<html><body>Welcome</body></html>"}, BadResponseError),
        ({"status": 200, "body": json.dumps(payload("collection-theses"))[:500]}, BadResponseError),
        ({"status": 200, "json": []}, BadResponseError),
        ({"status": 200, "json": {"uuid": HOME, "name": "Theses"}}, BadResponseError),
    ],
)
def test_every_bad_answer_is_its_own_error(client, answer, error):
    with responses.RequestsMock() as network:
        network.get(COLLECTION, **answer)

        with pytest.raises(error) as raised:
            client.collection(HOME)
    assert isinstance(raised.value, RepositoryError) and not isinstance(raised.value, CertificateError)
    assert str(raised.value)


def test_a_recorded_response_is_read_through_the_real_client(client):
    with responses.RequestsMock() as network:
        network.get(COLLECTION, json=payload("collection-theses"))

        assert client.collection(HOME).name == "Theses"
        assert network.calls[0].request.params == {"embed": "parentCommunity"}


def test_a_handle_is_located_by_a_redirect_that_is_not_followed(client):
    with responses.RequestsMock() as network:
        network.get(f"{API}/pid/find", status=302, headers={"Location": f"{ELSEWHERE}/collections/{HOME}"})
        network.get(COLLECTION, json=payload("collection-theses"))

        assert client.find(ScopeKind.COLLECTION, "123456789/7") == SCOPE


def test_a_file_is_downloaded_by_its_id(client):
    got = bytearray()
    with responses.RequestsMock() as network:
        network.get(f"{API}/core/bitstreams/{item_id(0)}/content", body=b"hello")

        download = client.download(item_id(0), got.extend)
    assert (bytes(got), download.size, download.md5) == (b"hello", 5, "5d41402abc4b2a76b9719d911017c592")


def test_an_embargoed_file_is_restricted(client):
    with responses.RequestsMock() as network:
        network.get(f"{API}/core/bitstreams/{item_id(0)}/content", status=401)

        with pytest.raises(RestrictedError):
            client.download(item_id(0), bytearray().extend)


def test_a_finished_wait_does_not_shorten_a_later_one():
    fake, stop = FakeHal([synthetic(0)]), Hurried()
    outage = OutageWait(100, stop, clock=lambda: stop.waited)
    client = HalClient(fake, SERVER, outage=outage, width=lambda: 1)

    def down_until(second):
        def trouble(path, asked):
            if path == "discover/search/objects" and stop.waited < second:
                raise ServerError("503")

        return trouble

    fake.trouble = down_until(60)
    first = client.count(SCOPE)
    fake.trouble = down_until(140)

    assert (first, client.count(SCOPE)) == (1, 1)
    assert stop.waited > 140
