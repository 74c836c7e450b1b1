"""The time at which a process last checked for abandoned jobs. Monitors read it."""

from __future__ import annotations

import time
from pathlib import Path

_FILE = "recovered"


def touch(instance: Path) -> None:
    """Note that a process has just checked for abandoned jobs (see `jobs.lifecycle.recover`)."""
    (instance / _FILE).touch()


def age(instance: Path) -> float | None:
    """Return the seconds since a process last checked for abandoned jobs, or None if no process has."""
    file = instance / _FILE
    return time.time() - file.stat().st_mtime if file.exists() else None
