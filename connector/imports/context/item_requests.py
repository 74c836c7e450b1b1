"""Sends one request for each of several items or files, concurrently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from ...dspace.ordered_pool import ordered_map
from .import_context import ImportContext

T = TypeVar("T")


def send_each(context: ImportContext, kind: str, requests: Sequence[Callable[[], T]]) -> Iterator[Callable[[], T]]:
    """Yield for each request a function that returns its result, in the order of the requests.

    The function retries a failed request while the repository is unavailable, up to the maximum outage. It raises
    TransientError if only this request fails (design rule 12). `kind`: the kind of request (see `OutageWait`).
    """
    tasks = [partial(context.outage.attempt, kind, request) for request in requests]
    futures = ordered_map(tasks, context.width, context.attempt.stop)
    for request, future in zip(requests, futures, strict=True):
        yield partial(
            context.outage.retry_until_available,
            kind,
            request,
            first=future.result,
            is_of_object=lambda error: context.repository_answers(kind),
        )
