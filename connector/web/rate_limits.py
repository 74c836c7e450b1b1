"""Limits how often, and how many at once, costly requests are answered.

Costly are changes, questions to a repository, searches, lists with filters and whole lists. Without limits a script, a
page that is loaded again and again, or some slow repositories or readers would occupy all threads, and everybody else
would wait for a page (ASVS 5.0, 2.4.1, 15.2.2).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests
from werkzeug.wsgi import ClosingIterator

# Whole tables: their thread is busy until the last line is sent, however slowly it is read.
LISTS = frozenset(
    {
        "admin.trail_csv",
        "catalogue.items_csv",
        "clearing.exclusions_csv",
        "imports.diary_text",
        "imports.problems",
    }
)
QUESTIONS = frozenset({"repositories.listed"})  # which only read, and ask a repository
# Lists that read more with these filters in the address: words, a set, a person …
FILTERS = {
    "admin.trail": ("who", "what"),
    "catalogue.items": ("q", "item_set", "repository", "job"),
    "clearing.listed": ("repository",),
    "looking.preview": ("show",),
}
WAYS_OUT = frozenset({"accounts.sign_out", "imports.stop"})  # which are always open
COUNTS = "costly"  # where the app keeps what it counts
SLOT, IS_LIST = "connector.slot", "connector.is_list"  # what a request holds
A_MINUTE = 60  # seconds


@dataclass(frozen=True)
class Counts:
    """What this process counts: in its own memory, as it has threads of its own, and no server that may be away."""

    changes: threading.BoundedSemaphore
    lists: threading.BoundedSemaphore
    asked: FixedWindowRateLimiter = field(default_factory=lambda: FixedWindowRateLimiter(MemoryStorage()))


def init_app(app: Flask) -> None:
    """Count after the gate, which knows who asks, and before a form is looked at."""
    most = [app.config[name] for name in ("CHANGES_AT_ONCE", "LISTS_AT_ONCE")]
    app.extensions[COUNTS] = Counts(*(threading.BoundedSemaphore(number) for number in most))
    app.before_request(_begin)
    app.wsgi_app = _Slots(app.wsgi_app)


class _Slots:
    """Gives back what a request holds: as soon as it is answered, but of a list when it is sent, or broken off."""

    def __init__(self, app: Callable[..., Iterable[bytes]]):
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_list = False
        try:
            answer = self._app(environ, start_response)
            is_list = environ.get(IS_LIST, False)
            return ClosingIterator(answer, lambda: _give_back(environ)) if is_list else answer
        finally:
            if not is_list:
                _give_back(environ)


def _give_back(environ: dict[str, Any]) -> None:
    if SLOT in environ:
        environ.pop(SLOT).release()


def _begin() -> None:
    """429 for a person who asks more than COSTLY_A_MINUTE times, and while as many others as may are not done.

    They are no failures of a person, so they are counted apart from the sign-in.
    """
    is_list = request.endpoint in LISTS
    if g.person is None or not (is_list or _is_costly_page()):
        return
    counts: Counts = current_app.extensions[COUNTS]
    if not counts.asked.hit(RateLimitItemPerMinute(current_app.config["COSTLY_A_MINUTE"]), g.person.name):
        raise TooManyRequests(retry_after=A_MINUTE)
    slot = counts.lists if is_list else counts.changes
    if not slot.acquire(blocking=False):
        raise TooManyRequests(retry_after=A_MINUTE)
    request.environ |= {SLOT: slot, IS_LIST: is_list}


def _is_costly_page() -> bool:
    """Return whether the request changes something, asks a repository, searches, or filters a list."""
    if request.method == "POST":
        return request.endpoint not in WAYS_OUT
    is_filtered = any(request.args.get(name, "").strip() for name in FILTERS.get(request.endpoint, ()))
    return is_filtered or request.endpoint in QUESTIONS
