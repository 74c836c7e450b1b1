"""How often, and how many at once, what costs may be asked for: changes, questions to a repository, whole lists.

So that neither a script nor a page that is loaded again and again wears out a repository, or keeps all threads waiting
for one that is slow while everybody else waits for a page (ASVS 5.0, 2.4.1 and 15.2.2).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import Flask, abort, current_app, g, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

# These only read, but each asks a repository or goes through a whole table.
COSTLY = frozenset(
    {
        "admin.trail_csv",
        "catalogue.items_csv",
        "clearing.exclusions_csv",
        "imports.diary_text",
        "imports.problems",
        "repositories.listed",
    }
)
COUNTS = "costly"  # where the app keeps them


@dataclass(frozen=True)
class Counts:
    """What this process counts: in its own memory, as it has threads of its own, and no server that may be away."""

    at_once: threading.BoundedSemaphore
    asked: FixedWindowRateLimiter = field(default_factory=lambda: FixedWindowRateLimiter(MemoryStorage()))


def init_app(app: Flask) -> None:
    """Count after the gate, which knows who asks, and before a form is looked at."""
    slots = threading.BoundedSemaphore(app.config["COSTLY_AT_ONCE"])
    app.extensions[COUNTS] = Counts(slots)
    app.before_request(_begin)
    app.teardown_request(_end)


def _begin() -> None:
    """429 for a person who asks more than COSTLY_A_MINUTE times, and while COSTLY_AT_ONCE others are not done.

    Who is not signed in has limits of their own (`accounts`).
    """
    if g.person is None or (request.method != "POST" and request.endpoint not in COSTLY):
        return
    counts: Counts = current_app.extensions[COUNTS]
    if not counts.asked.hit(RateLimitItemPerMinute(current_app.config["COSTLY_A_MINUTE"]), g.person.name):
        abort(429)
    g.has_slot = counts.at_once.acquire(blocking=False)
    if not g.has_slot:
        abort(429)


def _end(error: BaseException | None) -> None:
    """Also where the request failed, and of a download when its last byte is sent."""
    if g.pop("has_slot", False):
        current_app.extensions[COUNTS].at_once.release()
