"""The client for DSpace 4 to 6 with the sample repository, through real HTTP."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from connector.dspace.legacy import LegacyClient
from connector.dspace.records import Scope, ScopeKind, Server, SourceState
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.dspace.fake_legacy import REPOSITORY, Hurried, walked
from tests.sample import SampleRepository


@pytest.fixture(params=[4, 5, 6])
def generation(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def sample(generation: int) -> Iterator[SampleRepository]:
    with SampleRepository(generation=generation) as running:
        yield running


@pytest.fixture
def reader(sample: SampleRepository, generation: int, tmp_path: Path) -> Iterator[LegacyClient]:
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    http = HttpClient(
        HttpSettings("DSpaceConnector/test", rule), ConcurrencyLimit(tmp_path, "sample"), OutageWait(stop=Hurried())
    )
    server = Server(sample.url, f"{sample.url}/rest", generation, f"{generation}.x")
    yield LegacyClient(http, server, outage=OutageWait(60, Hurried()), width=lambda: 4)
    http.close()


def id_of(thing, generation: int) -> str:
    return thing.uuid if generation == 6 else str(thing.number)


def ids(things) -> set[str]:
    return {thing.uuid for thing in things}


def findable(sample: SampleRepository, generation: int) -> dict:
    """What a signed-out reader can find; 4 lists private items, and only by their collections."""
    return {
        id_of(item, generation): item
        for item in sample.data.items.values()
        if item.in_archive and not item.withdrawn and item.readable
        if (any(home.readable for home in item.collections) if generation == 4 else item.discoverable)
    }


def test_every_item_value_and_file_of_the_repository_arrives(reader, sample, generation):
    result = walked(reader, REPOSITORY)

    found = {item.id: item for page in result.pages for item in page.items}
    expected = findable(sample, generation)
    assert sorted(result.ids) == sorted(expected)
    for id, item in expected.items():
        told = sorted((value.field, value.value or "", value.language or "") for value in found[id].metadata)
        kept = [(v.field, v.value or "", "" if generation == 4 else v.language or "") for v in item.metadata]
        assert told == sorted(kept)
        files = [file for file in item.bitstreams if file.readable]
        assert [(file.name, file.size) for file in found[id].bitstreams] == [(f.name, len(f.content)) for f in files]
    assert result.failures == []
    assert result.total == len(result.ids) + sum(result.not_visible.values())


def test_a_community_is_all_the_collections_below_it(reader, sample, generation):
    top = next(one for one in sample.data.communities.values() if one.parent is None)
    below = [home for home in sample.data.collections.values() if top in sample.data.ancestors(home)]

    result = walked(reader, Scope(ScopeKind.COMMUNITY, id_of(top, generation)))

    inside = {id for id, item in findable(sample, generation).items() if ids(item.collections) & ids(below)}
    assert set(result.ids) == inside


def test_the_tree_is_read_completely(reader, sample, generation):
    communities = {one.id: one for one in reader.communities()}
    collections = {one.id: one for one in reader.collections()}

    expected = {
        id_of(one, generation): one.parent and id_of(one.parent, generation) for one in sample.data.communities.values()
    }
    assert {id: one.parent_id for id, one in communities.items()} == expected
    homes = [home for home in sample.data.collections.values() if home.readable]
    assert {id: one.parent_id for id, one in collections.items()} == {
        id_of(home, generation): id_of(home.parent, generation) for home in homes
    }


def test_an_unchanged_walk_asks_for_no_id_list_and_no_single_item(reader, sample, generation):
    not_visible = walked(reader, REPOSITORY).not_visible
    sample.reset()

    result = walked(reader, REPOSITORY, light=True, not_visible=not_visible)

    asked = [path for _, path in sample.requests]
    assert not [path for path in asked if "1000000" in path and "/items?" not in path]
    homes = [home for home in sample.data.collections.values() if home.readable]
    assert len(asked) <= 2 * len(homes) + 20
    assert set(result.ids) == set(findable(sample, generation))


def test_light_items_are_completed_singly_to_the_same_records(reader, sample):
    full = {item.id: item for page in walked(reader, REPOSITORY).pages for item in page.items}
    light = [replace(item, metadata=None, bitstreams=None) for item in full.values()]

    assert {item.id: item for item in reader.complete(light)} == full


def test_the_state_of_a_missing_item_is_read(reader, sample, generation):
    chosen = [item for item in sample.data.items.values() if item.is_found and item.collection.readable][:4]
    withdrawn, private, moved, deleted = chosen
    scope = Scope(ScopeKind.COLLECTION, id_of(moved.collection, generation))
    elsewhere = next(one for one in sample.data.collections.values() if one is not moved.collection and one.readable)
    sample.data.withdraw(withdrawn)
    sample.data.make_private(private)
    sample.data.move(moved, elsewhere)
    sample.data.delete(deleted)

    states = [reader.item_state(id_of(item, generation), scope) for item in chosen]

    listed_on_4 = SourceState.PRESENT if generation == 4 else SourceState.NOT_PUBLIC
    unknown_on_4 = SourceState.NOT_PUBLIC if generation == 4 else SourceState.DELETED
    assert states == [SourceState.NOT_PUBLIC, listed_on_4, SourceState.MOVED, unknown_on_4]


def test_a_file_is_downloaded_completely(reader, sample, generation):
    file = next(
        file for item in sample.data.items.values() for file in item.bitstreams if file.readable and file.content
    )
    pieces: list[bytes] = []

    download = reader.download(id_of(file, generation), pieces.append)

    assert b"".join(pieces) == file.content
    assert download.md5 == hashlib.md5(file.content).hexdigest()


def test_a_repository_that_responds_answers_a_ping(reader):
    reader.ping()


def test_whole_collections_can_be_read_only_and_no_count_is_a_proof(reader, sample):
    assert not reader.can_select
    assert reader.count(REPOSITORY) is None


def test_the_end_of_an_embargo_is_unknown_to_readers_without_access(reader, sample, generation):
    file = next(file for item in sample.data.items.values() for file in item.bitstreams)
    sample.data.embargo(file, until=date(2031, 5, 1))

    assert reader.available_from(id_of(file, generation)) is None
    assert sample.requests == []


def test_light_listings_contain_the_modification_times_of_items(reader, sample, generation):
    light = {
        item.id: item.last_modified for page in walked(reader, REPOSITORY, light=True).pages for item in page.items
    }
    full = {item.id: item.last_modified for page in walked(reader, REPOSITORY).pages for item in page.items}

    assert light == full
    assert all(light.values())


def test_an_item_of_an_import_over_oai_is_asked_for_by_its_handle(reader, sample, generation):
    here, withdrawn = list(sample.data.items.values())[:2]
    home = Scope(ScopeKind.COLLECTION, id_of(here.collection, generation))
    elsewhere = Scope(ScopeKind.COLLECTION, id_of(sample.data.named("Empty shelf"), generation))
    sample.data.withdraw(withdrawn)

    listed = SourceState.PRESENT if generation == 4 else SourceState.NOT_PUBLIC  # see `item_state`
    assert reader.item_state(here.handle, home, here.handle) is listed
    assert reader.item_state(here.handle, elsewhere, here.handle) is SourceState.MOVED
    assert reader.item_state(withdrawn.handle, home, withdrawn.handle) is SourceState.NOT_PUBLIC
    assert reader.item_state("123456789/99999", home, "123456789/99999") is SourceState.NOT_PUBLIC
