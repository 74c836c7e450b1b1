"""Limits the rate and the concurrency of costly requests.

Costly requests are changes, requests to a repository, searches, lists with filters and downloads of whole lists.
Without limits, a script, repeated reloads, slow repositories or slow clients could occupy all threads (ASVS 5.0, 2.4.1,
15.2.2).
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

from ..models.item_facets import Facet

# Downloads of whole tables. Each occupies a thread until the client has read the last line.
LISTS = frozenset(
    {
        "admin.trail_csv",
        "exports.download",
        "item_archive.download",
        "missing.exclusions_csv",
        "imports.request_log_text",
        "imports.problems",
        "repositories.crosswalk_as_csv",
    }
)
QUESTIONS = frozenset({"repositories.scope_list"})  # GET requests that ask a repository
ITEM_FILTERS = ("q", "item_set", "repository", "job", "state", *Facet, "term", "value", "from", "to", "files")
# Lists that are costly with one of these filters in the query string.
FILTERS = {
    "admin.trail": ("who", "what"),
    "api.items": ITEM_FILTERS,
    "catalogue.items": ITEM_FILTERS,
    "catalogue.filters": ITEM_FILTERS,
    "missing.index": ("repository",),
    "previews.preview": ("show",),
}
NEVER_LIMITED = frozenset({"accounts.sign_out", "imports.stop"})
COUNTS = "costly"  # the key of Counts in `app.extensions`
SLOT, IS_LIST = "connector.slot", "connector.is_list"  # keys in the WSGI environ
A_MINUTE = 60  # seconds


@dataclass(frozen=True)
class Counts:
    """The counters of this process. They are in memory: the threads are per process, and no server is needed."""

    changes: threading.BoundedSemaphore
    lists: threading.BoundedSemaphore
    asked: FixedWindowRateLimiter = field(default_factory=lambda: FixedWindowRateLimiter(MemoryStorage()))


def init_app(app: Flask) -> None:
    """Count requests after the access check, which identifies the user, and before a view reads a form."""
    changes, lists = app.config["CHANGES_AT_ONCE"], app.config["LISTS_AT_ONCE"]
    app.extensions[COUNTS] = Counts(threading.BoundedSemaphore(changes), threading.BoundedSemaphore(lists))
    app.before_request(_begin)
    app.wsgi_app = _Slots(app.wsgi_app)  # type: ignore[method-assign]  # as Flask's documentation says


class _Slots:
    """WSGI middleware that releases the slot of a request: after the view, or for a list when its body is closed."""

    def __init__(self, app: Callable[..., Iterable[bytes]]):
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_list = False
        try:
            answer = self._app(environ, start_response)
            is_list = environ.get(IS_LIST, False)
            return ClosingIterator(answer, lambda: _release_slot(environ)) if is_list else answer
        finally:
            if not is_list:
                _release_slot(environ)


def _release_slot(environ: dict[str, Any]) -> None:
    if SLOT in environ:
        environ.pop(SLOT).release()


def _begin() -> None:
    """Take a slot if a signed-in user sends a costly request.

    Raises TooManyRequests (429) if the user exceeds COSTLY_A_MINUTE requests per minute or no slot is free. The
    counters are separate from those of failed sign-ins.
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
        return request.endpoint not in NEVER_LIMITED
    is_filtered = any(request.args.get(name, "").strip() for name in FILTERS.get(request.endpoint or "", ()))
    return is_filtered or request.endpoint in QUESTIONS
