"""The last step of a restore: what was unpacked whole takes the place of what is there, even if killed in between."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

DATABASE, KEY = "connector.db", "secret_key"
READY = "restored"


def commit(unpacked: Path, instance: Path) -> None:
    """From here on the restore is done: whoever uses the instance next calls `finish`. `unpacked` lies in it."""
    for path in unpacked.iterdir():
        _sync(path)
    _sync(unpacked)
    os.rename(unpacked, instance / READY)
    _sync(instance)


def finish(instance: Path, database: Path | None) -> None:
    """Put in place what was committed; nothing where nothing was. Nobody has the database open."""
    ready = instance / READY
    if not ready.exists():
        return
    if database is not None and (ready / DATABASE).exists():
        for ending in ("-wal", "-shm"):  # of the old database: the new one must not take them for its own
            Path(f"{database}{ending}").unlink(missing_ok=True)
        shutil.move(ready / DATABASE, database)  # which may lie on another disk
    if (ready / KEY).exists():
        os.replace(ready / KEY, instance / KEY)
    ready.rmdir()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
