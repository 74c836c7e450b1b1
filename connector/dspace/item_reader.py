"""Reads items one request each, and tells an item that cannot be read from a repository that is in trouble."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..errors import LASTING_ERRORS, BotChallengeError, TransientError
from ..http import OutageWait
from .fault_isolation import IN_A_ROW
from .ordered_pool import ordered_map
from .records import Failure, Item, as_far_as_read


class PartlyRead(TransientError):
    """Only a part of an item could be read: `item` holds it. `error`: what kept the rest from coming."""

    def __init__(self, item: Item, error: TransientError):
        super().__init__(str(error), error.url, error.retry_after)
        self.item, self.error = item, error


def read_items_individually(
    items: Iterable[Item],
    read: Callable[[Item], Item | Failure],
    patience: OutageWait,
    width: Callable[[], int],
    kind: str = "item",
    control: Callable[[], object] | None = None,
) -> Iterator[Item | Failure]:
    """Read items one request each; one that cannot be read becomes a Failure, unless it is the repository that fails.

    `read` turns errors into their meaning as far as it knows it, and raises PartlyRead where a part has come: that part
    is not read again, and if the rest cannot be read, the item comes with it (see `as_far_as_read`). Any other error of
    the repository is in doubt. While three in a row fail and what was good before fails too, patience waits. Order: as
    given, but items that had to wait come when they could be read. `control` stands in while no item was good yet: it
    raises TransientError when the repository is in trouble; without it, nothing good yet means that it is.
    """
    queue, held = deque[Item](), list[tuple[Item, TransientError]]()
    read, good = partial(_told_apart, read), control

    def tasks() -> Iterator[Callable[[], Item | Failure]]:
        for item in items:
            queue.append(item)
            yield partial(patience.attempt, kind, partial(read, item))

    for future in ordered_map(tasks(), width, patience.stop):
        item = queue.popleft()
        try:
            result = future.result()
        except TransientError as error:
            held.append(_known(item, error))
            if len(held) >= IN_A_ROW:
                yield from _settle(held, read, good, patience, kind, is_stand_in=good is control)
                held.clear()
            continue
        good = partial(read, item)
        yield result
        yield from _once_more(held, read, patience, kind)
        held.clear()
    yield from _settle(held, read, good, patience, kind, is_stand_in=good is control)


def _told_apart(read: Callable[[Item], Item | Failure], item: Item) -> Item | Failure:
    """Read an item. Raises TransientError for every error, so that one of the item is told from one of the
    repository."""
    try:
        return read(item)
    except LASTING_ERRORS as error:
        raise TransientError(str(error)) from error


def _once_more(
    held: list[tuple[Item, TransientError]], read: Callable[[Item], Item | Failure], patience: OutageWait, kind: str
) -> Iterator[Item | Failure]:
    """The repository answers now: what failed meanwhile gets one more chance before it is the item's own fault."""
    for item, _ in held:
        try:
            yield _past_walls(item, read, patience, kind)
        except TransientError as error:
            known, cause = _known(item, error)
            patience.object_failed(kind, cause)
            yield as_far_as_read(known, str(cause))


def _past_walls(item: Item, read: Callable[[Item], Item | Failure], patience: OutageWait, kind: str) -> Item | Failure:
    """The item read; a protection against robots says nothing of it, so patience waits until it is gone."""
    return patience.retry_until_available(kind, partial(read, item), on=BotChallengeError)


def _known(item: Item, error: TransientError) -> tuple[Item, TransientError]:
    """Return what is known of an item after a failure, and the error itself."""
    return (error.item, error.error) if isinstance(error, PartlyRead) else (item, error)


def _settle(
    held: list[tuple[Item, TransientError]],
    read: Callable[[Item], Item | Failure],
    good: Callable[[], object] | None,
    patience: OutageWait,
    kind: str,
    is_stand_in: bool,
) -> Iterator[Item | Failure]:
    """Decide whose fault the failures are: the items', if anything else can be read; else wait and read them again.

    `is_stand_in`: `good` is no item, so it proves that the repository is well, and not that items come.
    """
    while held:
        if good is not None and patience.is_well(kind, good):
            if is_stand_in:
                patience.object_failed(kind, held[-1][1])
            else:
                patience.good(kind)
            yield from _once_more(held, read, patience, kind)
            return
        patience.wait(kind, held[-1][1])
        failing = []
        for item, _ in held:
            try:
                yield patience.attempt(kind, partial(read, item))
                good, is_stand_in = partial(read, item), False
            except TransientError as error:
                failing.append(_known(item, error))
        if len(failing) < len(held):
            yield from _once_more(failing, read, patience, kind)
            return
        held = failing
