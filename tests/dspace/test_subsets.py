"""Reading a part or the changes of DSpace 7 to 10, with the sample repository through real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connector.dspace.hal import HalClient
from connector.dspace.records import Item, Page, Scope, ScopeKind, Subset
from connector.errors import NotFoundError, RequestRejectedError
from tests.sample import SampleRepository, grow

from .fake_hal import nothing_seen

REPOSITORY = Scope(ScopeKind.REPOSITORY)
LATER = datetime(2031, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def changed_in_2031(sample: SampleRepository) -> SampleRepository:
    """The sample, where all that changes from now on changes in 2031."""
    sample.data.clock = lambda: LATER
    return sample


def items_of(pages: Iterator[Page]) -> list[Item]:
    return [item for page in pages for item in page.items]


def changed(reader: HalClient, scope: Scope = REPOSITORY) -> set[str]:
    return {item.id for item in items_of(reader.walk(scope, seen=nothing_seen, subset=Subset(LATER - MINUTE)))}


# -- parts


@pytest.mark.parametrize("of", [1, 7, 16, 30])
def test_all_partitions_together_list_each_item_once(reader, sample, of):
    grow(sample.data, items=60)
    everything = {item.uuid for item in sample.data.items.values() if item.is_found}
    parts = [Subset(part=(number, of)) for number in range(of)]

    walked = [items_of(reader.walk(REPOSITORY, seen=nothing_seen, subset=part)) for part in parts]

    assert sorted(item.id for items in walked for item in items) == sorted(everything)
    assert [reader.count(REPOSITORY, part) for part in parts] == [len(items) for items in walked]
    assert reader.count(REPOSITORY) == len(everything)


def test_a_part_of_a_collection_is_read_with_its_files(reader, sample):
    home = grow(sample.data, items=120, files=2)
    scope = Scope(ScopeKind.COLLECTION, home.uuid)

    pages = list(reader.walk(scope, seen=nothing_seen, subset=Subset(part=(2, 7))))

    assert {item.id for item in items_of(pages)} == {
        item.uuid for item in sample.data.items.values() if home in item.collections and item.uuid[0] in "56"
    }
    assert all(len(item.bitstreams) == 2 for item in items_of(pages))
    assert {page.total for page in pages} == {reader.count(scope, Subset(part=(2, 7)))}


def test_a_walk_of_a_part_continues_at_its_cursor(reader, sample):
    home = grow(sample.data, items=300)
    scope, half = Scope(ScopeKind.COLLECTION, home.uuid), Subset(part=(1, 2))
    whole = {item.id for item in items_of(reader.walk(scope, seen=nothing_seen, subset=half))}
    first = next(reader.walk(scope, seen=nothing_seen, subset=half))
    recorded = {item.id for item in first.items}

    rest = reader.walk(scope, cursor=first.cursor, seen=recorded.intersection, subset=half)

    assert sorted([*recorded, *(item.id for item in items_of(rest))]) == sorted(whole)
    assert recorded
    assert len(whole) < 300


# -- what changed


CHANGES: list[tuple[str, Callable]] = [
    ("edited", lambda data, item: data.edit(item, "dc.title", ["New"])),
    ("mapped", lambda data, item: data.map_to(item, data.named("Empty shelf"))),
    ("embargoed", lambda data, item: data.embargo(item.bitstreams[0])),
    ("without a file", lambda data, item: data.remove_file(item, item.bitstreams[0])),
    ("with a new file", lambda data, item: data.add_file(item, "more.txt", b"more")),
    ("moved", lambda data, item: data.move(item, data.named("Empty shelf"))),
]


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_changed_items_are_found_after_every_kind_of_change(reader, changed_in_2031, change):
    item = changed_in_2031.data.named("Thirty-five files")
    since = Subset(LATER - MINUTE)
    assert reader.count(REPOSITORY, since) == 0

    change(changed_in_2031.data, item)

    assert reader.count(REPOSITORY, since) == 1
    assert changed(reader) == {item.uuid}


def test_changed_items_are_searched_within_the_scope(reader, changed_in_2031):
    inside, outside = [item for item in changed_in_2031.data.items.values() if item.is_found and item.bitstreams][:2]
    changed_in_2031.data.move(inside, changed_in_2031.data.named("Empty shelf"))
    changed_in_2031.data.edit(outside, "dc.title", ["New"])

    shelf = Scope(ScopeKind.COLLECTION, changed_in_2031.data.named("Empty shelf").uuid)

    assert changed(reader, shelf) == {inside.uuid}
    assert changed(reader) == {inside.uuid, outside.uuid}


def test_two_requests_after_the_lookup_prove_that_a_scope_is_unchanged(reader, changed_in_2031):
    scope = Scope(ScopeKind.COLLECTION, changed_in_2031.data.named("Special files").uuid)
    held = sum(item.is_found for item in in_scope(changed_in_2031, scope))

    counts = reader.count(scope), reader.count(scope, Subset(LATER))

    assert counts == (held, 0)
    assert len(changed_in_2031.requests) == 1 + 2


def in_scope(sample: SampleRepository, scope: Scope) -> list:
    home = sample.data.collections[scope.id]
    return [item for item in sample.data.items.values() if home in item.collections]


@pytest.mark.parametrize("status", [400, 422])
def test_a_site_that_refuses_the_query_gives_no_count_and_no_items(reader, sample, status):
    sample.faults.add("lastIndexed", times=None, status=status)

    assert reader.count(REPOSITORY, Subset(LATER)) is None
    with pytest.raises(RequestRejectedError):
        changed(reader)
    assert reader.count(REPOSITORY, Subset(part=(0, 2))) is not None


def test_an_unknown_scope_is_not_counted_as_everything(reader):
    with pytest.raises(NotFoundError):
        reader.count(Scope(ScopeKind.COLLECTION, "00000000-0000-0000-0000-000000000001"))


def test_a_single_item_is_not_counted_but_read(reader, sample):
    item = sample.data.named("Thirty-five files")
    scope = Scope(ScopeKind.ITEM, item.uuid)

    assert reader.count(scope) is None
    assert [one.id for one in items_of(reader.walk(scope, seen=nothing_seen, subset=Subset(LATER)))] == [item.uuid]


def test_a_count_waits_while_the_server_fails(reader, sample):
    sample.faults.add("discover/search", times=6, status=503)

    assert reader.count(REPOSITORY) == sum(item.is_found for item in sample.data.items.values())


# -- while the source moves


def test_items_that_join_a_subset_during_the_walk_are_found_and_none_is_lost(reader, changed_in_2031):
    home = grow(changed_in_2031.data, items=120)
    scope = Scope(ScopeKind.COLLECTION, home.uuid)
    everything = in_scope(changed_in_2031, scope)
    for item in everything[40:]:
        changed_in_2031.data.edit(item, "dc.type", ["Text"])
    joining = iter(everything[:40])
    pages, met = reader.walk(scope, light=True, seen=nothing_seen, subset=Subset(LATER - MINUTE)), []

    for page in pages:
        met += [item.id for item in page.items]
        if len(joined := [item for item, _ in zip(joining, range(5), strict=False)]) == 5:
            for item in joined:
                changed_in_2031.data.edit(item, "dc.type", ["Text"])

    now_in_it = {item.uuid for item in everything if item.indexed_at >= LATER - MINUTE}
    assert len(met) == len(set(met)) > 80
    assert {item.uuid for item in everything[40:]} <= set(met) <= now_in_it
