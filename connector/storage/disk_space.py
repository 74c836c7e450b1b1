"""Disk space: a job waits before the disk is full, because a full disk affects more than this job."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flask import current_app

from ..errors import JobStoppedError, StorageError
from ..i18n import gettext as _
from ..models.jobs import WaitReason
from ..text import human_size
from .content_store import away
from .waiting_job import WaitingJob

CHECK_SECONDS = 1.0
EVERY = 16 * 2**20  # bytes of a download between two checks


def free(instance: Path) -> int:
    """Return the free bytes of the instance folder or its files folder, whichever has less.

    The files folder may be on another disk. Raise StorageError if one of the folders is missing.
    """
    try:
        parts = [os.statvfs(folder) for folder in (instance, instance / "files")]
    except OSError as error:
        raise away(error) from error
    return min(part.f_bavail * part.f_frsize for part in parts)


def low_space_message() -> str | None:
    """Return a sentence for the pages while less space is free than CONNECTOR_MIN_FREE_DISK requires, else None."""
    try:
        least, left = current_app.config["MIN_FREE_DISK"], free(current_app.config["INSTANCE"])
    except StorageError as error:
        return str(error)
    if left >= least:
        return None
    return _(
        "The disk is almost full: %(left)s are free, and %(least)s must stay free. Imports wait until "
        "there is room, then continue automatically.",
        left=human_size(left),
        least=human_size(least),
    )


class Room:
    """A guard that lets a job wait for disk space. `least`: bytes that must stay free. With 0, no job waits."""

    def __init__(self, instance: Path, least: int, job: WaitingJob):
        self._instance, self._least, self._job = instance, least, job

    def wait(self, more: int = 0) -> None:
        """Wait until this many more bytes fit. Raise JobStoppedError as soon as a stop is requested."""
        try:
            while self._least and (left := free(self._instance)) - more < self._least:
                self._job.waiting(WaitReason.DISK_SPACE, _space_in_words(left, self._least, more))
                if self._job.stop.wait(CHECK_SECONDS):
                    raise JobStoppedError(_("Stopped."))
        finally:
            self._job.waiting(WaitReason.DISK_SPACE, "")

    def with_space_check(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """Return `write` with a check of the disk space every 16 MiB, since other processes write, too."""
        since = 0

        def checked_write(piece: bytes) -> None:
            nonlocal since
            since += len(piece)
            if since >= EVERY:
                since = 0
                self.wait()
            write(piece)

        return checked_write


def _space_in_words(left: int, least: int, more: int) -> str:
    sizes = {"left": human_size(left), "least": human_size(least), "more": human_size(more)}
    if more:
        return _("%(left)s are free, %(more)s are to come, and %(least)s must stay free.", **sizes)
    return _("%(left)s are free, %(least)s must stay free.", **sizes)
