"""The last step of a restore: the unpacked files replace those of the instance, even if the process is killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .content_store import sync

DATABASE, KEY = "connector.db", "secret_key"
READY = "restored"


def commit(unpacked: Path, instance: Path) -> None:
    """Commit the restore from `unpacked`, a folder in the instance folder.

    From here on the restore is done: the next process that uses the instance calls `finish`.
    """
    for path in unpacked.iterdir():
        sync(path)
    sync(unpacked)
    os.rename(unpacked, instance / READY)
    sync(instance)


def finish(instance: Path, database: Path | None) -> None:
    """Move the committed files into place, if there are any. No process may have the database open."""
    ready = instance / READY
    if not ready.exists():
        return
    if database is not None and (ready / DATABASE).exists():
        for ending in ("-wal", "-shm"):  # of the old database: the new one must not use them
            Path(f"{database}{ending}").unlink(missing_ok=True)
        shutil.move(ready / DATABASE, database)  # the target may be on another disk
    if (ready / KEY).exists():
        os.replace(ready / KEY, instance / KEY)
    ready.rmdir()
