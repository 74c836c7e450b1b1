"""When a process last looked for jobs that were left behind, so that monitors see whether one does."""

from __future__ import annotations

import time
from pathlib import Path

_FILE = "recovered"


def touch(instance: Path) -> None:
    """Note that a process has just looked for such jobs (see `jobs.recover`)."""
    (instance / _FILE).touch()


def age(instance: Path) -> float | None:
    """Return how many seconds ago a process last looked; None if none ever did."""
    file = instance / _FILE
    return time.time() - file.stat().st_mtime if file.exists() else None
