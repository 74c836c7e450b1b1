"""How both clients read: ahead of the writer, in order, and down to the one item that cannot be read.

A failing page is read again in smaller ones; what fails singly is the item's own fault, unless the repository itself is
in trouble: then the page waits, and patience decides when the job gives up (design rule 12).
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import TypeVar

from ..errors import BotWall, RepositoryDown, Stopped, Transient
from ..http import waits
from .records import Failure, Item

T = TypeVar("T")

LONGEST_WAIT = 300.0
HEAVY = 10.0  # seconds
IN_A_ROW = 3
MOST_OF_NONE = 20  # rows that are tried one by one of a list of which nothing ever came
GOOD_PAGES = 20
_LOOK_UP = 0.1  # seconds: how soon a stop or a grown width is noticed


@dataclass(frozen=True, slots=True)
class Rows:
    """What one request for a page gave: its items, those that failed, and the source's count (None where not told)."""

    items: tuple[Item, ...]
    total: int | None = None
    failures: tuple[Failure, ...] = ()


class Patience:
    """Seconds a kind of request may go without one good answer; kinds apart, or good downloads hide a dead listing.

    They count from the first failure after a good answer: in hours of downloads nobody asks for a page, and the first
    one that fails then is not yet a repository that has been down for hours.
    `waiting` is given a sentence before each wait, and "" when a good answer has come. `now` gives naive UTC, `clock`
    seconds that nobody sets back. `zone`: whose times the sentence tells; None is the system's. `spread`: how much
    longer than planned a wait is, or all jobs would be back at once after an outage.
    """

    def __init__(
        self,
        seconds: float,
        stop: threading.Event | None = None,
        waiting: Callable[[str], None] = lambda sentence: None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
        now: Callable[[], datetime] = waits.utc_now,
        zone: tzinfo | None = None,
        spread: Callable[[], float] = lambda: random.uniform(1, 1.25),
    ):
        self._seconds, self._waiting, self._clock, self._now = seconds, waiting, clock, now
        self._zone, self._spread = zone, spread
        self.stop = stop or threading.Event()
        self._pause = pause or self.stop.wait
        self._failing: dict[str, float] = {}
        self._waits: dict[str, int] = {}
        self._since: dict[str, datetime] = {}
        self._lock = threading.Lock()

    @property
    def since(self) -> datetime | None:
        """Since when (naive UTC) some kind of request waits for a good answer; None while none does."""
        with self._lock:
            return min(self._since.values(), default=None)

    def good(self, kind: str) -> None:
        """Note a good answer of this kind."""
        with self._lock:
            waited = kind in self._since
            for kept in (self._failing, self._waits, self._since):
                kept.pop(kind, None)
            is_over = waited and not self._since
        if is_over:
            self._waiting("")

    def wait(self, kind: str, error: Transient) -> None:
        """Wait before the next try: 5 s, then twice as long each time, up to 5 minutes, or what the server asked for.

        And up to a quarter more, within the patience that is left.

        Raises RepositoryDown when patience has ended, or would before the server wants to be asked again; Stopped as
        soon as a stop is asked for.
        """
        with self._lock:
            now = self._clock()
            left = self._failing.setdefault(kind, now) + self._seconds - now
            turn = self._waits[kind] = self._waits.get(kind, 0) + 1
            since = self._since.setdefault(kind, self._now())
        if left <= 0:
            raise RepositoryDown(f"The repository gave no good answer for too long. The last one: {error}", error.url)
        asked = error.retry_after or 0
        if asked > left:
            wish = f"The repository asks not to be asked again for {waits.span(asked)}: longer than we wait. {error}"
            raise RepositoryDown(wish, error.url)
        planned = max(asked, min(LONGEST_WAIT, 5.0 * 2 ** min(turn - 1, 10)))
        pause = min(left, planned * self._spread())
        began = waits.since(since, self._now(), self._zone)
        self._waiting(f"{began}: {error} Trying again in {waits.span(pause)}.")
        self.rest(pause)

    def rest(self, seconds: float) -> None:
        """Wait so many seconds; raises Stopped as soon as a stop is asked for."""
        if self._pause(seconds):
            raise Stopped("Stopped.")


def ahead(tasks: Iterable[Callable[[], T]], width: Callable[[], int], stop: threading.Event) -> Iterator[Future[T]]:
    """Run up to `width()` tasks at a time and give their finished futures in the order of the tasks.

    One that is slow holds up no more than as many again, which then wait behind it finished.
    The threads are daemons: a stop does not wait for a slow answer. Raises Stopped as soon as `stop` is set.
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
            raise Stopped("Stopped.")
        running = [future for future in begun if not future.done()]
        wait(running, timeout=_LOOK_UP, return_when=FIRST_COMPLETED)


def _has_room(begun: Sequence[Future[T]], width: int) -> bool:
    """Whether one more may begin; what waits, finished, behind a slow first one takes no room until there are many."""
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


class Pages:
    """Reads the rows from an offset to the end of a listing, page by page, in order.

    `read(offset, size, tries)` gives Rows or raises Transient. `sizes` is a chain of divisors, largest first (100, 20,
    10, 5, 1), so that a failing page can be split at its own offset. `kind` names the request for patience. `control`
    stands in while no page was good yet: it raises Transient when the repository is in trouble; without it, nothing
    good yet means that it is. `too_large`: how many pages failed as such and came in smaller ones.
    """

    def __init__(
        self,
        read: Callable[[int, int, int], Rows],
        sizes: Sequence[int],
        patience: Patience,
        width: Callable[[], int],
        kind: str = "page",
        control: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._clock = clock
        self._read, self._sizes, self._patience, self._width, self._kind = read, tuple(sizes), patience, width, kind
        self._good: tuple[int, int] | None = None
        self._stand_in = control
        self.too_large = 0

    def fit(self, offset: int, size: int) -> int:
        """The largest size of the chain, at most `size`, that divides `offset`."""
        return next((s for s in self._sizes if s <= size and offset % s == 0), 1)

    def __call__(self, start: int, end: Callable[[], int], size: int) -> Iterator[tuple[int, Rows]]:
        """Give (offset after the page, its rows) until `end()`, which may move while the listing is read.

        After a page that was too large, or took very long although it came, the next ones are smaller, until many of
        them were good.
        """
        offset, largest, under_way = start, _Largest(self._sizes, size), deque[int]()

        def tasks(at: int) -> Iterator[Callable[[], tuple[Rows, float]]]:
            while at < end():
                under_way.append(here := self.fit(at, largest.size))
                yield lambda at=at, here=here: self._timed(at, here)
                at += here

        for future in ahead(tasks(start), self._width, self._patience.stop):
            here = under_way.popleft()
            try:
                rows, seconds = future.result()
                self._was_good(offset, here)
                largest.was_good(here, heavy=seconds > HEAVY)
            except Transient:
                rows = self._carefully(offset, here, largest)
            offset += here
            yield offset, rows

    def _timed(self, offset: int, size: int) -> tuple[Rows, float]:
        """The page and the seconds it took."""
        began = self._clock()
        rows = self._read(offset, size, 4)
        return rows, self._clock() - began

    def _was_good(self, offset: int, size: int) -> None:
        self._patience.good(self._kind)
        self._good = (offset, size)

    def _carefully(self, offset: int, size: int, largest: _Largest) -> Rows:
        """Read a failing page in smaller ones; wait and begin again while it is the repository that fails."""
        waited = False
        while True:
            doubt = _Doubt(self._control, came_before=self._good is not None)
            try:
                parts = list(self._split(offset, size, doubt))
                if doubt.is_of_the_size and not waited:
                    self.too_large += 1
                    largest.was_too_large(size)
                parts += [self._once_more(row) for row in doubt.failed]
                return Rows(
                    tuple(item for part in parts for item in part.items),
                    next((part.total for part in reversed(parts) if part.total is not None), None),
                    tuple(failure for part in parts for failure in part.failures),
                )
            except _Lasting as lasting:
                self._patience.wait(self._kind, lasting.error)
                waited = True

    def _split(self, offset: int, size: int, doubt: _Doubt, outermost: bool = True) -> Iterator[Rows]:
        smaller = self.fit(offset, max(1, size - 1))
        for here in range(offset, offset + size, smaller):
            try:
                yield self._read(here, smaller, 2)
                self._was_good(here, smaller)
                doubt.clear()
                doubt.note(smaller, came=True)
            except BotWall as wall:  # says nothing of the rows, and what else can be read says nothing of the wall
                raise _Lasting(wall) from None
            except Transient as error:
                doubt.note(smaller, came=False)
                if smaller > 1:
                    yield from self._split(here, smaller, doubt, outermost=False)
                else:
                    doubt.add(here, error)
        if outermost:
            doubt.settle()

    def _once_more(self, row: int) -> Rows:
        """A row that failed while the repository may have been in trouble, which is over now."""
        try:
            return self._read(row, 1, 2)
        except BotWall as wall:
            raise _Lasting(wall) from None
        except Transient as error:
            return Rows((), None, (Failure(None, None, None, f"Row {row + 1} of the list: {error}"),))

    def _control(self) -> None:
        """Read again what was good before; raises Transient when it is no longer good, or nothing was yet."""
        if self._good is not None:
            self._read(*self._good, 1)
            self._patience.good(self._kind)
        elif self._stand_in is not None:
            self._stand_in()
        else:
            raise Transient("nothing could be read yet")


class _Largest:
    """The largest page to ask for: smaller after one was too large, larger again after ever more good ones."""

    def __init__(self, sizes: Sequence[int], size: int):
        self._sizes, self._wanted, self.size = sizes, size, size
        self._good, self._enough = 0, GOOD_PAGES

    def was_good(self, size: int, heavy: bool) -> None:
        """A heavy page is too large, unless it holds a single row."""
        if heavy and size > 1:
            return self.was_too_large(size)
        self._good += size == self.size
        if self._good >= self._enough:
            self._good = 0
            self.size = min((s for s in self._sizes if self.size < s <= self._wanted), default=self.size)

    def was_too_large(self, size: int) -> None:
        """Of several that were asked for together only the first counts."""
        if size <= self.size:
            self.size = next(s for s in self._sizes if s < size)
            self._good, self._enough = 0, 2 * self._enough


class _Lasting(Exception):
    """Not an item is at fault but the repository: go back to the page and wait."""

    def __init__(self, error: Transient):
        super().__init__(str(error))
        self.error = error


class _Doubt:
    """Single failures not yet known to be the items' own: a later good answer, or a control, clears them."""

    def __init__(self, control: Callable[[], None], came_before: bool):
        self._control, self._came = control, came_before
        self.failed: list[int] = []  # the rows in question
        self._errors: list[Transient] = []
        self._parts: dict[int, set[bool]] = {}

    def note(self, size: int, came: bool) -> None:
        """A part of the page, of this size, came or did not."""
        self._parts.setdefault(size, set()).add(came)
        self._came = self._came or came

    @property
    def is_of_the_size(self) -> bool:
        """Is the page too large? An item that is at fault fails one part of it and spares the others."""
        size = max(self._parts)
        return size > 1 and len(self._parts[size]) == 1

    def clear(self) -> None:
        """A good answer came: what failed before it was the item's own fault."""
        self._errors.clear()

    def add(self, row: int, error: Transient) -> None:
        """A single request failed; three in a row put the repository in doubt."""
        self.failed.append(row)
        self._errors.append(error)
        if len(self._errors) >= IN_A_ROW:
            self.settle()
        if len(self.failed) >= MOST_OF_NONE and not self._came:  # the list itself is broken, not each of its rows
            raise _Lasting(error)

    def settle(self) -> None:
        """Raises _Lasting unless what was good before still is."""
        if not self._errors:
            return
        try:
            self._control()
        except Transient:
            raise _Lasting(self._errors[-1]) from None
        self.clear()


def singly(
    items: Iterable[Item],
    read: Callable[[Item], Item | Failure],
    patience: Patience,
    width: Callable[[], int],
    kind: str = "item",
    control: Callable[[], object] | None = None,
) -> Iterator[Item | Failure]:
    """Read items one request each; one that cannot be read becomes a Failure, unless it is the repository that fails.

    `read` raises Transient where a repeat may help; any other error of the repository is for `read` to turn into its
    meaning. While three in a row fail and what was good before fails too, patience waits. Order: as given, but items
    that had to wait come when they could be read. `control` stands in while no item was good yet: it raises Transient
    when the repository is in trouble; without it, nothing good yet means that it is.
    """
    queue, held = deque[Item](), list[tuple[Item, Transient]]()
    good = control

    def tasks() -> Iterator[Callable[[], Item | Failure]]:
        for item in items:
            queue.append(item)
            yield lambda item=item: read(item)

    for future in ahead(tasks(), width, patience.stop):
        item = queue.popleft()
        try:
            result = future.result()
        except Transient as error:
            held.append((item, error))
            if len(held) >= IN_A_ROW:
                yield from _settle(held, read, good, patience, kind)
                held.clear()
            continue
        good = partial(read, item)
        patience.good(kind)
        yield result
        yield from _once_more(held, read, patience, kind)
        held.clear()
    yield from _settle(held, read, good, patience, kind)


def _once_more(
    held: list[tuple[Item, Transient]], read: Callable[[Item], Item | Failure], patience: Patience, kind: str
) -> Iterator[Item | Failure]:
    """The repository answers now: what failed meanwhile gets one more chance before it is the item's own fault."""
    for item, _ in held:
        try:
            yield _past_walls(item, read, patience, kind)
        except Transient as error:
            yield _failed(item, error)


def _past_walls(item: Item, read: Callable[[Item], Item | Failure], patience: Patience, kind: str) -> Item | Failure:
    """The item read; a protection against robots says nothing of it, so patience waits until it is gone."""
    while True:
        try:
            result = read(item)
            patience.good(kind)
            return result
        except BotWall as wall:
            patience.wait(kind, wall)


def _failed(item: Item, error: Transient) -> Failure:
    return Failure(item.id, item.handle, item.name, str(error))


def _settle(
    held: list[tuple[Item, Transient]],
    read: Callable[[Item], Item | Failure],
    good: Callable[[], object] | None,
    patience: Patience,
    kind: str,
) -> Iterator[Item | Failure]:
    """Decide whose fault the failures are: the items', if anything else can be read; else wait and read them again."""
    while held:
        if good is not None and _succeeds(good):
            yield from _once_more(held, read, patience, kind)
            return
        patience.wait(kind, held[-1][1])
        failing = []
        for item, _ in held:
            try:
                yield read(item)
                good = partial(read, item)
                patience.good(kind)
            except Transient as error:
                failing.append((item, error))
        if len(failing) < len(held):
            yield from _once_more(failing, read, patience, kind)
            return
        held = failing


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except Transient:
        return False
    return True
