"""Reading ahead, splitting what fails, and waiting while it is the repository that fails."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from connector.dspace.reading import Pages, Patience, Rows, ahead, singly
from connector.dspace.records import Failure, Item
from connector.errors import RepositoryDown, Stopped, Transient

SIZES = (100, 20, 10, 5, 1)


class Clock(threading.Event):
    """A stop event and a clock in one: waiting moves the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        self.now += timeout or 0
        return self.is_set()


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
            raise Transient("the server is down")
        if size > self.most:
            raise Transient("too much at once")
        rows = range(offset, min(offset + size, self.total))
        if self.broken.intersection(rows):
            raise Transient("row broken")
        return Rows(tuple(item(row) for row in rows), self.total)


def item(number: int) -> Item:
    return Item(str(number), f"123456789/{number}", f"Item {number}", None)


def patience(seconds: float = 1000, clock: Clock | None = None) -> tuple[Patience, Clock]:
    clock = clock or Clock()
    return Patience(seconds, clock, clock=lambda: clock.now), clock


def read_all(listing: Listing, size: int, start: int = 0, width: int = 1, seconds: float = 1000):
    pages = Pages(listing.read, SIZES, patience(seconds)[0], lambda: width)
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

    pages = Pages(read, SIZES, patience()[0], lambda: 1)

    assert sum(len(rows.items) for _, rows in pages(0, lambda: listing.total, 20)) == 40


def test_a_failing_page_is_split_down_to_the_one_row_that_is_the_cause():
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


def test_one_row_that_fails_makes_no_other_page_smaller():
    listing = Listing(600, broken={27})

    read_all(listing, 100)

    assert (500, 100) in listing.asked


def test_three_broken_rows_side_by_side_are_the_rows_fault_while_others_can_be_read():
    read = read_all(Listing(40, broken={21, 22, 23, 24}), 20)

    assert len(read[1][1].failures) == 4
    assert len(read[1][1].items) == 16


@pytest.mark.parametrize("failing", range(1, 60))
def test_a_page_waits_while_the_repository_fails_and_nothing_of_it_is_lost(failing):
    listing = Listing(60)
    pages = iter(Pages(listing.read, SIZES, patience()[0], lambda: 1)(0, lambda: 60, 20))
    next(pages)
    listing.down = failing

    _, rows = next(pages)

    assert sorted(ids(rows)) == list(range(20, 40))
    assert rows.failures == ()


def test_patience_ends_with_an_error_that_can_be_resumed_from():
    listing = Listing(60)
    listing.down = 10**6

    with pytest.raises(RepositoryDown, match="the server is down"):
        read_all(listing, 20, seconds=60)


def test_a_repository_that_never_answered_is_no_fault_of_its_first_row():
    with pytest.raises(RepositoryDown):
        read_all(Listing(1, broken={0}), 1, seconds=60)


def test_a_control_tells_the_fault_of_the_first_row_from_that_of_the_repository():
    pages = Pages(Listing(1, broken={0}).read, SIZES, patience()[0], lambda: 1, control=lambda: "all is well")

    [(_, rows)] = pages(0, lambda: 1, 1)

    assert [failure.reason for failure in rows.failures] == ["Row 1 of the list: row broken"]


def test_patience_waits_longer_each_time_and_is_renewed_by_a_good_answer():
    waiting, clock = patience()

    for _ in range(3):
        waiting.wait("page", Transient("no"))
    waiting.good("page")
    waiting.wait("page", Transient("no"))

    assert clock.waits == [5, 10, 20, 5]


def test_patience_waits_as_long_as_the_server_asks_but_not_beyond_its_end():
    waiting, clock = patience(seconds=100)

    waiting.wait("page", Transient("busy", retry_after=60))
    waiting.wait("page", Transient("busy", retry_after=60))

    assert clock.waits == [60, 40]
    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("busy"))


def test_patience_is_timed_for_each_kind_of_request_apart():
    waiting, clock = patience(seconds=100)
    waiting.good("page")
    clock.now = 99
    waiting.good("file")

    waiting.wait("page", Transient("no"))

    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))


def test_a_stop_ends_the_wait_of_patience():
    waiting, clock = patience()
    clock.set()

    with pytest.raises(Stopped):
        waiting.wait("page", Transient("no"))


def test_patience_says_why_it_waits():
    said: list[str] = []
    clock = Clock()

    Patience(100, clock, said.append, lambda: clock.now).wait("page", Transient("example.org is busy"))

    assert said == ["Waiting 5 s for the repository: example.org is busy"]


def test_tasks_run_ahead_side_by_side_and_come_in_order():
    both_run = threading.Barrier(2, timeout=10)

    futures = ahead([lambda: (both_run.wait(), "first")[1], lambda: (both_run.wait(), "second")[1]], lambda: 2, Clock())

    assert [future.result() for future in futures] == ["first", "second"]


def test_no_more_tasks_run_ahead_than_the_width():
    running, most, lock = 0, 0, threading.Lock()

    def task() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    list(ahead([task] * 50, lambda: 3, Clock()))

    assert 1 <= most <= 3


def test_a_stop_does_not_wait_for_a_slow_answer():
    stop, released = threading.Event(), threading.Event()
    futures = ahead([stop.set, released.wait], lambda: 2, stop)
    next(futures)

    with pytest.raises(Stopped):
        next(futures)
    released.set()


def test_what_fails_singly_is_a_failure_with_its_reason_among_good_ones():
    def read(found: Item) -> Item:
        if found.id == "2":
            raise Transient("it is broken")
        return found

    results = list(singly(map(item, range(5)), read, patience()[0], lambda: 1))

    assert results == [item(0), item(1), item(3), Failure("2", "123456789/2", "Item 2", "it is broken"), item(4)]


def test_three_failures_in_a_row_are_the_items_own_while_a_good_one_can_still_be_read():
    waiting, clock = patience()

    def read(found: Item) -> Item:
        if int(found.id) >= 2:
            raise Transient("it is broken")
        return found

    results = list(singly(map(item, range(8)), read, waiting, lambda: 1))

    assert sum(isinstance(result, Failure) for result in results) == 6
    assert 5.0 not in clock.waits


@pytest.mark.parametrize("failing", range(1, 25))
def test_items_wait_while_the_repository_fails_and_then_all_come(failing):
    answers = 0

    def read(found: Item) -> Item:
        nonlocal answers
        answers += 1
        if 2 < answers <= 2 + failing:
            raise Transient("down")
        return found

    results = list(singly(map(item, range(6)), read, patience()[0], lambda: 1))

    assert sorted(results, key=lambda result: result.id) == [item(number) for number in range(6)]


def test_a_control_tells_the_fault_of_the_first_item_from_that_of_the_repository():
    def read(found: Item) -> Item:
        raise Transient("it is broken")

    results = singly([item(0)], read, patience()[0], lambda: 1, control=lambda: "all is well")

    assert list(results) == [Failure("0", "123456789/0", "Item 0", "it is broken")]


def test_items_that_never_come_end_with_patience():
    def read(found: Item) -> Item:
        raise Transient("down")

    with pytest.raises(RepositoryDown):
        list(singly(map(item, range(6)), read, patience(seconds=30)[0], lambda: 1))
