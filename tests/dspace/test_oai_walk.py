"""Walks over OAI-PMH, with the sample repository through real HTTP: pages, cursors and every fault."""

from __future__ import annotations

import json

import pytest

from connector.dspace.records import Item, Scope, ScopeKind, SourceState
from connector.errors import NotFoundError, OutageLimitError, RequestRejectedError
from tests.sample import SampleRepository

from .fake_hal import nothing_seen
from .recorded_oai import REPOSITORY, oai_client, read, site_of


@pytest.fixture
def sample():
    with SampleRepository(9, has_rest=False) as running:
        running.oai.page_size = 10
        yield running


@pytest.fixture
def client(http, sample):
    made = oai_client(http, sample.url)
    made._api.url = f"{sample.url}/server/oai/request"
    return made


def shown(sample) -> list[Item]:
    """The items that OAI-PMH shows."""
    return [one for one in sample.data.items.values() if one.readable and one.in_archive and one.discoverable]


def test_a_walk_reads_every_visible_item_once_and_counts_them_without_the_deleted_ones(client, sample):
    pages = list(client.walk(REPOSITORY, seen=nothing_seen))

    ids = [item.id for page in pages for item in page.items]
    assert ids == [one.handle for one in shown(sample)]
    assert pages[-1].total == len(ids)
    assert all(item.is_complete for page in pages for item in page.items)
    assert len(sample.requests) == len(pages)


def test_a_walk_continues_after_any_page_from_its_cursor_as_plain_json(client, sample):
    pages = list(client.walk(REPOSITORY, seen=nothing_seen))

    for number, page in enumerate(pages):
        cursor = json.loads(json.dumps(page.cursor))
        rest = list(client.walk(REPOSITORY, cursor=cursor, seen=nothing_seen))
        assert [(each.items, each.total) for each in rest] == [(each.items, each.total) for each in pages[number + 1 :]]


def test_an_expired_token_begins_the_list_again_without_the_items_that_were_seen(client, sample):
    sample.oai.expired.add("xoai////20")
    seen: set[str] = set()
    found = []

    for page in client.walk(REPOSITORY, seen=lambda ids: seen.intersection(ids)):
        found += [item.id for item in page.items]
        seen.update(found)

    assert found == [one.handle for one in shown(sample)]
    assert page.total == len(found)


def test_tokens_that_expire_again_and_again_end_the_walk_with_a_sentence(client, sample):
    sample.faults.add("resumptionToken=", times=None, body=f"{ANSWER}<error code='badResumptionToken'/></OAI-PMH>")

    with pytest.raises(RequestRejectedError, match="again and again"):
        read(client)


ANSWER = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
RECORD = "<record><header{deleted}><identifier>oai:x:1/{number}</identifier></header></record>"


def answer_of(numbers, token: str) -> str:
    records = "".join(RECORD.format(deleted=' status="deleted"', number=number) for number in numbers)
    return f"{ANSWER}<ListRecords>{records}<resumptionToken>{token}</resumptionToken></ListRecords></OAI-PMH>"


@pytest.mark.parametrize(
    "answer",
    [lambda query, asked: answer_of([asked], "same"), lambda query, asked: answer_of([1, 2], f"t{asked}")],
    ids=["a token that never changes", "the same records under new tokens"],
)
def test_a_list_that_does_not_end_is_a_problem_and_not_read_for_ever(http, answer):
    asked: list[str] = []

    def count(query: str) -> str:
        asked.append(query)
        return answer(query, len(asked))

    with site_of(count) as site:
        _items, failures = read(oai_client(http, site.url))

    assert len(asked) == 2
    assert [failure.id for failure in failures] == [None]
    assert "repeats itself after" in failures[0].reason


def test_a_page_with_a_failing_record_is_read_record_by_record(client, sample):
    broken = shown(sample)[14].handle
    sample.faults.add("ListRecords&resumptionToken=xoai%2F%2F%2F%2F10", times=None, status=500)
    sample.faults.add(
        lambda path: "GetRecord" in path and path.endswith(broken.replace("/", "%2F")), times=None, status=500
    )

    items, failures = read(client)

    assert {item.id for item in items} == {one.handle for one in shown(sample)} - {broken}
    assert [failure.id for failure in failures] == [broken]


def test_a_failing_page_changes_no_value(client, sample):
    whole, _failures = read(client)
    sample.faults.add("ListRecords&resumptionToken=xoai%2F%2F%2F%2F10", times=None, cut=300)

    in_parts, failures = read(client)

    assert failures == []
    assert {item.id: item for item in in_parts} == {item.id: item for item in whole}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"cut": 400},
        {"drop": True},
        {"body": "<html>maintenance</html>", "headers": {"Content-Type": "text/html"}},
        {"status": 429, "headers": {"Retry-After": "1"}},
    ],
    ids=["503", "cut", "drop", "page", "429"],
)
def test_a_repository_that_fails_for_a_while_loses_nothing(client, sample, fault):
    sample.faults.add("oai", times=3, **fault)
    sample.faults.add("xoai%2F%2F%2F%2F10", times=7, **fault)

    items, failures = read(client)

    assert ({item.id for item in items}, failures) == ({one.handle for one in shown(sample)}, [])


def test_a_repository_that_stays_away_ends_the_walk_after_the_maximum_outage(client, sample):
    sample.faults.add("resumptionToken", times=None, status=503)

    with pytest.raises(OutageLimitError):
        read(client)


def test_an_empty_collection_is_an_empty_list_and_an_unknown_one_is_not_found(client, sample):
    empty = sample.data.named("Empty shelf").handle

    assert read(client, Scope(ScopeKind.COLLECTION, empty)) == ([], [])
    with pytest.raises(NotFoundError):
        read(client, Scope(ScopeKind.COLLECTION, "123456789/99999"))


def test_a_community_has_the_items_of_all_collections_below_it(client, sample):
    top = next(one for one in sample.data.communities.values() if one.parent is None)

    items, _failures = read(client, Scope(ScopeKind.COMMUNITY, top.handle))

    assert [item.id for item in items] == [one.handle for one in shown(sample) if top in sample.data.ancestors(one)]


def test_items_come_with_every_collection_that_contains_them(client, sample):
    mapped = next(one for one in shown(sample) if one.mapped)

    pages = list(client.walk(REPOSITORY, seen=nothing_seen, with_collection=True))

    found = [item.collection.name for page in pages for item in (*page.items, *page.again) if item.id == mapped.handle]
    assert sorted(found) == sorted(one.name for one in mapped.collections)


def test_states_of_items_that_are_no_longer_listed(client, sample):
    here, other, withdrawn, private, restricted, deleted = shown(sample)[:6]
    home = Scope(ScopeKind.COLLECTION, here.collection.handle)
    elsewhere = Scope(ScopeKind.COLLECTION, sample.data.named("Empty shelf").handle)
    sample.data.withdraw(withdrawn)
    sample.data.make_private(private)
    sample.data.restrict(restricted)
    sample.data.delete(deleted)

    assert client.item_state(here.handle, home) is SourceState.PRESENT
    assert client.item_state(other.handle, elsewhere) is SourceState.MOVED
    assert client.item_state(withdrawn.handle, home) is SourceState.NOT_PUBLIC
    assert client.item_state(private.handle, home) is SourceState.NOT_PUBLIC
    assert client.item_state(restricted.handle, home) is SourceState.DELETED
    assert client.item_state(deleted.handle, home) is SourceState.DELETED


def test_objects_are_found_by_handle_and_by_the_page_with_it(client, sample):
    item, home = shown(sample)[0], shown(sample)[0].collection

    assert client.find(ScopeKind.ITEM, item.handle).name == item.name
    assert client.resolve(f"/handle/{home.handle}") == Scope(ScopeKind.COLLECTION, home.handle, home.handle, home.name)
    assert client.resolve("/home") is None
    with pytest.raises(NotFoundError, match="only by handle"):
        client.find(ScopeKind.COLLECTION, home.uuid)
    with pytest.raises(NotFoundError, match="It is the collection"):
        client.find(ScopeKind.ITEM, home.handle)


@pytest.mark.parametrize("generation", [4, 5, 6, 7, 9, 10])
def test_files_are_downloaded_from_the_site(http, generation):
    with SampleRepository(generation, has_rest=False) as sample:
        client = oai_client(http, sample.url, generation=7 if generation >= 7 else 6)
        client._api.url = sample.url + sample.oai.path
        items, _failures = read(client)
        there = {one.handle: one for one in sample.data.items.values()}
        for item in items:
            for file, bitstream in zip(item.bitstreams, there[item.id].bitstreams, strict=True):
                if bitstream.is_open:
                    pieces: list[bytes] = []
                    client.download(file.id, pieces.append)
                    assert b"".join(pieces) == bitstream.content
                else:
                    assert client.is_open(file.id) is False
