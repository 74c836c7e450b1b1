"""Walks over a DSpace 7 to 10: complete, each item once, resumable at any page, and with the cheapest plan."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from connector.dspace.hal import HalClient
from connector.dspace.records import Item, Page, Scope, ScopeKind
from connector.errors import (
    BadResponseError,
    NotFoundError,
    OutageLimitError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
)
from connector.http import OutageWait

from .fake_hal import HOME, SCOPE, SERVER, FakeHal, client_of, item_id, nothing_seen, recorded, synthetic

REPOSITORY = Scope(ScopeKind.REPOSITORY)
SEARCH = "discover/search/objects"


def items_of(pages: list[Page]) -> list[Item]:
    return [item for page in pages for item in page.items]


def walk(fake: FakeHal, scope: Scope = SCOPE, *, seen=nothing_seen, limit=None, server=SERVER, **how) -> list[Page]:
    return list(client_of(fake, limit=limit, server=server, max_outage=3600).walk(scope, seen=seen, **how))


def numbered(total: int, files: int = 0) -> FakeHal:
    return FakeHal(synthetic(number, files) for number in range(total))


def all_ids(total: int) -> list[str]:
    return [item_id(number) for number in range(total)]


# What is asked for


def test_a_small_collection_is_read_in_pages_of_five_with_their_files():
    fake = numbered(33, files=2)

    pages = walk(fake)

    assert [item.id for item in items_of(pages)] == all_ids(33)
    assert all(item.is_complete and len(item.bitstreams) == 2 for item in items_of(pages))
    assert [page.total for page in pages] == [33] * 7
    searches = fake.asked_of(SEARCH)
    assert len(fake.requests) == 1 + 7
    assert searches[0] == {
        "dsoType": ["item"],
        "scope": [HOME],
        "sort": ["dc.date.accessioned,asc"],
        "page": ["0"],
        "size": ["5"],
        "embed": ["bundles/bitstreams/format"],
        "embed.size": ["bundles=100", "bundles/bitstreams=500"],
    }


def test_a_light_walk_brings_values_without_asking_for_files():
    fake = numbered(45, files=2)

    pages = walk(fake, light=True)

    assert all(item.metadata and item.bitstreams is None for item in items_of(pages))
    assert len(fake.asked_of(SEARCH)) == 3
    assert not any("embed" in asked for asked in fake.asked_of(SEARCH))


def test_the_walk_of_an_empty_collection_is_one_empty_page():
    [page] = walk(FakeHal([]))

    assert (page.items, page.failures, page.total) == ((), (), 0)


def test_an_unknown_scope_is_refused_although_the_search_would_return_all_items():
    fake = numbered(5)
    unknown = Scope(ScopeKind.COLLECTION, "00000000-0000-0000-0000-000000000001", None, "Gone")

    with pytest.raises(NotFoundError, match="There is no collection “Gone” at ") as raised:
        walk(fake, unknown)
    assert fake.asked_of(SEARCH) == []
    assert unknown.id not in str(raised.value)
    assert unknown.id in raised.value.url


def test_a_restricted_scope_is_refused_with_a_sentence():
    fake = numbered(5)
    fake.extra[f"core/collections/{HOME}"] = RestrictedError("401")

    with pytest.raises(RestrictedError, match="is not open to the public"):
        walk(fake)


@pytest.mark.parametrize(("status", "signed_in", "names_firewall"), [(401, False, 0), (403, False, 1), (403, True, 0)])
def test_a_refusal_with_403_names_a_firewall_too(status, signed_in, names_firewall):
    fake = numbered(5)
    fake.extra[f"core/collections/{HOME}"] = RestrictedError("No.", status=status, signed_in=signed_in)

    with pytest.raises(RestrictedError, match="It is not open to") as raised:
        walk(fake)

    assert str(raised.value).count("A firewall may also block this app.") == names_firewall


def test_a_whole_repository_is_walked_without_a_scope():
    fake = numbered(5)

    assert len(items_of(walk(fake, REPOSITORY))) == 5
    assert "scope" not in fake.asked_of(SEARCH)[0]


def test_a_sort_the_site_does_not_have_is_left_out():
    fake = FakeHal((synthetic(number) for number in range(13)), sorts=("score,desc",))

    assert len(items_of(walk(fake))) == 13
    assert [asked.get("sort") for asked in fake.asked_of(SEARCH)] == [["dc.date.accessioned,asc"], None, None, None]


def test_a_lowered_maximum_page_size_loses_no_items():
    fake = FakeHal((synthetic(number) for number in range(250)), cap=7)

    assert [item.id for item in items_of(walk(fake, light=True))] == all_ids(250)
    assert [item.id for item in items_of(walk(fake))] == all_ids(250)


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("lost", [{7, 33, 150}, {0}, {19, 99}, {259}, {2, 3, 40, 41, 120, 200}])
def test_rows_without_objects_take_few_requests_more(lost, light):
    fake, whole = numbered(260), numbered(260)
    fake.lost = {item_id(number) for number in lost}

    pages = walk(fake, light=light)
    walk(whole, light=light)

    assert {item.id for item in items_of(pages)} == set(all_ids(260)) - fake.lost
    assert pages[-1].total == 260
    assert len(fake.asked_of(SEARCH)) <= len(whole.asked_of(SEARCH)) * 1.3 + 6


def test_a_lowered_page_size_is_not_mistaken_for_rows_without_objects():
    fake = FakeHal((synthetic(number) for number in range(250)), cap=7)
    fake.lost = {item_id(number) for number in (3, 40, 41, 249)}

    for light in (False, True):
        assert {item.id for item in items_of(walk(fake, light=light))} == set(all_ids(250)) - fake.lost


@pytest.mark.parametrize(("limit", "largest"), [(1, 1), (7, 5), (15, 10), (99, 20), (100, 100), (1000, 100)])
def test_the_limit_is_a_ceiling_for_every_page(limit, largest):
    fake = numbered(230)

    pages = walk(fake, light=True, limit=limit) + walk(fake, limit=limit)

    assert len(items_of(pages)) == 460
    assert max(int(asked["size"][0]) for asked in fake.asked_of(SEARCH)) == largest
    assert all(len(page.items) <= 100 for page in pages)


def test_items_name_their_owning_collection_on_request():
    owner = {"uuid": "c1", "name": "Maps", "handle": "123456789/9", "metadata": {}, "archivedItemsCount": -1}
    fake = FakeHal([synthetic(0)])
    fake.extra[SEARCH] = _search_page([synthetic(0) | {"_embedded": {"owningCollection": owner}}])

    [page] = walk(fake, REPOSITORY, light=True, with_collection=True)

    assert fake.asked_of(SEARCH)[0]["embed"] == ["owningCollection"]
    assert (page.items[0].collection.id, page.items[0].collection.name) == ("c1", "Maps")


def test_mapped_items_belong_to_the_collection_that_lists_them():
    [page] = walk(FakeHal(recorded("mapped")), with_collection=True)

    assert page.items[0].collection.name == "Theses"


def _search_page(items: list[dict], total: int | None = None) -> dict:
    rows = [{"_embedded": {"indexableObject": item}} for item in items]
    page = {"number": 0, "size": 20, "totalPages": 1, "totalElements": len(rows) if total is None else total}
    return {"_embedded": {"searchResult": {"_embedded": {"objects": rows}, "page": page}}}


# Files beyond the first page of a list


@pytest.mark.parametrize("generation", [7, 8, 9, 10])
def test_lists_of_files_are_followed_to_their_end(generation):
    server = replace(SERVER, generation=generation)
    fake = FakeHal([synthetic(0, files=45), synthetic(1, files=1)])

    items = items_of(walk(fake, server=server))

    assert [file.name for file in items[0].bitstreams] == [f"{number}.txt" for number in range(45)]
    assert {file.media_type for item in items for file in item.bitstreams} == {"text/plain"}


def test_all_languages_are_asked_for_on_10_and_only_there():
    tenth, ninth = numbered(3), numbered(3)

    walk(tenth, server=replace(SERVER, generation=10))
    walk(ninth)

    assert all(asked["projection"] == ["allLanguages"] for _, asked in tenth.requests)
    assert not any("embed.size" in asked for _, asked in tenth.requests)
    assert not any("projection" in asked for _, asked in ninth.requests)


def test_an_item_with_a_broken_list_of_files_is_completed_separately():
    fake = FakeHal([synthetic(0, files=1), synthetic(1, files=600)])
    broken = iter([True])

    def trouble(path, asked):
        if path.endswith("/bitstreams") and next(broken, False):
            raise ServerError("500")

    fake.trouble = trouble

    items = items_of(walk(fake))

    assert [len(item.bitstreams) for item in items] == [1, 600]


def test_a_list_of_files_that_breaks_off_and_is_empty_then_is_not_believed():
    fake = FakeHal([synthetic(0, files=1), synthetic(1, files=600)])
    empty = {"_embedded": {"bundles": []}, "page": {"number": 0, "size": 100, "totalPages": 0, "totalElements": 0}}
    fake.extra[f"core/items/{item_id(1)}/bundles"] = empty

    def trouble(path, asked):
        if path.endswith("/bitstreams"):
            raise ServerError("500")

    fake.trouble = trouble

    [page] = walk(fake)

    whole, doubted = page.items
    assert len(whole.bitstreams) == 1
    assert doubted.bitstreams is None
    assert "lists 0 files, and 500 were listed before." in doubted.files_error


def test_a_restricted_bundle_leaves_out_its_files_and_not_the_item():
    item = synthetic(0, files=2)
    bundle = item["_embedded"]["bundles"]["_embedded"]["bundles"][0]
    bundle["_embedded"] = {}
    fake = FakeHal([])
    fake.extra[SEARCH] = _search_page([item])
    fake.extra[f"core/bundles/{bundle['uuid']}/bitstreams"] = RestrictedError("401")

    [page] = walk(fake)

    assert page.items[0].bitstreams == ()


def test_an_item_with_refused_files_is_read_with_its_metadata():
    item = synthetic(0)
    item["_embedded"]["bundles"] = None
    fake = FakeHal([item])
    fake.extra[f"core/items/{item_id(0)}/bundles"] = RestrictedError("401")

    [page] = walk(fake)

    assert [(item.id, item.bitstreams, item.files_error) for item in page.items] == [(item_id(0), None, "401")]
    assert page.failures == ()


# Plans


def costs_of(plan: str):
    """A server on which one plan is the cheapest."""

    def costs(kind: str, answer: object) -> float:
        return 1.0 if kind in (plan, "json", "search") or (kind == "bundles" and plan == "items by 20") else 1000.0

    return costs


EMBEDDED = ["items with files by 5", "items with files by 10", "items with files by 20"]


@pytest.mark.parametrize("plan", ["items by 20", *EMBEDDED])
def test_the_plan_that_costs_the_server_least_reads_the_rest(plan):
    fake = numbered(400, files=1)
    cheap = EMBEDDED[: EMBEDDED.index(plan) + 1] if plan in EMBEDDED else [plan]
    fake.costs = costs_of(plan) if plan == "items by 20" else lambda kind, answer: 1.0 if kind in cheap else 1000.0

    pages = walk(fake)

    assert sorted(item.id for item in items_of(pages)) == sorted(all_ids(400))
    assert all(item.is_complete for item in items_of(pages))
    assert pages[-1].cursor["plan"] == plan


def test_items_without_files_are_not_read_with_a_request_each():
    fake = numbered(400)
    fake.costs = costs_of("items by 20")

    walk(fake)

    assert not fake.asked_of("/bundles")


@pytest.mark.parametrize(("total", "embedded"), [(60, 5), (100, 20)])
def test_a_short_list_is_tried_with_a_request_for_each_item(total, embedded):
    """In a very short list, the cost of the first page stands for that of its plan."""
    fake = numbered(total, files=4)
    fake.costs = costs_of("items by 20")
    client_of(fake).count(SCOPE)

    walk(fake)

    assert len(fake.asked_of("/bundles")) == total - embedded


def test_pages_with_files_come_one_by_one_after_a_trial_of_requests_for_each_item():
    fake = numbered(400, files=4)
    fake.costs = lambda kind, answer: {"search": 0.1, "json": 0.001, "bundles": 1000.0}.get(kind, 1.0)
    client = client_of(fake)
    client.count(SCOPE)
    walked = client.walk(SCOPE, seen=nothing_seen)

    read = 0
    while read < 100:
        read += len(next(walked).items)

    assert fake.asked_of("/bundles")
    assert len(fake.asked_of(SEARCH)) < 40


def test_small_pages_are_left_after_the_first_one_where_the_distance_takes_the_time():
    fake = numbered(400)
    fake.costs = lambda kind, answer: 1.0
    client = client_of(fake)
    client.count(SCOPE)

    list(client.walk(SCOPE, seen=nothing_seen))

    assert [asked["size"] for asked in fake.asked_of(SEARCH) if "embed" in asked].count(["5"]) == 2


def test_no_further_large_page_is_requested_after_one_that_shows_more_files():
    fake = FakeHal(synthetic(number, files=0 if number < 200 else 5) for number in range(400))
    fake.costs = lambda kind, answer: 1.0
    client = HalClient(fake, SERVER, outage=OutageWait(), width=lambda: 1)
    client.count(SCOPE)

    list(client.walk(SCOPE, seen=nothing_seen))

    asked = [(int(asked["page"][0]), int(asked["size"][0])) for asked in fake.asked_of(SEARCH) if "embed" in asked]
    assert [size for number, size in asked if 200 <= number * size < 240] == [20, 5, 5, 5, 5]


def test_plans_are_compared_again_where_items_have_more_files():
    fake = FakeHal(synthetic(number, files=0 if number < 200 else 5) for number in range(400))

    def costs(kind, answer):
        rows = answer.get("_embedded", {}).get("searchResult", {}).get("_embedded", {}).get("objects", [])
        files = 5 * sum(row["_embedded"]["indexableObject"]["name"] >= "Item 000200" for row in rows)
        return 1.0 + files**2 if "files" in kind else 1.0

    fake.costs = costs

    pages = walk(fake)

    assert len(items_of(pages)) == 400
    assert "items with files by 20" in [page.cursor["plan"] for page in pages]
    assert pages[-1].cursor["plan"] == "items by 20"
    assert len(fake.asked_of("/bundles")) > 50


def test_plans_are_not_compared_again_for_single_items_with_many_files():
    fake = FakeHal(synthetic(number, files=90 * (number % 100 == 99)) for number in range(500))
    fake.costs = lambda kind, answer: 1.0

    pages = walk(fake)

    assert len(items_of(pages)) == 500
    chosen = [page.cursor["plan"] for page in pages if page.cursor["plan"]]
    sizes = [int(asked["size"][0]) for asked in fake.asked_of(SEARCH)]
    assert len(set(chosen)) == 1
    assert sizes.count(10) == 1


def test_a_plan_with_failing_pages_is_not_chosen():
    fake = numbered(400, files=1)
    fake.costs = lambda kind, answer: 1.0

    def trouble(path, asked):
        if "embed" in asked and asked.get("size") == ["20"]:
            raise ServerError("status 500")

    fake.trouble = trouble

    pages = walk(fake)

    assert len(items_of(pages)) == 400
    assert pages[-1].cursor["plan"] == "items with files by 10"


def test_larger_embedded_pages_are_not_tried_where_embedding_lost():
    fake = numbered(400, files=1)
    fake.costs = costs_of("items by 20")
    client_of(fake).count(SCOPE)

    walk(fake)

    embedded = [asked for asked in fake.asked_of(SEARCH) if "embed" in asked]
    assert [asked["size"] for asked in embedded] == [["5"]] * 4
    assert len(fake.asked_of("/bundles")) == 400 - 20


@pytest.mark.parametrize(("seconds", "sizes"), [(0.1, {"5"}), (1.0, {"5", "10", "20"})])
def test_larger_pages_are_tried_only_while_a_page_takes_less_than_two_small_searches(seconds, sizes):
    fake = numbered(400)
    fake.costs = lambda kind, answer: 1.0 if "files" in kind else seconds
    client = client_of(fake)
    client.count(SCOPE)

    list(client.walk(SCOPE, seen=nothing_seen))

    assert {asked["size"][0] for asked in fake.asked_of(SEARCH) if "embed" in asked} == sizes


@pytest.mark.parametrize(("seconds", "is_tried"), [(0.5, False), (0.05, True)])
def test_requests_for_each_item_are_tried_only_if_an_item_takes_two_round_trips(seconds, is_tried):
    fake = numbered(400, files=4)
    fake.costs = lambda kind, answer: seconds if kind == "json" else 1.0

    walk(fake)

    assert bool(fake.asked_of("/bundles")) == is_tried


def test_a_first_read_takes_at_most_a_request_for_five_items_and_a_short_trial():
    fake = numbered(1000, files=1)
    fake.costs = lambda kind, answer: 1000.0 if kind in ("bundles", "items by 20") else 1.0

    walk(fake)

    assert len(fake.requests) <= 1000 / 5


def test_a_light_walk_measures_pages_of_a_hundred_against_pages_of_twenty():
    fake = numbered(400)
    fake.costs = lambda kind, answer: 1.0
    cheap_by_the_hundred = walk(fake, light=True)
    fake.costs = lambda kind, answer: 100.0 if kind == "items by 100" else 1.0
    cheap_by_twenty = walk(fake, light=True)

    assert cheap_by_the_hundred[-1].cursor["plan"] == "items by 100"
    assert cheap_by_twenty[-1].cursor["plan"] == "items by 20"


def test_a_resumed_walk_keeps_the_plan_that_was_chosen():
    fake = numbered(400, files=1)
    fake.costs = costs_of("items by 20")
    cursor = walk(fake)[-5].cursor
    fake.requests.clear()

    walk(fake, cursor=cursor)

    assert not any("embed" in asked for asked in fake.asked_of(SEARCH))


# Completeness


def shuffled_by(sort: str):
    """Rows of equal keys come in another order each time, as without a tie-breaker they may."""

    def order(rows, asked):
        if asked.get("sort") != [sort]:
            return rows
        page = int(asked["page"][0])
        return rows[page * 7 % max(1, len(rows)) :] + rows[: page * 7 % max(1, len(rows))]

    return order


@pytest.mark.parametrize("light", [False, True])
def test_items_that_an_unstable_order_loses_are_found_in_another_order(light):
    fake = numbered(60)
    fake.order = shuffled_by("dc.date.accessioned,asc")

    pages = walk(fake, light=light)

    assert sorted(item.id for item in items_of(pages)) == sorted(all_ids(60))
    assert all(light or item.is_complete for item in items_of(pages))
    assert not any("query" in asked for asked in fake.asked_of(SEARCH))


def test_items_that_no_order_lists_are_found_in_parts():
    fake = numbered(60)

    def order(rows, asked):
        return rows if "query" in asked else rows[:-1] + rows[:1]

    fake.order = order

    pages = walk(fake)

    assert sorted(item.id for item in items_of(pages)) == sorted(all_ids(60))


def test_a_count_that_is_too_high_is_kept_at_the_end_of_the_walk():
    fake = numbered(30)
    fake.order = lambda rows, asked: [row for row in rows if row["uuid"] != item_id(3)]

    pages = walk(fake)

    assert len(items_of(pages)) == 29
    assert pages[-1].total == 30


class Counting(FakeHal):
    """A repository whose search counts this many items, whatever it has."""

    def __init__(self, items, count: int):
        super().__init__(items)
        self.count = count

    def _search(self, asked, url):
        answer = super()._search(asked, url)
        answer["_embedded"]["searchResult"]["page"]["totalElements"] = self.count
        return answer


@pytest.mark.parametrize("light", [False, True])
def test_a_count_that_is_far_too_high_is_kept_after_a_few_requests(light):
    fake = Counting([synthetic(number) for number in range(30)], 10**12)

    pages = walk(fake, light=light)

    assert sorted(item.id for item in items_of(pages)) == sorted(all_ids(30))
    assert pages[-1].total == 10**12
    assert len(fake.requests) < 200


@pytest.mark.parametrize("total", [12, 45, 120, 200])
@pytest.mark.parametrize("count", [1, 10, 20, 40, 100])
def test_a_count_that_is_too_low_is_not_believed(total, count):
    pages = walk(Counting([synthetic(number) for number in range(total)], min(count, total)))

    assert [item.id for item in items_of(pages)] == all_ids(total)


class Inventing(Counting):
    """A repository with new items on every page, for ever."""

    def _search(self, asked, url):
        number, size = int(asked["page"][0]), int(asked["size"][0])
        self.items = [synthetic(row) for row in range(number * size + size)]
        return super()._search(asked, url)


def test_a_listing_without_end_is_read_up_to_a_limit_and_reported():
    pages = walk(Inventing([], 20), light=True)

    [failure] = [failure for page in pages for failure in page.failures]
    assert "The list counts 20 and has brought 1" in failure.reason
    assert len(items_of(pages)) < 1_200
    assert json.loads(json.dumps(pages[-1].cursor)).keys() == pages[0].cursor.keys()


def test_parts_the_search_cannot_make_are_left_out():
    fake = numbered(30)
    fake.order = lambda rows, asked: rows[:-1] + rows[:1]

    def trouble(path, asked):
        if "query" in asked:
            raise RequestRejectedError("422")

    fake.trouble = trouble

    assert len(items_of(walk(fake))) == 29


@pytest.mark.parametrize("light", [False, True])
def test_a_walk_resumed_at_any_page_gives_exactly_the_rest(light):
    fake = numbered(210, files=1)
    fake.order = shuffled_by("dc.date.accessioned,asc")
    pages = walk(fake, light=light)

    for done in range(1, len(pages) + 1, 3):
        before = {item.id for item in items_of(pages[:done])}
        cursor = json.loads(json.dumps(pages[done - 1].cursor))
        rest = walk(fake, light=light, cursor=cursor, seen=lambda ids, before=before: before.intersection(ids))
        assert not before & {item.id for item in items_of(rest)}
        assert before | {item.id for item in items_of(rest)} == set(all_ids(210))
        assert len(json.dumps(cursor)) < 200


def test_recorded_items_are_skipped_and_counted():
    fake = numbered(40)
    recorded_before = set(all_ids(15))

    pages = walk(fake, seen=lambda ids: recorded_before.intersection(ids))

    assert [item.id for item in items_of(pages)] == all_ids(40)[15:]
    assert {asked["sort"][0] for asked in fake.asked_of(SEARCH)} == {"dc.date.accessioned,asc"}


class MovingFake(FakeHal):
    """Before each search something may happen: an item comes, goes, or the equal ones change places."""

    def __init__(self, total: int, events: list[tuple[str, int]]):
        super().__init__(synthetic(number) for number in range(total))
        self.events, self.next_number = list(events), total
        self.gone: set[str] = set()
        self.trouble = self.happen

    def happen(self, path, asked):
        if path != SEARCH or not self.events:
            return
        event, number = self.events.pop(0)
        if event == "comes":
            self.items.append(synthetic(self.next_number))
            self.next_number += 1
        elif event == "goes" and self.items:
            self.gone.add(self.items.pop(number % len(self.items))["uuid"])
        elif event == "turns" and self.items:
            turn = number % len(self.items)
            self.items = self.items[turn:] + self.items[:turn]


events = st.lists(st.tuples(st.sampled_from(["comes", "goes", "turns", "nothing"]), st.integers(0, 200)), max_size=12)


@given(total=st.integers(0, 70), happening=events, light=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_changing_listing_yields_each_item_at_most_once_and_loses_no_item_that_stays(total, happening, light):
    fake = MovingFake(total, happening)
    client = client_of(fake)
    client._width = lambda: 1

    pages = list(client.walk(SCOPE, light=light, seen=nothing_seen))

    found = [item.id for item in items_of(pages)]
    stayed = {item["uuid"] for item in fake.items} & set(all_ids(total))
    if not {"comes", "goes"} <= {event for event, _ in happening}:
        assert stayed <= set(found)
    assert len(found) == len(set(found))
    assert not any(page.failures for page in pages)


# Trouble


def breaking(*numbers: int):
    """Pages that embed the files of one of these items fail, and so does its own list of files."""
    ids = {item_id(number) for number in numbers}

    def fails(fake: FakeHal):
        def trouble(path, asked):
            start = int(asked.get("page", ["0"])[0]) * int(asked.get("size", ["0"])[0])
            rows = fake.items[start : start + int(asked.get("size", ["0"])[0])]
            if path == SEARCH and "embed" in asked and ids & {row["uuid"] for row in rows}:
                raise ServerError("status 500")
            if any(id in path for id in ids):
                raise ServerError("status 500")

        return trouble

    return fails


def test_an_item_with_files_that_break_its_page_is_read_with_its_metadata():
    fake = numbered(60, files=1)
    fake.trouble = breaking(27)(fake)

    pages = walk(fake)

    items = items_of(pages)
    assert [(item.id, item.name) for item in items if item.files_error] == [(item_id(27), "Item 000027")]
    assert all(item.metadata for item in items)
    assert len(items) == 60
    assert {asked["sort"][0] for asked in fake.asked_of(SEARCH) if "sort" in asked} == {"dc.date.accessioned,asc"}


def test_a_broken_row_does_not_lose_its_neighbours():
    broken = synthetic(1) | {"metadata": None}
    fake = FakeHal([synthetic(0), broken, synthetic(2)])

    [page] = walk(fake)

    assert [item.id for item in page.items] == [item_id(0), item_id(2)]
    assert [failure.id for failure in page.failures] == [item_id(1)]
    assert "“metadata” is missing" in page.failures[0].reason


def test_a_row_without_its_object_is_a_failure_and_no_reason_to_list_everything_again():
    fake = FakeHal([synthetic(0)])
    answer = _search_page([synthetic(0)], total=2)
    answer["_embedded"]["searchResult"]["_embedded"]["objects"].append({"_embedded": {}})
    fake.extra[SEARCH] = answer

    [page] = walk(fake, light=True)

    assert len(page.items) == 1
    assert [failure.id for failure in page.failures] == [None]
    assert len(fake.asked_of(SEARCH)) == 1


@pytest.mark.parametrize("plan", ["items with files by 5", "items by 20"])
def test_a_repository_that_fails_for_a_while_loses_nothing(plan):
    fake = numbered(300, files=1)
    fake.costs = costs_of(plan)
    failing = iter(range(40))

    def trouble(path, asked):
        if len(fake.requests) > 120 and next(failing, None) is not None:
            raise ServerError("status 503")

    fake.trouble = trouble

    pages = walk(fake)

    assert sorted(item.id for item in items_of(pages)) == sorted(all_ids(300))
    assert not any(page.failures for page in pages)


def test_a_repository_that_fails_for_good_ends_the_walk_and_no_item_is_blamed():
    fake = numbered(300)

    def trouble(path, asked):
        if len(fake.requests) > 10:
            raise ServerError("status 503")

    fake.trouble = trouble
    pages = client_of(fake).walk(SCOPE, seen=nothing_seen)
    got: list[Page] = []

    with pytest.raises(OutageLimitError, match="status 503"):
        got.extend(pages)
    assert not any(page.failures for page in got)


def test_a_response_of_the_wrong_shape_is_retried_like_an_outage():
    fake = numbered(20)
    fake.extra[SEARCH] = BadResponseError("answered with a web page")

    with pytest.raises(OutageLimitError, match="web page"):
        walk(fake)


# One item


def test_a_single_item_is_a_page_of_its_own():
    fake = numbered(5, files=2)
    one = Scope(ScopeKind.ITEM, item_id(3), "123456789/3", "Item 000003")

    [page] = walk(fake, one)

    assert [item.id for item in page.items] == [item_id(3)]
    assert page.items[0].is_complete
    assert page.total == 1
    assert walk(fake, one, cursor=page.cursor) == []
    assert walk(fake, one, seen=set)[0].items == ()


def test_a_single_item_that_breaks_is_a_failure():
    fake = numbered(5)
    fake.trouble = breaking(3)(fake)

    [page] = walk(fake, Scope(ScopeKind.ITEM, item_id(3), "123456789/3", "Item 000003"))

    assert [failure.reason for failure in page.failures] == ["status 500"]
