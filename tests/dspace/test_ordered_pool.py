"""Tasks that run concurrently and return their results in order."""

from __future__ import annotations

import threading

import pytest

from connector.dspace.ordered_pool import ordered_map
from connector.errors import JobStoppedError

from .waiting import Clock

pytestmark = pytest.mark.timing


def test_tasks_run_ahead_side_by_side_and_come_in_order():
    both_run = threading.Barrier(2, timeout=60)

    futures = ordered_map(
        [lambda: (both_run.wait(), "first")[1], lambda: (both_run.wait(), "second")[1]], lambda: 2, Clock()
    )

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

    list(ordered_map([task] * 50, lambda: 3, Clock()))

    assert 1 <= most <= 3


def test_a_slow_task_holds_up_no_more_than_as_many_again_as_the_width():
    ran, three_ran = [], threading.Event()

    def fast() -> None:
        ran.append(1)
        if len(ran) == 3:
            three_ran.set()

    first = next(ordered_map([lambda: three_ran.wait(60), *[fast] * 10], lambda: 2, Clock()))

    assert (first.result(), len(ran)) == (True, 3)


def test_a_width_that_grows_while_all_wait_is_used_at_once():
    both_run, widths = threading.Barrier(2, timeout=60), iter([1, 1])

    futures = ordered_map([both_run.wait, both_run.wait], lambda: next(widths, 2), Clock())

    assert sorted(future.result() for future in futures) == [0, 1]


def test_a_stop_does_not_wait_for_a_slow_answer():
    stop, released = threading.Event(), threading.Event()
    futures = ordered_map([lambda: None, released.wait], lambda: 2, stop)
    next(futures)

    stop.set()

    with pytest.raises(JobStoppedError):
        next(futures)
    released.set()
