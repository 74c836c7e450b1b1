"""A folder of archives, each named by its instance and when it was begun (UTC), in which the oldest give way."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

from ..errors import StorageError
from .partial_file import is_regular, remove_leftover

NAMED = re.compile(
    r"(?P<archive>connector-(?P<instance>[0-9a-f]{8})-(?P<time>\d{8}T\d{6})Z\.tar)(\.part|\.database\.part)?"
)
TIME = "%Y%m%dT%H%M%S"


def named(folder: Path, key: str, now: datetime) -> Path:
    """Where the archive of now goes, of the instance with this secret key.

    The names of an instance in their order are those of the times.
    """
    instance = hashlib.sha256(b"DSpace Connector, name of backups: " + key.encode()).hexdigest()[:8]
    return folder / f"connector-{instance}-{now.strftime(TIME)}Z.tar"


def remove_old(written: Path, keep: int, now: datetime) -> None:
    """Remove what is older than the newest `keep` archives of the instance, and than `written`, be its clock slow.

    What is named by a time after now, by a clock that ran ahead, neither counts nor goes. What killed backups left
    goes with the archives of its time; nothing of another name or instance does. Raises StorageError.
    """
    instance = NAMED.fullmatch(written.name)["instance"]
    matches = [match for path in written.parent.iterdir() if (match := NAMED.fullmatch(path.name)) and is_regular(path)]
    own = [match for match in matches if match["instance"] == instance]
    whole = sorted(match[0] for match in own if match[0] == match["archive"] and match["time"] <= now.strftime(TIME))
    oldest = min([*whole[-keep:], written.name])
    for match in own:
        if match["archive"] < oldest:
            _remove(written.parent / match[0], written.parent / match["archive"])


def _remove(path: Path, archive: Path) -> None:
    """Remove the archive, or what lies beside it unless it is being written."""
    try:
        if path == archive or remove_leftover(archive):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"The old backup {path.name} cannot be removed: {error.strerror}.") from error
