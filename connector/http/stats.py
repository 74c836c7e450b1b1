"""Statistics of the requests of a client, for the request log of a job that the DSpace administrator gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import requests

from ..durations import utcnow
from ..errors import (
    BadResponseError,
    BotChallengeError,
    RequestTimeoutError,
    ServerError,
    TransientError,
    UnknownHostError,
)

# The first matching row counts.
_KINDS: tuple[tuple[type[TransientError], str], ...] = (
    (BotChallengeError, "bot wall"),
    (RequestTimeoutError, "timed out"),
    (UnknownHostError, "unknown host"),
    (BadResponseError, "bad answer"),
    (TransientError, "no connection"),
)
_COUNTED = ("requests", "bytes", "answers", "seconds")
_WAITED = ("waits", "seconds_waited")
NO_WAITS: dict[str, float] = dict.fromkeys(_WAITED, 0)


class RequestStats:
    """Counters that only grow. Safe between threads. `now` returns naive UTC.

    `halvings` returns those of the concurrency, `waited` the `waits` and `seconds_waited` of an OutageWait.

    The counters are: `requests` sent, with repeats and redirects; `bytes` of JSON (decompressed) and files received;
    good `answers` and the `seconds` they took (a file's to its first byte); `waits` and `seconds_waited` of ours;
    `halvings` of the concurrency.
    """

    def __init__(
        self,
        halvings: Callable[[], int] = lambda: 0,
        waited: Callable[[], Mapping[str, float]] = lambda: NO_WAITS,
        now: Callable[[], datetime] = utcnow,
    ):
        self._halvings, self._waited, self._now, self._lock = halvings, waited, now, threading.Lock()
        self._sums: dict[str, float] = dict.fromkeys(_COUNTED, 0)
        self._worst: dict[str, Any] | None = None
        self._troubles: dict[str, dict[str, Any]] = {}
        self._unanswered: set[str] = set()
        self._notes: list[str] = []

    def add(self, **counts: float) -> None:
        """Add to the counters with these names."""
        with self._lock:
            for name, count in counts.items():
                self._sums[name] += count

    def record_success(self, seconds: float, path: str) -> None:
        """Record a good response."""
        self.add(answers=1, seconds=seconds)
        with self._lock:
            self._worst = _worse(self._worst, {"seconds": seconds, "path": path})

    def record_failure(self, error: TransientError) -> None:
        """Record a failed request."""
        with self._lock:
            time = self._now().isoformat(timespec="seconds")
            new = {_kind(error): {"count": 1, "first": time, "last": time}}
            self._troubles = _all_troubles(self._troubles, new)

    def record_unsupported(self, question: str) -> None:
        """Record an optional query that the repository does not support."""
        with self._lock:
            self._unanswered.add(str(question))

    def note(self, sentence: str) -> None:
        """Record a sentence about the repository."""
        with self._lock:
            self._notes.append(sentence)

    def as_dict(self) -> dict[str, Any]:
        """Return all statistics as plain JSON.

        `worst` is {seconds, path} of the slowest response, or None. `troubles` is {kind: {count, first, last}}.
        `unanswered` is the sorted list of unsupported optional queries. `notes`: sentences about the repository.
        """
        with self._lock:
            others: dict[str, Any] = {"halvings": self._halvings(), "worst": self._worst, "troubles": self._troubles}
            others |= {"unanswered": sorted(self._unanswered), "notes": list(self._notes)}
            return {**self._sums, **self._waited(), **others}

    @staticmethod
    def merge(a: Mapping[str, Any] | None, b: dict[str, Any]) -> dict[str, Any]:
        """Return the sum of two results of `as_dict`, since a job may have several attempts."""
        if a is None:
            return b
        sums = {name: a[name] + b[name] for name in (*_COUNTED, *_WAITED, "halvings")}
        return {
            **sums,
            "worst": _worse(a["worst"], b["worst"]),
            "troubles": _all_troubles(a["troubles"], b["troubles"]),
            # missing in older jobs
            "unanswered": sorted({*a.get("unanswered", ()), *b.get("unanswered", ())}),
            "notes": list(dict.fromkeys((*a.get("notes", ()), *b.get("notes", ())))),
        }


def _kind(error: TransientError) -> str:
    """Return the status as text, or the kind of failure in two words."""
    if isinstance(error, ServerError) and error.status is not None:
        return str(error.status)
    if isinstance(error.__cause__, requests.exceptions.ChunkedEncodingError):
        return "cut short"
    return next(name for kind, name in _KINDS if isinstance(error, kind))


def _worse(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any] | None:
    return max((one for one in (a, b) if one is not None), key=lambda one: one["seconds"], default=None)


def _all_troubles(a: dict[str, dict[str, Any]], b: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    both = dict(a)
    for kind, new in b.items():
        old = both.get(kind, {**new, "count": 0})
        both[kind] = {
            "count": old["count"] + new["count"],
            "first": min(old["first"], new["first"]),
            "last": max(old["last"], new["last"]),
        }
    return both
