"""Reading ahead, splitting what fails, and waiting while it is the repository that fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from connector.dspace.reading import Pages, Patience, Rows, ahead, singly
from connector.dspace.records import Failure, Item
from connector.errors import BotWall, RepositoryDown, Stopped, Transient

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
    return Patience(seconds, clock, clock=lambda: clock.now, spread=lambda: 1.0), clock


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


class Heavy(Listing):
    """Its rows take so many seconds each, by a clock that shows nothing else."""

    def __init__(self, total: int, seconds: float):
        super().__init__(total)
        self.now, self.seconds = 0.0, seconds

    def read(self, offset: int, size: int, tries: int) -> Rows:
        rows = super().read(offset, size, tries)
        self.now += self.seconds * len(rows.items)
        return rows

    def sizes_asked(self, size: int) -> list[int]:
        pages = Pages(self.read, SIZES, patience()[0], lambda: 1, clock=lambda: self.now)
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


def test_a_list_of_which_nothing_comes_is_broken_itself_and_not_asked_for_each_of_its_rows():
    listing, (bound, _) = Listing(1000, broken=set(range(1000))), patience(60)
    pages = Pages(listing.read, SIZES, bound, lambda: 1, control=lambda: "all is well")

    with pytest.raises(RepositoryDown, match="row broken"):
        list(pages(0, lambda: 1000, 100))

    assert max(offset for offset, _ in listing.asked) < 30


def test_many_broken_rows_side_by_side_are_the_rows_fault_once_anything_came():
    listing = Listing(100, broken=set(range(20, 80)))

    read = read_all(listing, 20)

    assert [number for _, rows in read for number in ids(rows)] == [*range(20), *range(80, 100)]
    assert sum(len(rows.failures) for _, rows in read) == 60


def test_patience_waits_longer_each_time_and_is_renewed_by_a_good_answer():
    waiting, clock = patience()

    for _ in range(3):
        waiting.wait("page", Transient("no"))
    waiting.good("page")
    waiting.wait("page", Transient("no"))

    assert clock.waits == [5, 10, 20, 5]


def test_jobs_that_wait_for_the_same_outage_do_not_come_back_at_once():
    waits = []
    for _ in range(20):
        clock = Clock()
        waiting = Patience(1000, clock, clock=lambda clock=clock: clock.now)
        waiting.wait("page", Transient("no"))
        waiting.wait("page", Transient("busy", retry_after=60))
        waits.append(clock.waits)

    for planned, taken in ((5, [first for first, _ in waits]), (60, [second for _, second in waits])):
        assert all(planned <= seconds <= planned * 1.25 for seconds in taken)
        assert len(set(taken)) > 10


def test_patience_waits_as_long_as_the_server_asks():
    waiting, clock = patience(seconds=100)

    waiting.wait("page", Transient("busy", retry_after=60))
    waiting.wait("page", Transient("busy", retry_after=40))

    assert clock.waits == [60, 40]
    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("busy"))


def test_a_server_that_wants_more_time_than_there_is_patience_is_not_asked_earlier():
    waiting, clock = patience(seconds=100)

    with pytest.raises(RepositoryDown, match=r"not to be asked again for 24 hours: longer than we wait\. busy"):
        waiting.wait("page", Transient("busy", retry_after=86_400))

    assert clock.waits == []


def test_patience_waits_no_longer_than_it_lasts():
    waiting, clock = patience(seconds=12)

    for _ in range(2):
        waiting.wait("page", Transient("busy"))

    assert clock.waits == [5, 7]


def test_patience_is_timed_for_each_kind_of_request_apart():
    waiting, clock = patience(seconds=100)
    waiting.wait("page", Transient("no"))
    clock.now = 100
    waiting.good("file")

    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))


def test_hours_in_which_nothing_was_asked_are_not_hours_without_an_answer():
    waiting, clock = patience(seconds=100)
    waiting.good("page")
    clock.now = 10_000

    waiting.wait("page", Transient("no"))

    clock.now = 10_100
    with pytest.raises(RepositoryDown):
        waiting.wait("page", Transient("no"))


def test_a_stop_ends_the_wait_of_patience():
    waiting, clock = patience()
    clock.set()

    with pytest.raises(Stopped):
        waiting.wait("page", Transient("no"))


@pytest.fixture
def in_new_york(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(*times: datetime, seconds: float = 10**6, zone: tzinfo | None = None) -> tuple[Patience, list[str]]:
    """Patience with the times that its clock shows one after the other, and what it says."""
    said: list[str] = []
    clock, shown = Clock(), iter(times)
    return Patience(
        seconds, clock, said.append, lambda: clock.now, now=lambda: next(shown), zone=zone, spread=lambda: 1.0
    ), said


def test_patience_says_since_when_it_waits_and_why(in_new_york):
    began = datetime(2026, 1, 5, 19, 5)
    waiting, said = told(began, began, began + timedelta(minutes=20), began + timedelta(minutes=20))

    for _ in range(2):
        waiting.wait("page", Transient("example.org is busy."))

    assert said == [
        "Waiting for the repository since 14:05: example.org is busy. Trying again in 5 seconds.",
        "Waiting for the repository since 14:05: example.org is busy. Trying again in 10 seconds.",
    ]


def test_the_zone_that_is_set_goes_before_that_of_the_system(in_new_york):
    began = datetime(2026, 1, 5, 19, 5)
    waiting, said = told(began, began, zone=ZoneInfo("Asia/Tokyo"))

    waiting.wait("page", Transient("example.org is busy."))

    assert said[0].startswith("Waiting for the repository since 04:05: ")


def test_a_wait_since_another_day_of_this_server_names_the_day(in_new_york):
    began = datetime(2026, 1, 5, 4, 30)
    waiting, said = told(began, datetime(2026, 1, 5, 5, 1))

    waiting.wait("page", Transient("example.org is busy.", retry_after=86_400))

    assert said == ["Waiting for the repository since 2026-01-04 23:30: example.org is busy. Trying again in 24 hours."]


def test_since_is_the_first_failure_until_a_good_answer_of_that_kind():
    first, later = datetime(2026, 1, 5), datetime(2026, 1, 6)
    waiting, _ = told(first, first, later, later)
    before = waiting.since

    waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))
    both = waiting.since
    waiting.good("page")
    one = waiting.since
    waiting.good("file")

    assert (before, both, one, waiting.since) == (None, first, later, None)


def test_what_it_says_ends_with_the_last_kind_of_request_that_waits():
    waiting, said = told(*[datetime(2026, 1, 5)] * 4)
    waiting.good("page")
    waiting.wait("page", Transient("no"))
    waiting.wait("file", Transient("no"))

    waiting.good("page")
    before_the_last = list(said)
    waiting.good("file")
    waiting.good("file")

    assert "" not in before_the_last
    assert said == [*before_the_last, ""]


def test_a_page_that_could_be_read_again_ends_the_wait_though_the_next_is_broken():
    listing = Listing(2, broken={1})
    waiting, _ = patience()
    pages = iter(Pages(listing.read, SIZES, waiting, lambda: 1)(0, lambda: 2, 1))
    next(pages)
    listing.down = 5

    next(pages)

    assert waiting.since is None


def test_a_protection_against_robots_fails_the_walk_with_its_sentence_and_no_row():
    def read(offset: int, size: int, tries: int) -> Rows:
        if offset:
            raise BotWall("A protection against robots answers.")
        return Listing(40).read(offset, size, tries)

    pages = iter(Pages(read, SIZES, patience(seconds=60)[0], lambda: 1)(0, lambda: 40, 20))
    next(pages)

    with pytest.raises(RepositoryDown, match="A protection against robots answers"):
        next(pages)


def test_an_item_behind_a_protection_against_robots_waits_and_is_never_a_failure():
    walled = 6

    def read(found: Item) -> Item:
        nonlocal walled
        if found.id == "2" and walled:
            walled -= 1
            raise BotWall("A protection against robots answers.")
        return found

    waiting, clock = patience()
    results = list(singly(map(item, range(5)), read, waiting, lambda: 1))

    assert sorted(results, key=lambda result: result.id) == [item(number) for number in range(5)]
    assert [wait for wait in clock.waits if wait >= 5] == [5, 10, 20, 40, 80]
    assert waiting.since is None


def test_an_item_that_stays_behind_a_protection_against_robots_fails_the_walk():
    def read(found: Item) -> Item:
        if found.id == "2":
            raise BotWall("A protection against robots answers.")
        return found

    with pytest.raises(RepositoryDown, match="A protection against robots answers"):
        list(singly(map(item, range(5)), read, patience(seconds=60)[0], lambda: 1))


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


def test_a_slow_task_holds_up_no_more_than_as_many_again_as_the_width():
    ran, three_ran = [], threading.Event()

    def fast() -> None:
        ran.append(1)
        if len(ran) == 3:
            three_ran.set()

    first = next(ahead([lambda: three_ran.wait(10), *[fast] * 10], lambda: 2, Clock()))

    assert (first.result(), len(ran)) == (True, 3)


def test_a_width_that_grows_while_all_wait_is_used_at_once():
    both_run, widths = threading.Barrier(2, timeout=10), iter([1, 1])

    futures = ahead([both_run.wait, both_run.wait], lambda: next(widths, 2), Clock())

    assert sorted(future.result() for future in futures) == [0, 1]


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
