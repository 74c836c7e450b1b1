"""The client for DSpace 7 to 10 with the sample repository, through real HTTP."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date

import pytest

from connector.dspace.records import Failure, Item, Scope, ScopeKind, SourceState
from connector.errors import BadResponseError, RestrictedError
from tests.sample import grow

from .fake_hal import nothing_seen

REPOSITORY = Scope(ScopeKind.REPOSITORY)


def values_of(item) -> list[tuple[str, str, str]]:
    """As DSpace 7 and later give them: trimmed, control characters as spaces, no empty language."""
    return sorted(
        (value.field, re.sub(r"[\x00-\x1f]", " ", value.value or "").strip(), value.language or "")
        for value in item.metadata
    )


def test_every_item_value_and_file_of_the_repository_arrives(reader, sample):
    found = {item.id: item for page in reader.walk(REPOSITORY, seen=nothing_seen) for item in page.items}

    expected = {item.uuid: item for item in sample.data.items.values() if item.is_found}
    assert found.keys() == expected.keys()
    for id, item in expected.items():
        assert values_of(found[id]) == values_of(item)
        open_files = [file for bundle in item.bundles if bundle.readable for file in bundle.bitstreams]
        assert [file.id for file in found[id].bitstreams] == [file.uuid for file in open_files]


def test_walks_of_each_collection_and_community_yield_its_items(reader, sample):
    for collection in reader.collections():
        scope = reader.find(ScopeKind.COLLECTION, collection.handle)
        found = {item.id for page in reader.walk(scope, light=True, seen=nothing_seen) for item in page.items}
        home = sample.data.collections[collection.id]
        assert found == {one.uuid for one in sample.data.items.values() if one.is_found and home in one.collections}
    assert {community.id for community in reader.communities()} == set(sample.data.communities)


def test_an_unchanged_large_collection_is_listed_in_few_requests(reader, sample):
    home = grow(sample.data, items=400, files=1)

    pages = list(reader.walk(reader.find(ScopeKind.COLLECTION, home.uuid), light=True, seen=nothing_seen))

    assert sum(len(page.items) for page in pages) == 400
    assert len(sample.requests) <= 400 / 10


def test_a_large_collection_is_complete_with_every_page_plan(reader, sample):
    home = grow(sample.data, items=400, files=2)

    pages = list(reader.walk(reader.find(ScopeKind.COLLECTION, home.uuid), seen=nothing_seen))

    items = [item for page in pages for item in page.items]
    assert len({item.id for item in items}) == len(items) == 400
    assert all(len(item.bitstreams) == 2 for item in items)


@pytest.mark.parametrize("kind", [ScopeKind.COLLECTION, ScopeKind.REPOSITORY])
def test_the_state_of_an_item_needs_a_response_of_the_right_shape(reader, sample, kind):
    item = sample.data.named("No file")
    sample.faults.add(f"/core/items/{item.uuid}", times=None, status=200, body='{"unexpected": [1]}')
    id = item.collection.uuid if kind is ScopeKind.COLLECTION else ""

    with pytest.raises(BadResponseError, match="uuid"):
        reader.item_state(item.uuid, Scope(kind, id))


def test_states_name_the_reason_for_missing_items(reader, sample):
    data = sample.data
    [first, second, third, fourth, fifth] = [item for item in data.items.values() if item.is_found][:5]
    scope = reader.find(ScopeKind.COLLECTION, first.collection.uuid)
    elsewhere = next(one for one in data.collections.values() if one is not first.collection and one.is_open)
    data.withdraw(first)
    data.make_private(second)
    data.restrict(third)
    data.delete(fourth)
    data.move(fifth, elsewhere)

    states = [reader.item_state(item.uuid, scope) for item in (first, second, third, fourth, fifth)]

    assert states == [
        SourceState.WITHDRAWN,
        SourceState.NOT_PUBLIC,
        SourceState.NOT_PUBLIC,
        SourceState.DELETED,
        SourceState.MOVED,
    ]


def test_states_are_found_by_handle_for_ids_from_before_an_upgrade(reader, sample):
    data = sample.data
    [first, second, third, fourth, fifth] = [item for item in data.items.values() if item.is_found][:5]
    scope = reader.find(ScopeKind.COLLECTION, first.collection.uuid)
    data.withdraw(first)
    data.make_private(second)
    data.restrict(third)
    data.delete(fourth)

    states = [reader.item_state(str(one.number), scope, one.handle) for one in (first, second, third, fourth, fifth)]

    gone = [SourceState.WITHDRAWN, SourceState.NOT_PUBLIC, SourceState.NOT_PUBLIC, SourceState.DELETED]
    assert states == [*gone, SourceState.PRESENT]


def test_files_are_downloaded_unless_they_are_closed(reader, sample):
    files = [file for item in sample.data.items.values() if item.is_found for file in item.bitstreams]
    readable = next(file for file in files if file.is_open and file.content)
    closed = next(file for file in files if not file.is_open)
    got = bytearray()

    download = reader.download(readable.uuid, got.extend)

    assert download.md5 == hashlib.md5(readable.content).hexdigest() == hashlib.md5(got).hexdigest()
    with pytest.raises(RestrictedError):
        reader.download(closed.uuid, got.extend)


def test_the_access_to_a_file_takes_one_request_for_its_first_byte_and_none_for_numeric_ids(reader, sample):
    files = [file for item in sample.data.items.values() if item.is_found for file in item.bitstreams]
    ids = [next(file for file in files if file.is_open is is_open).uuid for is_open in (True, False)]

    answers = [reader.is_open(id) for id in (*ids, "00000000-0000-0000-0000-000000000000", "123")]

    assert answers == [True, False, None, None]
    assert len([path for _, path in sample.requests if path.endswith("/content")]) == 3


def test_a_page_answered_with_html_or_cut_short_is_read_again(reader, sample):
    sample.faults.add("discover/search", times=1, body="<html>Welcome</html>", headers={"Content-Type": "text/html"})
    sample.faults.add("discover/search", times=1, cut=300)
    sample.faults.add("page=1", times=2, status=503)

    pages = list(reader.walk(REPOSITORY, seen=nothing_seen))

    assert sum(len(page.items) for page in pages) == sum(item.is_found for item in sample.data.items.values())
    assert not any(page.failures for page in pages)


def test_dspace_9_and_later_give_the_end_of_an_embargo(reader, sample):
    [embargoed, closed] = [file for item in sample.data.items.values() for file in item.bitstreams][:2]
    sample.data.embargo(embargoed, until=date(2031, 5, 1))
    sample.data.embargo(closed)
    unknown = "00000000-0000-0000-0000-000000000001"

    ends = [reader.available_from(id) for id in (embargoed.uuid, closed.uuid, unknown)]

    if reader.server.generation >= 9:
        assert ends == [date(2031, 5, 1), None, None]
    else:
        assert ends == [None, None, None]
        assert sample.requests == []


@pytest.mark.parametrize("body", ['{"embargoDate": "soon"}', '{"embargoDate": 5}', "<html>Welcome</html>"])
def test_an_invalid_embargo_date_is_left_out(reader, sample, body):
    file = next(file for item in sample.data.items.values() for file in item.bitstreams)
    sample.data.embargo(file, until=date(2031, 5, 1))
    sample.faults.add("accessStatus", times=None, body=body)

    assert reader.available_from(file.uuid) is None


def test_an_item_that_is_withdrawn_after_the_listing_is_no_failure(reader, sample):
    [listed] = [
        item
        for page in reader.walk(REPOSITORY, light=True, seen=nothing_seen)
        for item in page.items
        if item.name == "Embargoed file beside an open one"
    ]
    sample.data.withdraw(sample.data.items[listed.id])

    [found] = reader.complete([listed])

    assert (found.state, found.bitstreams) == (SourceState.WITHDRAWN, ())


@pytest.mark.parametrize("search_is_refused", [False, True])
def test_a_list_of_collections_that_promises_pages_without_end_is_read_to_its_real_end(
    reader, sample, search_is_refused
):
    if search_is_refused:
        sample.faults.add("/discover/search/objects", times=None, status=403)
    promised = re.compile(rb'"(totalElements|totalPages)":\d+')
    endless = {"change": lambda answer: replace(answer, body=promised.sub(rb'"\1":1000000000000', answer.body))}
    sample.faults.add("collection", times=None, **endless)

    names = {collection.name for collection in reader.collections()}

    assert names == {collection.name for collection in sample.data.collections.values() if collection.is_open}
    assert len(sample.requests) < 20


REFUSALS = {
    "an inner address": {"status": 302, "headers": {"Location": "http://10.11.12.13/inner"}},
    "no address": {"status": 302, "headers": {"Location": "http://a..b/"}},
    "a status": {"status": 400},
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("is_closed", [False, True])
def test_an_item_that_cannot_be_read_fails_alone(reader, sample, refusal, is_closed):
    """`is_closed`: its files are refused, and what cannot be read is its state, which is asked for then."""
    broken, good = list(sample.data.items.values())[:2]

    def embeds(target: str) -> bool:
        return f"/core/items/{broken.uuid}" in target and "embed=" in target

    def does_not_embed(target: str) -> bool:
        return f"/core/items/{broken.uuid}" in target and "embed=" not in target

    sample.faults.add(embeds, None, **({"status": 403} if is_closed else refusal))
    if is_closed:
        sample.faults.add(does_not_embed, None, **refusal)

    results = list(reader.complete(Item(one.uuid, one.handle, one.name, None) for one in (broken, good)))

    assert {result.id: isinstance(result, Failure) for result in results} == {broken.uuid: True, good.uuid: False}
