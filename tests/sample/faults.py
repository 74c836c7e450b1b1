"""Scripted faults: which fault, for which requests, how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .answers import Answer


@dataclass
class Fault:
    """A fault in answers. `times` None: for ever. Members that are not given are those of the true answer.

    `drop`: the connection breaks before the answer. `cut`: it breaks after this number of bytes of the body. `delay`:
    seconds before the answer. `drip`: seconds between two bytes of the body. `hang`: no answer until the fault is
    cleared or the server stops. `change`: returns the answer to send instead of the true one.
    """

    match: str | Callable[[str], bool]
    times: int | None = 1
    status: int | None = None
    body: bytes | str | None = None
    headers: dict[str, str] | None = None
    change: Callable[[Answer], Answer] | None = None
    drop: bool = False
    cut: int | None = None
    delay: float = 0.0
    hang: bool = False
    drip: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def concerns(self, target: str) -> bool:
        return self.match(target) if callable(self.match) else self.match in target

    def applied(self, answer: Answer) -> Answer:
        """Return the answer changed by this fault. An error status without a body gets the page of Tomcat."""
        answer = self.change(answer) if self.change else answer
        body = self.body.encode() if isinstance(self.body, str) else self.body
        headers = dict(answer.headers)
        if body is None and self.status is not None and self.status >= 400:
            body, headers = (
                f"<html><body><h1>HTTP Status {self.status}</h1></body></html>".encode(),
                {"Content-Type": "text/html"},
            )
        headers |= self.headers or {}
        return replace(
            answer,
            status=self.status or answer.status,
            body=answer.body if body is None else body,
            headers=headers,
        )


class Faults:
    """The faults of a server. The first fault that matches a request is used, and removed after `times` requests."""

    def __init__(self) -> None:
        self._added: list[Fault] = []
        self._script: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, match: str | Callable[[str], bool], times: int | None = 1, **what: object) -> Fault:
        """`match`: part of path and query as sent, or a function of them. `what`: members of `Fault`."""
        fault = Fault(match, times, **what)
        with self._lock:
            self._added.append(fault)
            self._script.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults, and end the waits that they caused."""
        with self._lock:
            for fault in self._added:
                fault.over.set()
            self._added.clear()
            self._script.clear()

    def take(self, target: str) -> Fault:
        """Return the fault for this request, or one without effect."""
        with self._lock:
            fault = next((one for one in self._script if one.concerns(target)), NONE)
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._script.remove(fault)
            return fault


NONE = Fault("", times=None)
