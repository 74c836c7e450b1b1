"""The client for DSpace 4 to 6 on the real HTTP client: every bad answer, and each kind of row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from connector.dspace.legacy import LegacyClient
from connector.dspace.records import Failure, Scope, ScopeKind
from connector.errors import (
    BadResponseError,
    NotFoundError,
    OutageLimitError,
    RequestTimeoutError,
    RestrictedError,
    ServerError,
    UnreachableError,
)
from connector.http import HttpClient, HttpSettings, OutageWait
from connector.http.addresses import AddressRule
from connector.http.concurrency import ConcurrencyLimit
from tests.dspace.fake_legacy import API, Hurried, client, walked

HOME = Scope(ScopeKind.COLLECTION, "7")
HTML = "<html><title>We are moving</title></html>"
COLLECTION = {"id": 7, "name": "Theses", "handle": "1/7", "type": "collection", "numberItems": 2}
ITEM = {"id": 1, "name": "One", "handle": "1/1", "type": "item", "lastModified": "2020-01-01 00:00:00.0"}
FULL = ITEM | {"metadata": [{"key": "dc.title", "value": "One", "language": "en"}], "bitstreams": []}


@pytest.fixture
def mocked_responses() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def reader(tmp_path: Path) -> LegacyClient:
    settings = HttpSettings("DSpaceConnector/1", AddressRule(()))
    return client(HttpClient(settings, ConcurrencyLimit(tmp_path, "key"), OutageWait(stop=Hurried())), 5, max_outage=20)


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


BAD: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "refused": ({"body": requests.ConnectionError("refused")}, UnreachableError),
    "timeout": ({"body": requests.ReadTimeout()}, RequestTimeoutError),
    "401": ({"status": 401}, RestrictedError),
    "403": ({"status": 403}, RestrictedError),
    "404": ({"status": 404}, NotFoundError),
    "429 with seconds": ({"status": 429, "headers": {"Retry-After": "7"}}, ServerError),
    "429 with a date": ({"status": 429, "headers": {"Retry-After": in_an_hour()}}, ServerError),
    "500": ({"status": 500}, ServerError),
    "HTML": ({"body": HTML, "content_type": "text/html"}, BadResponseError),
    "truncated": ({"body": '[{"id": 7, "na'}, BadResponseError),
    "no list": ({"json": {"collections": []}}, BadResponseError),
    "a row without id": ({"json": [{"name": "Theses"}]}, BadResponseError),
    "a row that is text": ({"json": ["Theses"]}, BadResponseError),
    "a row that is null": ({"json": [None]}, BadResponseError),
    "a count that is text": ({"json": [COLLECTION | {"numberItems": "2"}]}, BadResponseError),
}


@pytest.mark.parametrize(("answer", "error"), BAD.values(), ids=BAD)
def test_a_bad_list_of_collections_is_an_error_and_never_no_collections(mocked_responses, reader, answer, error):
    mocked_responses.get(f"{API}/communities", json=[])
    mocked_responses.get(f"{API}/collections", **answer)

    with pytest.raises(error) as raised:
        list(reader.collections())

    assert "repository.example" in str(raised.value) or "repository.example" in raised.value.url


def test_an_empty_list_is_no_collections(mocked_responses, reader):
    mocked_responses.get(f"{API}/communities", json=[])
    mocked_responses.get(f"{API}/collections", json=[])

    assert list(reader.collections()) == []


@pytest.mark.parametrize(("answer", "error"), BAD.values(), ids=BAD)
def test_a_community_in_a_response_of_the_wrong_shape_is_refused(mocked_responses, reader, answer, error):
    mocked_responses.get(f"{API}/communities", **answer)

    with pytest.raises(error):
        list(reader.communities())


def listing(mocked_responses: responses.RequestsMock, rows: list[Any]) -> None:
    """A collection of two items: its count, its page and whole list, and the items one by one."""
    mocked_responses.get(f"{API}/collections/7", json=COLLECTION)
    mocked_responses.get(f"{API}/collections/7/items", json=rows)
    mocked_responses.get(f"{API}/items/1", json=FULL)
    mocked_responses.get(f"{API}/communities", json=[])


@pytest.mark.parametrize("name", ["refused", "timeout", "429 with seconds", "500", "HTML", "truncated", "no list"])
def test_the_walk_waits_for_a_page_that_fails_for_a_while(mocked_responses, reader, name):
    mocked_responses.get(f"{API}/collections/7", json=COLLECTION)
    for _ in range(3):
        mocked_responses.get(f"{API}/collections/7/items", **BAD[name][0])
    mocked_responses.get(f"{API}/collections/7/items", json=[FULL, FULL | {"id": 2}])

    assert walked(reader, HOME).ids == ["1", "2"]


@pytest.mark.parametrize("name", ["refused", "timeout", "429 with a date", "500", "HTML", "truncated", "no list"])
def test_a_repository_that_keeps_failing_ends_the_walk_at_its_cursor(mocked_responses, reader, name):
    mocked_responses.get(f"{API}/collections/7", json=COLLECTION)
    mocked_responses.get(f"{API}/collections/7/items", **BAD[name][0])
    mocked_responses.get(f"{API}/communities", **BAD[name][0])

    with pytest.raises(OutageLimitError):
        walked(reader, HOME)


@pytest.mark.parametrize("name", ["401", "403", "404"])
def test_a_collection_that_is_refused_is_no_empty_collection(mocked_responses, reader, name):
    mocked_responses.get(f"{API}/collections/7", json=COLLECTION)
    mocked_responses.get(f"{API}/collections/7/items", **BAD[name][0])

    with pytest.raises(BAD[name][1]):
        walked(reader, HOME)


BROKEN_ROWS: dict[str, Any] = {
    "null": None,
    "text": "an item",
    "no id": {key: value for key, value in FULL.items() if key != "id"},
    "an id that is no number": FULL | {"id": True},
    "metadata that are no list": FULL | {"id": 2, "metadata": {}},
    "a value without its field": FULL | {"id": 2, "metadata": [{"value": "x"}]},
    "a value that is a number": FULL | {"id": 2, "metadata": [{"key": "dc.title", "value": 7}]},
    "a name that is a number": FULL | {"id": 2, "name": 7},
}


@pytest.mark.parametrize("row", BROKEN_ROWS.values(), ids=BROKEN_ROWS)
def test_a_broken_row_fails_without_its_neighbours(mocked_responses, reader, row):
    listing(mocked_responses, [row, FULL])
    mocked_responses.get(f"{API}/items/2", json=row)

    result = walked(reader, HOME)

    assert result.ids == ["1"]
    (failure,) = result.failures
    assert failure.id == ("2" if isinstance(row, dict) and row.get("id") == 2 else None)
    assert "did not answer as DSpace does" in failure.reason
    assert result.not_visible == {"7": 0}


def test_an_item_that_comes_without_metadata_is_broken_and_not_bare(mocked_responses, reader):
    listing(mocked_responses, [FULL, FULL | {"id": 2, "metadata": None}])
    mocked_responses.get(f"{API}/items/2", json=FULL | {"id": 2, "metadata": None})

    result = walked(reader, HOME)

    assert result.ids == ["1"]
    assert [(failure.id, "metadata" in failure.reason) for failure in result.failures] == [("2", True)]


BROKEN_FILES: dict[str, Any] = {
    "none": None,
    "null": [None],
    "a file without id": [{"name": "a.pdf"}],
    "a size that is text": [{"id": 3, "sizeBytes": "12"}],
    "a checksum that is text": [{"id": 3, "checkSum": "abc"}],
}


@pytest.mark.parametrize("files", BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_an_item_with_broken_files_is_read_with_its_metadata(mocked_responses, reader, files):
    row = FULL | {"id": 2, "bitstreams": files}
    listing(mocked_responses, [row, FULL])
    mocked_responses.get(f"{API}/items/2", json=row)

    result = walked(reader, HOME)

    assert sorted(result.ids) == ["1", "2"]
    (item,) = [item for page in result.pages for item in page.items if item.files_error]
    assert item.id == "2"
    assert item.metadata
    assert "did not answer as DSpace does" in item.files_error


def test_an_item_too_large_for_any_page_fails_alone(mocked_responses, tmp_path):
    settings = HttpSettings("DSpaceConnector/1", AddressRule(()), json_bytes=2_000)
    reader = client(
        HttpClient(settings, ConcurrencyLimit(tmp_path, "key"), OutageWait(stop=Hurried())), 5, max_outage=20
    )
    large = FULL | {"id": 2, "metadata": [{"key": "dc.description", "value": "x" * 5_000, "language": None}]}

    def page(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        full = "metadata" in request.params.get("expand", "")
        rows = [FULL, large] if full else [ITEM, ITEM | {"id": 2}]
        start = int(request.params["offset"])
        return 200, {}, json.dumps(rows[start : start + int(request.params["limit"])])

    mocked_responses.get(f"{API}/collections/7", json=COLLECTION)
    mocked_responses.add_callback("GET", f"{API}/collections/7/items", callback=page, content_type="application/json")
    mocked_responses.get(f"{API}/items/2", json=large)
    mocked_responses.get(f"{API}/communities", json=[])

    result = walked(reader, HOME)

    assert result.ids == ["1"]
    assert [(failure.id, failure.name) for failure in result.failures] == [("2", "One")]
    assert isinstance(result.failures[0], Failure)


@pytest.mark.parametrize("fault", ["timeout", "too large"])
def test_a_list_of_collections_is_read_in_smaller_pages_after_a_page_fails(mocked_responses, tmp_path, fault):
    settings = HttpSettings("DSpaceConnector/1", AddressRule(()), json_bytes=15_000)
    reader = client(
        HttpClient(settings, ConcurrencyLimit(tmp_path, "key"), OutageWait(stop=Hurried())), 5, max_outage=20
    )
    collections = [COLLECTION | {"id": id} for id in range(45)]

    def page(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        start, size = int(request.params["offset"]), int(request.params["limit"])
        if size > 20 and fault == "timeout":
            raise requests.ReadTimeout
        return 200, {}, json.dumps(collections[start : start + size])

    mocked_responses.add_callback("GET", f"{API}/collections", callback=page, content_type="application/json")
    mocked_responses.get(f"{API}/communities", json=[])

    found = list(reader.collections())

    sizes = [call.request.params["limit"] for call in mocked_responses.calls if "/collections?" in call.request.url]
    assert (len(found), sizes[0], set(sizes[1:])) == (45, "100", {"20"})


def test_json_is_asked_for_by_name(mocked_responses, reader):
    mocked_responses.get(f"{API}/collections/7", json=COLLECTION)

    reader.collection("7")

    assert mocked_responses.calls[0].request.headers["Accept"] == "application/json"


def test_a_failing_server_is_not_mistaken_for_an_unknown_handle(mocked_responses, reader):
    mocked_responses.get(f"{API}/handle/1/2", status=500)
    mocked_responses.get(f"{API}/communities", status=503)

    with pytest.raises(ServerError):
        reader.find(ScopeKind.ITEM, "1/2")
