"""Tests of jobs that wait: work beside the test, and look until something is so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.imports.conftest import Desk


@contextmanager
def working(desk: Desk, job_id: int) -> Iterator[None]:
    """Work on the job in a thread, to its end."""
    thread = threading.Thread(target=desk.work, args=(job_id,))
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
        assert not thread.is_alive()


def until(is_so: Callable[[], bool]) -> None:
    """Look again and again, for a minute at most."""
    ended = threading.Event()
    for _ in range(600):
        if is_so():
            return
        ended.wait(0.1)
    raise AssertionError("It did not come to that within a minute.")
