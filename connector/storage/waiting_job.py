"""What a disk or virus scanner that is not ready needs of the job that waits for it."""

from __future__ import annotations

import threading
from typing import Protocol

from ..models.jobs import WaitReason


class WaitingJob(Protocol):
    """A job at work (see `imports.run`)."""

    stop: threading.Event

    def waiting(self, reason: WaitReason, detail: str) -> None:
        """Show that it waits, and why; it no longer waits with an empty detail."""

    def check(self) -> None:
        """Raise JobStoppedError if a stop was asked for, or another attempt has taken over."""
