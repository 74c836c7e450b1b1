"""The page reader splits a page that fails, and waits while the repository fails."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from connector.dspace.adaptive_page_size import PAGE_BYTES, RowWeight
from connector.dspace.page_reader import PageReader, Rows
from connector.errors import BotChallengeError, OutageLimitError, TransientError

from .waiting import item, outage_wait

SIZES = (100, 20, 10, 5, 1)


class Listing:
    """Rows numbered from 0; those in `broken` fail every page that holds them, `down` fails everything.

    Pages of more than `most` rows fail.
    """

    def __init__(self, total: int, broken: set[int] = frozenset()):
        self.total, self.broken, self.down = total, broken, 0
        self.most = max(SIZES)
        self.asked: list[tuple[int, int]] = []

    def read(self, offset: int, size: int, tries: int) -> Rows:
        self.asked.append((offset, size))
        if self.down:
            self.down -= 1
            raise TransientError("the server is down")
        if size > self.most:
            raise TransientError("too much at once")
        rows = range(offset, min(offset + size, self.total))
        if self.broken.intersection(rows):
            raise TransientError("row broken")
        return Rows(tuple(item(row) for row in rows), self.total)


def read_all(listing: Listing, size: int, start: int = 0, width: int = 1, seconds: float = 1000):
    pages = PageReader(listing.read, SIZES, outage_wait(seconds)[0], lambda: width)
    return list(pages(start, lambda: listing.total, size))


def ids(rows: Rows) -> list[int]:
    return [int(found.id) for found in rows.items]


def test_pages_come_in_order_with_the_offset_after_each():
    read = read_all(Listing(45), 20, width=4)

    assert [offset for offset, _ in read] == [20, 40, 60]
    assert [number for _, rows in read for number in ids(rows)] == list(range(45))


def test_reading_from_an_odd_offset_takes_smaller_pages_until_a_large_one_fits():
    listing = Listing(300)

    read_all(listing, 100, start=85)

    assert listing.asked == [(85, 5), (90, 10), (100, 100), (200, 100)]


def test_a_listing_that_grows_is_read_to_its_new_end():
    listing = Listing(20)

    def read(offset: int, size: int, tries: int) -> Rows:
        rows = listing.read(offset, size, tries)
        listing.total = 40
        return rows

    pages = PageReader(read, SIZES, outage_wait()[0], lambda: 1)

    assert sum(len(rows.items) for _, rows in pages(0, lambda: listing.total, 20)) == 40


def test_a_failing_page_is_split_down_to_the_row_that_causes_the_failure():
    read = read_all(Listing(60, broken={27}), 20)

    (offset, rows) = read[1]
    assert offset == 40
    assert ids(rows) == [number for number in range(20, 40) if number != 27]
    assert [failure.reason for failure in rows.failures] == ["Row 28 of the list: row broken"]
    assert rows.total == 60


@pytest.mark.parametrize(("width", "in_vain"), [(1, 1), (4, 4)])
def test_pages_that_are_too_large_are_smaller_from_then_on(width, in_vain):
    listing = Listing(600)
    listing.most = 99

    read = read_all(listing, 100, width=width)

    assert [number for _, rows in read for number in ids(rows)] == list(range(600))
    assert Counter(size for _, size in listing.asked) == {100: in_vain, 20: 30}


def test_pages_grow_again_after_many_good_ones_and_each_time_later():
    listing = Listing(6000)
    listing.most = 99

    read_all(listing, 100)

    assert [offset for offset, size in listing.asked if size == 100] == [0, 900, 2600, 5900]


class Heavy(Listing):
    """Its rows take this many seconds each, by a clock that shows nothing else."""

    def __init__(self, total: int, seconds: float):
        super().__init__(total)
        self.now, self.seconds = 0.0, seconds

    def read(self, offset: int, size: int, tries: int) -> Rows:
        rows = super().read(offset, size, tries)
        self.now += self.seconds * len(rows.items)
        return rows

    def sizes_asked(self, size: int) -> list[int]:
        pages = PageReader(self.read, SIZES, outage_wait()[0], lambda: 1, clock=lambda: self.now)
        read = [number for _, rows in pages(0, lambda: self.total, size) for number in ids(rows)]
        assert read == list(range(self.total))
        return [size for _, size in self.asked]


def test_a_good_page_that_took_more_than_ten_seconds_makes_the_next_ones_smaller():
    assert Heavy(100, seconds=0.6).sizes_asked(20) == [20, *[10] * 8]


def test_a_good_page_that_took_ten_seconds_is_not_too_heavy():
    assert Heavy(100, seconds=0.5).sizes_asked(20) == [20] * 5


def test_a_single_row_is_never_too_heavy():
    assert Heavy(24, seconds=60).sizes_asked(10) == [10, 5, *[1] * 9]


def test_heavy_pages_grow_again_after_forty_light_ones():
    class HeavyAtFirst(Heavy):
        def read(self, offset: int, size: int, tries: int) -> Rows:
            self.seconds = 0.6 if offset == 0 else 0.1
            return super().read(offset, size, tries)

    assert HeavyAtFirst(500, seconds=0.6).sizes_asked(20) == [20, *[10] * 40, *[20] * 4]


def test_pages_of_heavy_rows_are_no_larger_than_four_mebibytes():
    class Large(Listing):
        def read(self, offset: int, size: int, tries: int) -> Rows:
            rows = super().read(offset, size, tries)
            heavy = sum(100 <= int(found.id) < 300 for found in rows.items)
            return replace(rows, size_bytes=heavy * 600_000 + 1_000 * len(rows.items))

    listing = Large(1_200)

    read = read_all(listing, 100)

    assert [number for _, rows in read for number in ids(rows)] == list(range(1_200))
    sizes = dict(listing.asked)
    assert {size for offset, size in sizes.items() if 200 <= offset < 300} == {5}
    assert (sizes[0], sizes[100], sizes[1_100]) == (100, 100, 100)


def test_heavy_rows_are_forgotten_page_by_page():
    weight = RowWeight()
    weight.note(PAGE_BYTES, rows=2)

    sizes = []
    for _ in range(8):
        weight.note(1_000, rows=100)
        sizes.append(int(weight.most_rows))

    assert sizes == [2, 3, 3, 4, 6, 7, 9, 11]


def test_single_rows_are_requested_however_heavy_they_are():
    class Huge(Listing):
        def read(self, offset: int, size: int, tries: int) -> Rows:
            return replace(super().read(offset, size, tries), size_bytes=size * 30_000_000)

    listing = Huge(12)

    read_all(listing, 5)

    assert [size for _, size in listing.asked] == [5, *[1] * 7]


def test_a_failing_row_does_not_make_other_pages_smaller():
    listing = Listing(600, broken={27})

    read_all(listing, 100)

    assert (500, 100) in listing.asked


def test_neighbouring_broken_rows_fail_alone_while_others_can_be_read():
    read = read_all(Listing(40, broken={21, 22, 23, 24}), 20)

    assert len(read[1][1].failures) == 4
    assert len(read[1][1].items) == 16


@pytest.mark.parametrize("failing", range(1, 60))
def test_a_page_waits_while_the_repository_fails_and_loses_no_row(failing):
    listing = Listing(60)
    pages = iter(PageReader(listing.read, SIZES, outage_wait()[0], lambda: 1)(0, lambda: 60, 20))
    next(pages)
    listing.down = failing

    _, rows = next(pages)

    assert sorted(ids(rows)) == list(range(20, 40))
    assert rows.failures == ()


def test_the_maximum_outage_ends_with_an_error_that_can_be_resumed_from():
    listing = Listing(60)
    listing.down = 10**6

    with pytest.raises(OutageLimitError, match="the server is down"):
        read_all(listing, 20, seconds=60)


def test_failures_before_any_answer_are_not_blamed_on_the_first_row():
    with pytest.raises(OutageLimitError):
        read_all(Listing(1, broken={0}), 1, seconds=60)


def test_a_control_request_shows_that_the_first_row_fails_and_not_the_repository():
    pages = PageReader(Listing(1, broken={0}).read, SIZES, outage_wait()[0], lambda: 1, control=lambda: "all is well")

    [(_, rows)] = pages(0, lambda: 1, 1)

    assert [failure.reason for failure in rows.failures] == ["Row 1 of the list: row broken"]


def test_a_list_that_returns_no_row_fails_as_a_whole_without_a_request_for_each_row():
    listing, (bound, _) = Listing(1000, broken=set(range(1000))), outage_wait(60)
    pages = PageReader(listing.read, SIZES, bound, lambda: 1, control=lambda: "all is well")

    with pytest.raises(OutageLimitError, match="row broken"):
        list(pages(0, lambda: 1000, 100))

    assert max(offset for offset, _ in listing.asked) < 30


def test_many_neighbouring_broken_rows_fail_alone_after_any_row_was_read():
    listing = Listing(100, broken=set(range(20, 80)))

    read = read_all(listing, 20)

    assert [number for _, rows in read for number in ids(rows)] == [*range(20), *range(80, 100)]
    assert sum(len(rows.failures) for _, rows in read) == 60


def test_a_page_that_could_be_read_again_ends_the_wait_though_the_next_is_broken():
    listing = Listing(2, broken={1})
    waiting, _ = outage_wait()
    pages = iter(PageReader(listing.read, SIZES, waiting, lambda: 1)(0, lambda: 2, 1))
    next(pages)
    listing.down = 5

    next(pages)

    assert waiting.attempt("page", lambda: waiting.wait_now) is None


def test_a_protection_against_robots_fails_the_walk_with_its_sentence_and_no_row():
    def read(offset: int, size: int, tries: int) -> Rows:
        if offset:
            raise BotChallengeError("A protection against robots answers.")
        return Listing(40).read(offset, size, tries)

    pages = iter(PageReader(read, SIZES, outage_wait(seconds=60)[0], lambda: 1)(0, lambda: 40, 20))
    next(pages)

    with pytest.raises(OutageLimitError, match="A protection against robots answers"):
        next(pages)
