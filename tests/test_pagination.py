"""Pages of long lists: each begins or ends at a row, not at a number of rows."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import insert, select

from connector import pagination
from connector.extensions import db, transaction
from connector.models.accounts import AuditEntry
from connector.models.catalogue import ItemSet
from connector.pagination import ListPage, Order, Place, page_of

BY_NAME = Order((ItemSet.name, ItemSet.id))
START = Place()
NEWEST_FIRST = Order((AuditEntry.at, AuditEntry.id), is_descending=True)


@pytest.fixture
def item_sets(app, monkeypatch):
    """Seven item sets, in pages of three; four of them have the same name."""
    monkeypatch.setattr(pagination, "SIZE", 3)
    with app.app_context():
        with transaction():
            db.session.execute(insert(ItemSet), [{"name": name} for name in "cbabbb"] + [{"name": "Zoë, “2”\n"}])
        yield select(ItemSet)


def ids(page):
    return [row.id for row in page.rows]


def all_pages(query, order, place=START, way="next"):
    """Return all pages from this place on, one way or the other."""
    pages = []
    while place is not None:
        pages.append(page_of(query, order, place))
        place = getattr(pages[-1], way)
    return pages


def test_pages_contain_each_row_once_in_order(item_sets):
    pages = all_pages(item_sets, BY_NAME)

    assert [ids(page) for page in pages] == [[7, 3, 2], [4, 5, 6], [1]]
    assert [(page.first, page.last, page.total) for page in pages] == [(1, 3, 7), (4, 6, 7), (7, 7, 7)]


def test_pages_from_the_end_contain_each_row_once(item_sets):
    pages = all_pages(item_sets, BY_NAME, ListPage.end, "previous")

    assert [ids(page) for page in pages] == [[5, 6, 1], [3, 2, 4], [7, 3, 2]]
    assert [(page.first, page.last) for page in pages] == [(5, 7), (2, 4), (1, 3)]


def test_added_and_deleted_rows_do_not_shift_other_rows(item_sets):
    first = page_of(item_sets, BY_NAME, START)
    with transaction():
        db.session.execute(db.delete(ItemSet).where(ItemSet.id == first.rows[-1].id))
        db.session.add(ItemSet(name="Aaa"))

    assert ids(page_of(item_sets, BY_NAME, first.next)) == [4, 5, 6]


def test_a_page_whose_rows_were_deleted_is_the_last(item_sets):
    second = all_pages(item_sets, BY_NAME)[1]
    with transaction():
        db.session.execute(db.delete(ItemSet).where(ItemSet.name == "c"))

    page = page_of(item_sets, BY_NAME, second.next)

    assert ids(page) == [4, 5, 6]
    assert page.next is None


@pytest.mark.parametrize(
    "key", ['"b"', '"b", 1, 2', "1, 2", '"b", null', '"b", 1e999', "{", "[" * 2_000, '"\\ud800", 1']
)
def test_an_impossible_position_leads_to_the_first_or_last_page(item_sets, key):
    page = page_of(item_sets, BY_NAME, Place(after=key))

    assert ids(page) in ([7, 3, 2], [5, 6, 1])


def test_an_empty_list_is_one_page(item_sets):
    for place in (START, ListPage.end, Place(after='"b",2'), Place(before='"b",2')):
        page = page_of(item_sets.where(ItemSet.name == "none"), BY_NAME, place)

        assert (ids(page), page.total, page.previous, page.next) == ([], 0, None, None)


def test_rows_with_equal_times_are_ordered_by_id(app, monkeypatch):
    monkeypatch.setattr(pagination, "SIZE", 2)
    entry = {"who": "", "what": "", "about": "", "address": "", "data": {}}
    times = [datetime(2026, 1, 1, 0, 0, 0, micros) for micros in (5, 5, 5, 7, 7)]
    with app.app_context():
        with transaction():
            db.session.execute(insert(AuditEntry), [entry | {"at": at} for at in times])
        pages = all_pages(select(AuditEntry), NEWEST_FIRST)

    assert [[row.at.microsecond for row in page.rows] for page in pages] == [[7, 7], [5, 5], [5]]
    assert len({row.id for page in pages for row in page.rows}) == 5


def test_row_numbers_are_left_out_in_lists_that_are_not_fully_counted(item_sets):
    pages = [page_of(item_sets, BY_NAME, place, counted=6) for place in (START, ListPage.end)]

    assert [(page.total_in_words, page.first, page.last) for page in pages] == [("more than 6", None, None)] * 2


def test_each_page_of_a_counted_list_has_a_number(item_sets):
    pages = [page_of(item_sets, BY_NAME, Place(number=number)) for number in (1, 2, 3)]

    assert [ids(page) for page in pages] == [[7, 3, 2], [4, 5, 6], [1]]
    assert [(page.number, page.first, page.last) for page in pages] == [(1, 1, 3), (2, 4, 6), (3, 7, 7)]
    assert [page.previous is None for page in pages] == [True, False, False]
    assert [page.next is None for page in pages] == [False, False, True]
    assert ids(page_of(item_sets, BY_NAME, pages[1].next)) == [1]


@pytest.mark.parametrize("number", [4, 2**31 - 1])
def test_a_page_number_after_the_last_leads_to_the_last_rows(item_sets, number):
    assert ids(page_of(item_sets, BY_NAME, Place(number=number))) == [5, 6, 1]


def test_a_page_number_reads_no_further_than_rows_are_counted(item_sets):
    page = page_of(item_sets, BY_NAME, Place(number=3), counted=5)

    assert ids(page) == [5, 6, 1]
    assert (page.number, page.numbers) == (None, [])


def test_pages_from_the_end_have_the_numbers_of_pages_from_the_start(item_sets):
    pages = all_pages(item_sets, BY_NAME, ListPage.end, "previous")

    assert [page.number for page in pages] == [3, 2, 1]


@pytest.mark.parametrize(
    ("first", "numbers"), [(1, [1, 2, 20]), (51, [1, 2, 3, 4, 20]), (226, [1, 9, 10, 11, 20]), (476, [1, 19, 20])]
)
def test_a_page_names_its_neighbours_and_both_ends(first, numbers):
    page = ListPage([], size=25, total=500, counted=500, first=first, previous=None, next=None)

    assert page.numbers == numbers
