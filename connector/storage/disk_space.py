"""Room on the disk: a job waits before it is full, since a full disk is trouble for more than the job."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flask import current_app

from ..errors import JobStoppedError, StorageError
from ..models.jobs import WaitReason
from ..text import human_size
from .content_store import away
from .waiting_job import WaitingJob

LOOK = 1.0  # seconds
EVERY = 16 * 2**20  # bytes of a download


def free(instance: Path) -> int:
    """Bytes that are free for us, of the instance folder and of the files folder in it, which may be a disk apart.

    Raises StorageError where one of them is gone.
    """
    try:
        parts = [os.statvfs(folder) for folder in (instance, instance / "files")]
    except OSError as error:
        raise away(error) from error
    return min(part.f_bavail * part.f_frsize for part in parts)


def shortage() -> str | None:
    """The sentence for the pages while there is less room than CONNECTOR_MIN_FREE wants; None while there is enough."""
    try:
        least, left = current_app.config["MIN_FREE"], free(current_app.config["INSTANCE"])
    except StorageError as error:
        return str(error)
    if left >= least:
        return None
    return (
        f"The disk is almost full: {human_size(left)} are free, and {human_size(least)} are to stay free. Imports wait "
        "until there is room, then go on by themselves."
    )


class Room:
    """Lets a job wait for room. `least`: bytes that are to stay free; with 0 nothing waits, and a full disk tells."""

    def __init__(self, instance: Path, least: int, job: WaitingJob):
        self._instance, self._least, self._job = instance, least, job

    def wait(self, more: int = 0) -> None:
        """Wait until so many bytes more fit. Raises JobStoppedError as soon as a stop is asked for."""
        try:
            while self._least and (left := free(self._instance)) - more < self._least:
                wanted = f"{human_size(more)} are to come, and " if more else ""
                detail = f"{human_size(left)} are free, {wanted}{human_size(self._least)} are to stay free."
                self._job.waiting(WaitReason.DISK_SPACE, detail)
                if self._job.stop.wait(LOOK):
                    raise JobStoppedError("Stopped.")
        finally:
            self._job.waiting(WaitReason.DISK_SPACE, "")

    def guarded(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """The same `write`, which looks for room now and then: others write at the same time."""
        since = 0

        def careful(piece: bytes) -> None:
            nonlocal since
            since += len(piece)
            if since >= EVERY:
                since = 0
                self.wait()
            write(piece)

        return careful
