"""A folder of archives, each named by when it was written (UTC), in which the oldest give way."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from ..errors import StorageTrouble

NAMED = re.compile(r"(connector-\d{8}T\d{6}Z\.tar)(\.database)?(\.part)?")


def named(folder: Path, now: datetime) -> Path:
    """Where the archive of now goes. Names in their order are those of the times."""
    return folder / f"connector-{now:%Y%m%dT%H%M%S}Z.tar"


def remove_old(written: Path, keep: int) -> None:
    """Remove what is older than the newest `keep` archives beside `written` and than itself, be its clock slow.

    What killed backups left goes with the archives of its time; nothing of another name does. Raises StorageTrouble.
    """
    found = [match for path in written.parent.iterdir() if (match := NAMED.fullmatch(path.name))]
    whole = sorted(match[0] for match in found if match[0] == match[1])
    oldest = min([*whole[-keep:], written.name])
    for name in (match[0] for match in found if match[1] < oldest):
        try:
            (written.parent / name).unlink(missing_ok=True)
        except OSError as error:
            raise StorageTrouble(f"The old backup {name} cannot be removed: {error.strerror}.") from error
