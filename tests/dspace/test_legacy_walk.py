"""Walks over collections whose paging repeats and loses rows, as on real servers."""

from __future__ import annotations

import json
import threading
from collections import Counter
from itertools import count

import pytest
from hypothesis import given, settings, strategies as some

from connector.dspace import legacy_all_items_walk, legacy_api, legacy_recheck
from connector.dspace.records import Scope, ScopeKind, Subset
from connector.errors import (
    JobStoppedError,
    NotFoundError,
    OutageLimitError,
    RequestRejectedError,
    RequestTimeoutError,
    RestrictedError,
    UnreachableError,
)
from tests.dspace.fake_legacy import REPOSITORY, PagingDSpace, Row, client, walked
from tests.thoroughness import share

HOMES = (2, 7, 10)
generations = some.sampled_from((4, 5, 6))
seeds = some.integers(0, 10_000)


@some.composite
def rows(draw: some.DrawFn, most: int = 45) -> list[Row]:
    homes = some.sets(some.sampled_from(HOMES), max_size=2)
    drawn = draw(some.lists(some.tuples(homes, some.booleans()), max_size=most))
    return [Row(number, home, not_visible) for number, (home, not_visible) in enumerate(drawn, 1)]


def mixed(generation: int, rows: list[Row], seed: int) -> PagingDSpace:
    """A DSpace whose order changes: on 6, whose lists come in pages only, during the first requests of a walk."""
    dspace = PagingDSpace(generation, HOMES, rows, mixed=seed)
    dspace.mixed_for = 4 if generation == 6 else None
    return dspace


def collection(home: int) -> Scope:
    return Scope(ScopeKind.COLLECTION, str(home))


def plain(many: int, home: int = 2) -> list[Row]:
    return [Row(number, (home,)) for number in range(1, many + 1)]


@settings(deadline=None, max_examples=share(120, 3))
@given(generations, rows(), seeds, some.booleans(), some.sampled_from((1, 3, 10, None)))
def test_every_item_comes_once_and_the_hidden_are_counted(generation, rows, seed, light, limit):
    rows = [row for row in rows if row.homes or limit is None]  # the list of all items tells no count to compare with
    dspace = mixed(generation, rows, seed)

    result = walked(client(dspace, generation, limit=limit), REPOSITORY, light=light)

    assert sorted(result.ids, key=int) == dspace.shown()
    assert result.not_visible == dspace.not_visible()
    assert result.total == len(result.ids) + sum(result.not_visible.values())
    assert result.failures == []
    assert light or all(item.is_complete for page in result.pages for item in page.items)


@settings(deadline=None, max_examples=share(60, 3))
@given(generations, rows(), seeds, some.booleans(), some.sampled_from((3, 10, None)), some.booleans())
def test_a_walk_resumed_at_any_cursor_gives_exactly_the_rest(generation, rows, seed, light, limit, remembered):
    rows = [row for row in rows if row.homes or limit is None]
    dspace = mixed(generation, rows, seed)
    not_visible = dspace.not_visible() if remembered else {}
    whole = walked(client(dspace, generation, limit=limit), REPOSITORY, light=light, not_visible=not_visible)

    for index, page in enumerate(whole.pages[:-1], 1):
        before = [item.id for done in whole.pages[:index] for item in done.items]
        cursor = json.loads(json.dumps(page.cursor))
        reader = client(dspace, generation, limit=limit)
        rest = walked(reader, REPOSITORY, light=light, cursor=cursor, recorded=before, not_visible=not_visible)

        assert sorted(before + rest.ids, key=int) == dspace.shown()
        assert rest.total == len(before) + len(rest.ids) + sum(dspace.not_visible().values())
        told = {home: many for done in whole.pages[:index] for home, many in done.not_visible.items()}
        assert told | rest.not_visible == dspace.not_visible()


@settings(deadline=None, max_examples=60)
@given(generations, some.integers(1, 60), some.lists(some.integers(0, 60), max_size=6), some.booleans())
def test_items_that_are_added_during_the_walk_displace_no_item(generation, many, places, light):
    dspace = PagingDSpace(generation, HOMES, plain(many))
    at_first, new, turn = dspace.shown(), iter(places), count(1_000)

    def grow(dspace: PagingDSpace) -> None:
        if (place := next(new, None)) is not None:
            dspace.rows.insert(place, Row(next(turn), (2,)))

    dspace.before_answer = grow

    result = walked(client(dspace, generation, limit=10), collection(2), light=light)

    assert set(at_first) <= set(result.ids)
    assert len(result.ids) == len(set(result.ids))


@settings(deadline=None, max_examples=60)
@given(generations, some.integers(1, 60), some.lists(some.integers(0, 59), max_size=6), some.booleans())
def test_items_that_are_removed_during_the_walk_hide_no_other_item(generation, many, places, light):
    dspace = PagingDSpace(generation, HOMES, plain(many))
    gone = iter(places)

    def shrink(dspace: PagingDSpace) -> None:
        if (place := next(gone, None)) is not None and place < len(dspace.rows):
            del dspace.rows[place]

    dspace.before_answer = shrink

    result = walked(client(dspace, generation, limit=10), collection(2), light=light)

    assert set(dspace.shown()) <= set(result.ids)
    assert len(result.ids) == len(set(result.ids))


@settings(deadline=None, max_examples=40)
@given(generations, rows(most=30), seeds, some.sets(some.integers(1, 30), max_size=3))
def test_a_broken_item_fails_by_name_without_others(generation, rows, seed, broken):
    rows.append(Row(99, (2,)))
    dspace = mixed(generation, rows, seed)
    dspace.broken = broken

    result = walked(client(dspace, generation), REPOSITORY)

    failing = [id for id in dspace.shown() if int(id) in broken]
    assert sorted(result.ids, key=int) == [id for id in dspace.shown() if id not in failing]
    assert Counter(failure.id for failure in result.failures) == Counter(failing)
    assert all(failure.handle == f"1/{failure.id}" for failure in result.failures)
    assert result.not_visible == dspace.not_visible()


@pytest.mark.parametrize("generation", [5, 6])
def test_an_item_that_breaks_the_light_list_is_reported_once_by_its_row(generation):
    dspace = PagingDSpace(generation, HOMES, plain(30))
    dspace.broken = dspace.spoiling = {12}

    result = walked(client(dspace, generation), REPOSITORY)

    assert len(result.ids) == 29
    assert [(failure.id, failure.reason) for failure in result.failures] == [(None, "Row 12 of the list: status 500")]
    assert result.not_visible["2"] == 0


def test_an_id_list_that_cannot_be_had_is_read_in_pages():
    dspace = PagingDSpace(5, HOMES, [*plain(40), Row(50, (2,), not_visible=True)])

    def refuse(dspace: PagingDSpace) -> None:
        if "limit=1000000" in dspace.asked[-1]:
            raise RequestTimeoutError("no answer")

    dspace.before_answer = refuse

    result = walked(client(dspace, 5, limit=10), collection(2))

    assert len(result.ids) == 40
    assert result.not_visible == {"2": 1}
    assert len([path for path in dspace.asked if "limit=1000000" in path]) == 1


def test_an_unstable_list_leaves_the_difference_of_counts_unexplained():
    dspace = PagingDSpace(6, HOMES, [*plain(90), Row(99, (2,), not_visible=True)], mixed=1)

    result = walked(client(dspace, 6, limit=10), collection(2))

    assert result.not_visible == {}
    assert result.total == 91


@pytest.mark.parametrize("light", [True, False])
def test_no_list_of_6_is_asked_for_more_than_fifty_rows(light):
    rows = [Row(number, (2,) if number < 300 else (), not_visible=number % 7 == 0) for number in range(1, 400)]
    dspace = PagingDSpace(6, HOMES, rows)

    result = walked(client(dspace, 6), REPOSITORY, light=light)

    assert sorted(result.ids, key=int) == dspace.shown()
    assert result.not_visible == dspace.not_visible()
    assert max(int(path.split("limit=")[1].split()[0]) for path in dspace.asked if "limit=" in path) == 50


def test_the_list_of_all_items_is_read_again_where_rows_moved_between_its_pages():
    dspace = PagingDSpace(6, (), [Row(number, ()) for number in range(1, 120)])

    def move(dspace: PagingDSpace) -> None:
        if dspace.asked[-1] == "items limit=50 offset=50":
            dspace.rows = dspace.rows[-10:] + dspace.rows[:-10]

    dspace.before_answer = move

    result = walked(client(dspace, 6), REPOSITORY)

    assert sorted(result.ids, key=int) == dspace.shown()


def test_a_page_that_timed_out_is_never_asked_for_again_at_its_size():
    dspace = PagingDSpace(6, HOMES, plain(200))

    def hang(dspace: PagingDSpace) -> None:
        if "limit=50 offset=100" in dspace.asked[-1]:
            raise RequestTimeoutError("no answer")

    dspace.before_answer = hang

    result = walked(client(dspace, 6), collection(2))

    assert len(result.ids) == 200
    assert len([path for path in dspace.asked if "limit=50 offset=100" in path]) == 1
    assert [path for path in dspace.asked if "limit=25 offset=100" in path]


def test_hidden_items_that_are_remembered_save_the_id_list():
    dspace = PagingDSpace(6, HOMES, [Row(number, (2,), not_visible=number % 3 == 0) for number in range(1, 41)])

    result = walked(client(dspace, 6, limit=10), collection(2), not_visible={"2": 13})

    assert len(result.ids) == 27
    assert result.not_visible == {"2": 13}
    assert not [path for path in dspace.asked if "limit=1000000" in path]


def test_a_wrong_count_from_an_earlier_import_is_corrected():
    dspace = PagingDSpace(6, HOMES, [Row(number, (2,), not_visible=number % 3 == 0) for number in range(1, 41)])

    result = walked(client(dspace, 6, limit=10), collection(2), not_visible={"2": 20})

    assert len(result.ids) == 27
    assert result.not_visible == {"2": 13}


def test_a_list_that_fits_in_one_response_needs_no_id_list():
    dspace = PagingDSpace(6, HOMES, [Row(number, (2,), not_visible=number % 2 == 0) for number in range(1, 41)])

    result = walked(client(dspace, 6), collection(2))

    assert result.not_visible == {"2": 20}
    assert dspace.asked == [
        "collections/2",
        "collections/2/items expand=metadata,bitstreams limit=50 offset=0",
        "collections/2",
    ]


def test_pages_hold_no_more_than_a_hundred_items():
    dspace = PagingDSpace(4, HOMES, plain(1_150))

    result = walked(client(dspace, 4), collection(2), light=True)

    assert [len(page.items) for page in result.pages] == [*[100] * 10, 100, 50, 0]
    assert len([path for path in dspace.asked if "items" in path]) == 2


def sizes_asked(dspace: PagingDSpace, details: bool) -> Counter[int]:
    """How often each page size was asked for of a collection, with details or without."""
    asked = [path for path in dspace.asked if "/items" in path and ("expand" in path) == details]
    return Counter(int(path.split("limit=")[1].split()[0]) for path in asked)


@pytest.mark.parametrize("generation", [5, 6])
def test_a_light_walk_reads_details_if_they_take_no_longer(generation):
    dspace = PagingDSpace(generation, HOMES, plain(1_000))
    dspace.costs = lambda rows, details: 0.5 + rows * 0.01

    result = walked(client(dspace, generation), collection(2), light=True)

    complete = [item for page in result.pages for item in page.items if item.is_complete]
    assert len(complete) >= 700
    assert len(dspace.asked) <= 25


@pytest.mark.parametrize(("generation", "size"), [(5, 1_000), (6, 50)])
def test_a_light_walk_reads_light_pages_where_details_cost_clearly_more(generation, size):
    dspace = PagingDSpace(generation, HOMES, plain(4_000))
    dspace.costs = lambda rows, details: 0.5 + rows * (0.1 if details else 0.01)

    result = walked(client(dspace, generation), collection(2), light=True)

    light = [item for page in result.pages for item in page.items if not item.is_complete]
    assert len(result.ids) == 4_000
    assert len(light) >= 3_500
    assert max(sizes_asked(dspace, details=False)) == size


@pytest.mark.parametrize(
    ("generation", "cost", "size"),
    [
        (5, lambda rows, details: 0.5 + rows * 0.01, 100),
        (5, lambda rows, details: rows**2 * 0.01, 50),
        (6, lambda rows, details: 0.5 + rows * 0.01, 50),
        (6, lambda rows, details: rows**2 * 0.01, 25),
    ],
)
def test_pages_with_details_have_the_cheapest_size(generation, cost, size):
    dspace = PagingDSpace(generation, HOMES, plain(2_000))
    dspace.costs = cost

    result = walked(client(dspace, generation), collection(2))

    assert len(result.ids) == 2_000
    assert sizes_asked(dspace, details=True).most_common(1)[0][0] == size


def test_a_hundred_items_take_two_requests_for_pages():
    dspace = PagingDSpace(6, HOMES, plain(100))

    walked(client(dspace, 6), collection(2))

    assert len([path for path in dspace.asked if "/items" in path]) == 2


def test_the_limit_is_kept_by_every_page():
    dspace = PagingDSpace(6, HOMES, plain(60))

    walked(client(dspace, 6, limit=20), REPOSITORY)

    assert {path.split("limit=")[1].split()[0] for path in dspace.asked if "limit=" in path} == {"20"}


def test_an_empty_collection_is_not_asked_for_its_items():
    dspace = PagingDSpace(6, HOMES, plain(3, home=7))

    walked(client(dspace, 6), REPOSITORY)

    assert [path for path in dspace.asked if path.startswith("collections/")] == [
        "collections/7/items expand=metadata,bitstreams limit=50 offset=0"
    ]


def test_items_know_their_collection_where_that_is_wanted():
    dspace = PagingDSpace(6, HOMES, [Row(1, (2,)), Row(2, (7,)), Row(3, ())])

    result = walked(client(dspace, 6), REPOSITORY, with_collection=True)

    homes = {item.id: item.collection and item.collection.handle for page in result.pages for item in page.items}
    assert homes == {"1": "1/c2", "2": "1/c7", "3": None}


def test_a_mapped_item_counts_once_in_the_total():
    dspace = PagingDSpace(6, HOMES, [Row(1, (2, 7)), Row(2, (7,)), Row(3, (2, 7, 10))])

    result = walked(client(dspace, 6), REPOSITORY)

    assert sorted(result.ids) == ["1", "2", "3"]
    assert [page.total for page in result.pages] == [6, 4, 3]


@pytest.mark.parametrize("error", [NotFoundError, RestrictedError])
def test_a_collection_that_becomes_restricted_is_reported_and_the_walk_continues(error):
    dspace = PagingDSpace(6, HOMES, [Row(1, (2,)), Row(2, (7,)), Row(3, (10,))])

    def refuse(dspace: PagingDSpace) -> None:
        if dspace.asked[-1].startswith("collections/7/"):
            raise error("not for you")

    dspace.before_answer = refuse

    result = walked(client(dspace, 6, limit=5), Scope(ScopeKind.REPOSITORY))

    assert result.ids == ["1", "3", "2"]
    (failure,) = result.failures
    assert (failure.id, failure.handle, failure.name) == (None, "1/c7", "Collection 7")


def test_a_collection_that_is_the_whole_scope_and_closes_ends_the_walk():
    dspace = PagingDSpace(6, HOMES, plain(20))

    def refuse(dspace: PagingDSpace) -> None:
        if "offset=10" in dspace.asked[-1]:
            raise RestrictedError("not for you")

    dspace.before_answer = refuse

    with pytest.raises(RestrictedError):
        walked(client(dspace, 6, limit=10), collection(2))


def test_a_cursor_continues_after_its_collection_was_deleted():
    everything = [Row(1, (2,)), Row(2, (7,)), Row(3, (7,)), Row(4, (10,))]
    whole = walked(client(PagingDSpace(6, HOMES, everything), 6), REPOSITORY)
    cursor = next(page.cursor for page in whole.pages if page.cursor["part"] == "7")
    left = PagingDSpace(6, (2, 10), [Row(1, (2,)), Row(4, (10,))])

    rest = walked(client(left, 6), REPOSITORY, cursor=cursor, recorded=["1", "2", "3"])

    assert rest.ids == ["4"]
    assert rest.total == 4


@pytest.mark.parametrize("limit", [None, 10])
def test_a_walk_ends_on_a_server_that_ignores_offsets(limit):
    dspace = PagingDSpace(5, HOMES, plain(25))
    dspace.knows_offset = False

    result = walked(client(dspace, 5, limit=limit), REPOSITORY)

    assert sorted(result.ids, key=int) == dspace.shown()


def test_the_list_of_all_items_continues_after_empty_pages():
    rows = [*plain(20), *(Row(number, (), not_visible=True) for number in range(21, 41)), Row(41, ())]
    dspace = PagingDSpace(6, HOMES, rows)

    result = walked(client(dspace, 6, limit=10), REPOSITORY)

    assert "41" in result.ids
    assert result.total == 21


def test_a_repository_that_recovers_is_read_to_its_end():
    dspace, down = PagingDSpace(6, HOMES, plain(120)), iter(range(40))

    def fail(dspace: PagingDSpace) -> None:
        if len(dspace.asked) > 4 and next(down, None) is not None:
            raise UnreachableError("refused")

    dspace.before_answer = fail

    result = walked(client(dspace, 6, limit=20), collection(2))

    assert sorted(result.ids, key=int) == dspace.shown()
    assert result.failures == []


def test_a_permanent_outage_ends_the_walk_without_failed_items():
    dspace, pages = PagingDSpace(4, HOMES, plain(120)), []

    def fail(dspace: PagingDSpace) -> None:
        if len(dspace.asked) > 60:
            raise UnreachableError("refused")

    dspace.before_answer = fail

    with pytest.raises(OutageLimitError):
        pages.extend(client(dspace, 4, limit=20).walk(collection(2), seen=lambda ids: set()))
    assert [page.failures for page in pages if page.failures] == []


@pytest.mark.parametrize("generation", [4, 6])
def test_a_stop_ends_the_walk_without_failed_items(generation):
    dspace = PagingDSpace(generation, HOMES, plain(60))

    def stop(dspace: PagingDSpace) -> None:
        if len(dspace.asked) > 3:
            raise JobStoppedError("Stopped.")

    dspace.before_answer = stop

    with pytest.raises(JobStoppedError):
        walked(client(dspace, generation, limit=10), collection(2))


def test_recorded_ids_are_read_only_in_the_thread_of_the_caller():
    threads = set()

    def seen(ids):
        threads.add(threading.current_thread())
        return set()

    list(client(PagingDSpace(4, HOMES, plain(60)), 4, limit=10).walk(collection(2), seen=seen))

    assert threads == {threading.current_thread()}


class Counting(PagingDSpace):
    """A repository whose collections count this many items; `in_lists`: as their lists tell it, where they do (4)."""

    count, in_lists = 10**12, 10**12

    def _collection(self, home):
        return super()._collection(home) | {"numberItems": self.count}

    def _answer(self, path, params, url):
        answer = super()._answer(path, params, url)
        if params.get("expand") == "items":
            answer["numberItems"] = self.in_lists
        return answer


@pytest.mark.parametrize("generation", [4, 5, 6])
@pytest.mark.parametrize("light", [False, True])
def test_a_count_that_is_far_too_high_is_neither_read_to_its_end_nor_explained(generation, light):
    dspace = Counting(generation, HOMES, plain(60))

    result = walked(client(dspace, generation), collection(2), light=light)

    assert sorted(result.ids, key=int) == dspace.shown()
    assert result.not_visible == {}
    assert result.total == 10**12
    assert sum(each.startswith(("collections/2", "items?")) for each in dspace.asked) < 60


@pytest.mark.parametrize("generation", [5, 6])
def test_all_collections_are_read_if_the_repository_counts_far_more_than_it_lists(generation):
    dspace = Counting(generation, HOMES, plain(60))

    result = walked(client(dspace, generation), REPOSITORY)

    assert sorted(result.ids, key=int) == dspace.shown()
    assert result.total >= 10**12
    assert len(dspace.asked) < 250


def test_an_empty_list_without_count_is_reported_if_the_collection_counts_items():
    dspace = Counting(4, HOMES, [])
    dspace.count, dspace.in_lists = 12, 0

    result = walked(client(dspace, 4), collection(2))

    assert [page.unlisted for page in result.pages if page.unlisted] == [{"2": 12}]


class Inventing(PagingDSpace):
    """A repository with new items on every page, for ever."""

    def _collection(self, home):
        return super()._collection(home) | {"numberItems": 20}

    def _page(self, rows, params, url):
        return super()._page(plain(params["offset"] + params["limit"]), params, url)


@pytest.mark.parametrize("generation", [4, 5, 6])
def test_a_listing_without_end_is_read_up_to_a_limit_and_reported(generation):
    dspace = Inventing(generation, HOMES, [])

    result = walked(client(dspace, generation), collection(2), light=True)

    [failure] = result.failures
    assert "It may have no end" in failure.reason
    assert len(set(result.ids)) == len(result.ids) < 2_500


class InventingOutside(PagingDSpace):
    """A repository whose list of all items, or of collections, has new ones on every page, for ever."""

    def _answer(self, path, params, url):
        if path == ["collections"] and self._collections:
            return [self._collection(params["offset"] + number) for number in range(params["limit"])]
        return super()._answer(path, params, url)

    def _page(self, rows, params, url):
        return super()._page(plain(params["offset"] + params["limit"]), params, url)


@pytest.mark.parametrize("generation", [5, 6])
def test_a_list_of_all_items_without_end_is_read_up_to_a_limit_and_reported(generation, monkeypatch):
    monkeypatch.setattr(legacy_all_items_walk, "MOST_UNCOUNTED", 5_000)
    monkeypatch.setattr(legacy_all_items_walk, "MOST_IN_ONE_PIECE", -1)

    result = walked(client(InventingOutside(generation, (), []), generation), REPOSITORY, light=True)

    [failure] = result.failures
    assert "It may have no end" in failure.reason
    assert 5_000 < len(result.ids) < 10_000


@pytest.mark.parametrize("generation", [4, 5, 6])
def test_a_list_of_collections_without_end_is_read_to_a_bound_and_refused(generation, monkeypatch):
    monkeypatch.setattr(legacy_api, "MOST_UNCOUNTED", 5_000)
    dspace = InventingOutside(generation, HOMES, [])

    with pytest.raises(RequestRejectedError, match="It may have no end"):
        walked(client(dspace, generation), REPOSITORY)
    assert len(dspace.asked) < 150


@pytest.mark.parametrize("generation", [4, 5, 6])
@pytest.mark.parametrize("scope", [collection(2), REPOSITORY])
def test_a_part_that_counts_far_more_than_it_contains_is_not_read_to_its_count(generation, scope):
    dspace = Counting(generation, (2,), plain(60))

    result = walked(client(dspace, generation), scope, subset=Subset(part=(0, 2)))

    assert 0 < len(result.ids) < 60
    assert len(dspace.asked) < 150


@pytest.mark.parametrize("generation", [5, 6])
def test_a_part_of_a_list_of_all_items_without_end_is_read_to_a_bound(generation, monkeypatch):
    monkeypatch.setattr(legacy_recheck, "MOST_UNCOUNTED", 2_000)

    result = walked(client(InventingOutside(generation, (), []), generation), REPOSITORY, subset=Subset(part=(0, 2)))

    assert "It may have no end" in result.failures[-1].reason
    assert len(set(result.ids)) < 2_000
