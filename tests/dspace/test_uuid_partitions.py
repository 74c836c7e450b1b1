"""Partitions of a repository by uuid: every item is in exactly one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings, strategies as st

from connector.dspace.hal_query import items_in, orders_of
from connector.dspace.records import MOST_PARTS, Scope, ScopeKind, Subset
from connector.dspace.uuid_partitions import EVERY_UUID, part_of, prefixes, split

HOME = Scope(ScopeKind.COLLECTION, "598251e6-d326-4740-bad9-1d1776a4afb6")
PARTS = st.integers(1, MOST_PARTS)


@settings(deadline=None)
@given(st.uuids(), PARTS)
def test_each_uuid_belongs_to_exactly_one_part(uuid, of):
    holding = [number for number, part in enumerate(split(EVERY_UUID, of)) if str(uuid).startswith(part)]

    assert holding == [part_of(str(uuid), of)]


@pytest.mark.parametrize("of", [1, 7, 16, 17, 256, 257, MOST_PARTS])
def test_parts_have_at_most_twice_the_size_of_each_other(of):
    sizes = [len(part) for part in split(EVERY_UUID, of)]

    assert prefixes(of - 1, of) == split(EVERY_UUID, of)[-1]
    assert min(sizes) >= 1
    assert max(sizes) <= 2 * min(sizes)


@settings(deadline=None)
@given(st.integers(0, 10**9), PARTS)
def test_numeric_ids_are_partitioned_evenly(number, of):
    parts = [part_of(str(number + step), of) for step in range(of)]

    assert sorted(parts) == list(range(of))


def query_of(subset: Subset | None, **how) -> str | None:
    return dict(items_in(HOME, subset, **how, with_private=False)).get("query")


def test_subsets_are_written_as_solr_queries():
    since = datetime(2026, 11, 24, 9, 30, 15, 999, timezone(timedelta(hours=1)))
    changed = "SolrIndexer.lastIndexed:[2026-11-24T08:30:15Z TO *]"
    either = "(search.resourceid:0* OR search.resourceid:1* OR search.resourceid:2*)"

    assert query_of(None) is query_of(Subset()) is None
    assert query_of(Subset(since)) == changed
    assert query_of(Subset(part=(0, 7))) == either
    assert query_of(Subset(part=(15, 16))) == "search.resourceid:f*"
    assert query_of(Subset(since, (0, 7))) == f"{changed} AND {either}"
    assert query_of(Subset(since), order=orders_of((), EVERY_UUID)[-1]) == f"{changed} AND search.resourceid:f*"


@pytest.mark.parametrize("part", [(-1, 7), (7, 7), (0, 0), (0, MOST_PARTS + 1)])
def test_an_impossible_partition_is_refused(part):
    with pytest.raises(ValueError, match="there is no part"):
        Subset(part=part)


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Subset(datetime(2026, 11, 24))
    assert Subset(datetime(2026, 11, 24, tzinfo=UTC)).part is None
