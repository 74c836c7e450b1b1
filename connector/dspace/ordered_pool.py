"""Runs requests ahead of their consumer, several in parallel, and returns the results in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import TypeVar

from ..errors import JobStoppedError
from ..i18n import gettext as _

T = TypeVar("T")

_LOOK_UP = 0.1  # seconds between checks for a stop or a larger width


def ordered_map(
    tasks: Iterable[Callable[[], T]], width: Callable[[], int], stop: threading.Event
) -> Iterator[Future[T]]:
    """Run up to `width()` tasks in parallel and yield their finished futures in the order of the tasks.

    Behind a slow task, at most `width()` finished tasks wait. The threads are daemons: a stop does not wait for a slow
    response. Raise JobStoppedError as soon as `stop` is set.
    """
    tasks, begun = iter(tasks), deque[Future[T]]()
    while True:
        while _has_room(begun, max(1, width())) and (task := next(tasks, None)) is not None:
            begun.append(_start(task))
        if not begun:
            return
        if begun[0].done():
            yield begun.popleft()
            continue
        if stop.is_set():
            raise JobStoppedError(_("Stopped."))
        running = [future for future in begun if not future.done()]
        wait(running, timeout=_LOOK_UP, return_when=FIRST_COMPLETED)


def one_ahead(rows: Iterator[T], stop: threading.Event) -> Iterator[T]:
    """Yield the rows of an iterator while the next one is read in a thread. Raise JobStoppedError as `ordered_map`."""
    read = partial(next, rows, None)
    future = _start(read)
    while True:
        while not future.done():
            if stop.is_set():
                raise JobStoppedError(_("Stopped."))
            wait([future], timeout=_LOOK_UP)
        if (row := future.result()) is None:
            return
        future = _start(read)
        yield row


def _has_room(begun: Sequence[Future[T]], width: int) -> bool:
    """Return whether another task may start.

    Finished tasks behind a slow first one do not count, up to `width` of them.
    """
    is_next_ready = bool(begun) and begun[0].done()
    behind = 0 if is_next_ready else min(width, sum(future.done() for future in begun))
    return len(begun) - behind < width


def _start(task: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(task())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
