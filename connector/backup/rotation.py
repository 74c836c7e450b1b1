"""A folder of archives, named by instance and start time (UTC), from which the oldest are deleted."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

from ..errors import StorageError
from ..i18n import gettext as _
from .partial_file import is_regular, remove_leftover

NAMED = re.compile(
    r"(?P<archive>connector-(?P<instance>[0-9a-f]{8})-(?P<time>\d{8}T\d{6})Z\.tar)(\.part|\.database\.part)?"
)
TIME = "%Y%m%dT%H%M%S"


def archive_path(folder: Path, key: str, now: datetime) -> Path:
    """Return the path of an archive that starts now, of the instance with this secret key.

    The names of an instance sort by time.
    """
    instance = hashlib.sha256(b"DSpace Connector, name of backups: " + key.encode()).hexdigest()[:8]
    return folder / f"connector-{instance}-{now.strftime(TIME)}Z.tar"


def remove_old(written: Path, keep: int, now: datetime) -> None:
    """Delete all but the newest `keep` archives of the instance. Keep `written`, even if the clock is slow.

    Archives with a time after `now` (from a clock that was fast) do not count and are kept. Leftovers of killed backups
    are deleted like archives of their time. Files of other names or instances are kept. Raise StorageError.
    """
    matches = [match for path in written.parent.iterdir() if (match := NAMED.fullmatch(path.name)) and is_regular(path)]
    own = [match for match in matches if match["instance"] == written.name.split("-")[1]]
    whole = sorted(match[0] for match in own if match[0] == match["archive"] and match["time"] <= now.strftime(TIME))
    oldest = min([*whole[-keep:], written.name])
    for match in own:
        if match["archive"] < oldest:
            _remove(written.parent / match[0], written.parent / match["archive"])


def _remove(path: Path, archive: Path) -> None:
    """Delete the archive, or a file beside it unless it is being written."""
    try:
        if path == archive or remove_leftover(archive):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            _("The old backup %(name)s cannot be removed: %(strerror)s.", name=path.name, strerror=error.strerror)
        ) from error
