"""The interface of a job that waits for disk space or the virus scanner."""

from __future__ import annotations

import threading
from typing import Protocol

from ..models.jobs import WaitReason


class WaitingJob(Protocol):
    """A running job (see `jobs.attempt`)."""

    stop: threading.Event

    def waiting(self, reason: WaitReason, detail: str) -> None:
        """Show that the job waits and why. An empty detail ends the wait."""

    def check(self) -> None:
        """Raise JobStoppedError if a stop was requested or another attempt has taken over."""
