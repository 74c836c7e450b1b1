"""Reads items with one request each, and distinguishes an item that cannot be read from a failing repository."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..errors import LASTING_ERRORS, BotChallengeError, TransientError
from ..http import OutageWait
from .fault_isolation import IN_A_ROW
from .ordered_pool import ordered_map
from .records import Failure, Item, as_far_as_read


class PartlyReadError(TransientError):
    """Only a part of an item could be read. `item`: that part. `error`: the error of the rest."""

    def __init__(self, item: Item, error: TransientError):
        super().__init__(str(error), error.url, error.retry_after)
        self.item, self.error = item, error


def read_items_individually(
    items: Iterable[Item],
    read: Callable[[Item], Item | Failure],
    outage: OutageWait,
    width: Callable[[], int],
    control: Callable[[], object] | None = None,
) -> Iterator[Item | Failure]:
    """Read items with one request each. An item that cannot be read becomes a Failure, unless the repository fails.

    `read` converts known errors. It raises PartlyReadError if it has read a part of an item. If the rest cannot be read
    either, the item comes with that part (see `as_far_as_read`). After any other error of the repository, the cause is
    unclear. If three items in a row fail, and a request that worked before fails, too, wait until the repository
    answers.

    Items come in the given order, except for failed ones, which come when they can be read. `control` checks the
    repository as long as no item was read: it raises TransientError if the repository fails. Without `control`, the
    repository counts as failing as long as no item was read.
    """
    queue, failing_items = deque[Item](), list[tuple[Item, TransientError]]()
    read, good = partial(_read_with_any_error, read), control

    def tasks() -> Iterator[Callable[[], Item | Failure]]:
        for item in items:
            queue.append(item)
            yield partial(outage.attempt, "item", partial(read, item))

    for future in ordered_map(tasks(), width, outage.stop):
        item = queue.popleft()
        try:
            result = future.result()
        except TransientError as error:
            failing_items.append(_known(item, error))
            if len(failing_items) >= IN_A_ROW:
                yield from _find_cause(failing_items, read, good, outage, is_stand_in=good is control)
                failing_items.clear()
            continue
        good = partial(read, item)
        yield result
        yield from _once_more(failing_items, read, outage)
        failing_items.clear()
    yield from _find_cause(failing_items, read, good, outage, is_stand_in=good is control)


def _read_with_any_error(read: Callable[[Item], Item | Failure], item: Item) -> Item | Failure:
    """Read an item. Raise TransientError for every error, so that the caller can find its cause."""
    try:
        return read(item)
    except LASTING_ERRORS as error:
        raised = TransientError(error.in_short)
        raised.details = error.technical_details
        raise raised from error


def _once_more(
    failing_items: list[tuple[Item, TransientError]],
    read: Callable[[Item], Item | Failure],
    outage: OutageWait,
) -> Iterator[Item | Failure]:
    """Read the failed items again now that the repository answers. Items that fail again are at fault themselves."""
    for item, _ in failing_items:
        try:
            # Wait while bot protection answers, as it says nothing about the item.
            yield outage.retry_until_available("item", partial(read, item), on=BotChallengeError)
        except TransientError as error:
            known, cause = _known(item, error)
            outage.object_failed("item", cause)
            yield as_far_as_read(known, cause)


def _known(item: Item, error: TransientError) -> tuple[Item, TransientError]:
    """Return the part of an item that was read before a failure, and the error itself."""
    return (error.item, error.error) if isinstance(error, PartlyReadError) else (item, error)


def _find_cause(
    failing_items: list[tuple[Item, TransientError]],
    read: Callable[[Item], Item | Failure],
    good: Callable[[], object] | None,
    outage: OutageWait,
    is_stand_in: bool,
) -> Iterator[Item | Failure]:
    """Decide whether the items or the repository are at fault. If the repository fails, wait and read again.

    `is_stand_in`: `good` does not read an item, so it only proves that the repository answers, not that items can be
    read.
    """
    while failing_items:
        if good is not None and outage.is_well("item", good):
            if is_stand_in:
                outage.object_failed("item", failing_items[-1][1])
            else:
                outage.record_success("item")
            yield from _once_more(failing_items, read, outage)
            return
        outage.wait("item", failing_items[-1][1])
        still_failing = []
        for item, _ in failing_items:
            try:
                yield outage.attempt("item", partial(read, item))
                good, is_stand_in = partial(read, item), False
            except TransientError as error:
                still_failing.append(_known(item, error))
        if len(still_failing) < len(failing_items):
            yield from _once_more(still_failing, read, outage)
            return
        failing_items = still_failing
