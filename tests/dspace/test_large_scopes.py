"""Large scopes of DSpace 7 to 10: read in parts, with shallow pages, and complete."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from connector.dspace.hal import HalClient
from connector.dspace.records import Item, Page, Subset
from connector.errors import RequestRejectedError, RestrictedError

from .fake_hal import SCOPE, FakeHal, client_of, item_id, nothing_seen, synthetic

SEARCH = "discover/search/objects"
LARGEST_LIST = 60  # items, in these tests
LIMIT = 5  # items a page


def numbered(total: int, files: int = 0) -> FakeHal:
    return FakeHal(synthetic(number, files) for number in range(total))


def all_ids(total: int) -> set[str]:
    return {item_id(number) for number in range(total)}


def client(fake: FakeHal, **how) -> HalClient:
    return client_of(fake, **{"largest_list": LARGEST_LIST, "limit": LIMIT} | how)


def items_of(pages: list[Page]) -> list[Item]:
    return [item for page in pages for item in page.items]


def walk(fake: FakeHal, **how) -> list[Page]:
    return list(client(fake).walk(SCOPE, **{"seen": nothing_seen} | how))


def offsets(fake: FakeHal) -> list[int]:
    """The first rows of the pages that were read, without those of counts."""
    return [int(asked["page"][0]) * int(asked["size"][0]) for asked in fake.asked_of(SEARCH) if "page" in asked]


@pytest.mark.parametrize("light", [False, True])
def test_a_large_scope_is_read_in_parts_with_shallow_pages(light):
    fake = numbered(400, files=1)

    pages = walk(fake, light=light)

    found = items_of(pages)
    assert len(found) == 400
    assert {item.id for item in found} == all_ids(400)
    assert max(offsets(fake)) < LARGEST_LIST
    assert {page.total for page in pages} == {400}
    assert len(fake.requests) < 400 / LIMIT * 1.5 + 20 + (0 if light else 100)


def test_a_scope_of_the_largest_size_is_read_as_one_list():
    fake = numbered(LARGEST_LIST)

    assert len(items_of(walk(fake))) == LARGEST_LIST
    assert not any("query" in asked for asked in fake.asked_of(SEARCH))


def test_a_large_subset_is_divided_into_parts_of_its_own():
    fake, half = numbered(400), Subset(part=(1, 2))

    pages = walk(fake, subset=half)

    assert {item.id for item in items_of(pages)} == {id for id in all_ids(400) if id[0] in "89abcdef"}
    assert pages[-1].cursor["of"] == 3 * pages[0].total // LARGEST_LIST
    assert max(offsets(fake)) < LARGEST_LIST


@pytest.mark.parametrize("light", [False, True])
def test_items_that_a_part_loses_are_found(light):
    fake = numbered(400)
    lost = {item_id(number) for number in range(0, 400, 50)}

    def order(rows, asked):
        other = next((row for row in rows if row["uuid"] not in lost), None)
        return [other if row["uuid"] in lost and "sort" in asked else row for row in rows]

    fake.order = order

    found = [item.id for item in items_of(walk(fake, light=light))]

    assert sorted(found) == sorted(all_ids(400))


def test_an_item_that_comes_does_not_hide_that_another_is_missing():
    fake = numbered(50)
    lost = max(all_ids(50))

    def order(rows, asked):
        return [rows[0] if row["uuid"] == lost and "sort" in asked else row for row in rows]

    def trouble(path, asked):
        if "query" in asked and "sort" not in asked and len(fake.items) == 50 and "page" in asked:
            fake.items.append(synthetic(50) | {"uuid": "00000000-0000-4000-8000-000000000000"})

    fake.order, fake.trouble = order, trouble

    assert all_ids(50) <= {item.id for item in items_of(walk(fake, light=True))}


@pytest.mark.parametrize("light", [False, True])
def test_a_divided_walk_resumed_at_any_page_gives_exactly_the_rest(light):
    fake = numbered(150, files=1)
    pages = walk(fake, light=light)

    for done in range(1, len(pages) + 1, 3):
        before = {item.id for item in items_of(pages[:done])}
        text = json.dumps(pages[done - 1].cursor)
        again = walk(fake, light=light, cursor=json.loads(text), seen=before.intersection)
        rest = {item.id for item in items_of(again)}
        assert not before & rest
        assert before | rest == all_ids(150)
        assert len(text) < 200


def test_a_cursor_from_before_scopes_were_divided_is_continued_without_loss():
    fake = numbered(150)
    pages = list(client(fake, largest_list=10_000).walk(SCOPE, light=True, seen=nothing_seen))

    for done in range(1, len(pages), 4):
        before = {item.id for item in items_of(pages[:done])}
        cursor = {name: value for name, value in pages[done - 1].cursor.items() if name != "part"}
        rest = [item.id for item in items_of(walk(fake, light=True, cursor=cursor, seen=before.intersection))]
        assert sorted([*before, *rest]) == sorted(all_ids(150))


def test_the_last_page_has_the_current_count():
    fake = numbered(150)
    pages = client(fake).walk(SCOPE, light=True, seen=nothing_seen)
    first = next(pages)
    fake.items = [*fake.items, synthetic(150)]

    assert [first.total, [page.total for page in pages][-1]] == [150, 151]


# Sites that do not answer for parts


def refusing(path: str, asked: dict[str, list[str]]) -> None:
    if "query" in asked:
        raise RequestRejectedError("422")


def forbidding(path: str, asked: dict[str, list[str]]) -> None:
    if "query" in asked:
        raise RestrictedError("403")


def test_a_site_that_refuses_queries_is_read_as_one_list():
    fake = numbered(150)
    fake.trouble = refusing

    assert sorted(item.id for item in items_of(walk(fake))) == sorted(all_ids(150))


def test_a_site_that_ignores_queries_is_read_as_one_list():
    class Ignoring(FakeHal):
        def _search(self, asked, url):
            return super()._search({name: value for name, value in asked.items() if name != "query"}, url)

    fake = Ignoring(synthetic(number) for number in range(150))

    assert sorted(item.id for item in items_of(walk(fake))) == sorted(all_ids(150))
    assert len(fake.requests) < 150 / LIMIT + 10


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_site_that_begins_to_refuse_queries_is_read_as_one_list(is_resumed):
    fake, recorded = numbered(150), set()
    pages = client(fake).walk(SCOPE, light=True, seen=recorded.intersection)
    for page in pages:
        recorded |= {item.id for item in page.items}
        if page.cursor["part"] == 2:
            break
    assert 0 < len(recorded) < 150
    fake.trouble = refusing
    if is_resumed:
        fake.trouble = forbidding
        pages = client(fake).walk(SCOPE, light=True, cursor=page.cursor, seen=recorded.intersection)

    for page in pages:
        assert not recorded & {item.id for item in page.items}
        recorded |= {item.id for item in page.items}

    assert recorded == all_ids(150)


def test_uuids_that_are_all_alike_are_read_as_one_list():
    fake = FakeHal(synthetic(number) | {"uuid": f"00000000-0000-4000-8000-{number:012}"} for number in range(150))

    assert len({item.id for item in items_of(walk(fake, light=True))}) == 150
    assert len(fake.requests) < 150 / LIMIT + 10


# While the source changes


class Changing(FakeHal):
    """Before each search an item may come or go, or those of equal keys change places."""

    def __init__(self, total: int, events: list[tuple[str, int]]):
        super().__init__(synthetic(number) for number in range(total))
        self.events, self.total = list(events), total
        self.trouble = self.happen

    def happen(self, path, asked):
        if path != SEARCH or not self.events:
            return
        event, number = self.events.pop(0)
        if event == "comes":
            self.items.append(synthetic(self.total))
            self.total += 1
        elif event == "goes" and self.items:
            self.items.pop(number % len(self.items))
        elif event == "turns" and self.items:
            turn = number % len(self.items)
            self.items = self.items[turn:] + self.items[:turn]


EVENTS = st.sampled_from(["comes", "goes", "turns", "nothing", "nothing"])
HAPPENING = st.lists(st.tuples(EVENTS, st.integers(0, 200)), max_size=40)


@given(total=st.integers(50, 130), happening=HAPPENING, stops=st.lists(st.integers(1, 12), max_size=4))
@settings(max_examples=40, deadline=None)
def test_each_item_that_stays_is_found_once_however_often_the_walk_is_resumed(total, happening, stops):
    fake, recorded, cursor = Changing(total, happening), set(), None

    for stop in [*stops, 10_000]:
        reader = client(fake)
        reader._width = lambda: 1
        pages = reader.walk(SCOPE, light=True, cursor=cursor, seen=recorded.intersection)
        for _, page in zip(range(stop), pages, strict=False):
            ids = [item.id for item in page.items]
            assert len(ids) == len(set(ids))
            assert not recorded.intersection(ids)
            recorded.update(ids)
            cursor = json.loads(json.dumps(page.cursor))

    assert {item["uuid"] for item in fake.items} & all_ids(total) <= recorded
