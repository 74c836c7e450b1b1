"""The part file of an archive, locked while it is written. An unlocked part file is from a backup that was killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import ConflictError
from ..i18n import gettext as _


@contextmanager
def write_atomically(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file of mode 600 that is renamed to `target` at the end, or deleted after an error.

    Raise ConflictError if `target` exists or another backup is writing it. Raise OSError.
    """
    part = part_of(target)
    taken = ConflictError(_("Another backup is writing %(part)s already.", part=part))
    if not remove_leftover(target):
        raise taken
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise taken from None
    with open(handle, "wb") as file:
        if not _hold(file.fileno(), part):
            raise taken
        try:
            if target.exists():
                raise ConflictError(_("%(target)s exists already: name another file.", target=target))
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, target)
        except BaseException:
            with suppress(OSError):  # an error here must not hide the original error
                part.unlink(missing_ok=True)
            raise


def remove_leftover(target: Path) -> bool:
    """Delete the part file of `target`, if any. Return False if another process is writing it.

    Raise OSError.
    """
    part = part_of(target)
    if not is_regular(part):
        return True
    try:
        handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW)  # on NFS, only a file open for writing can be locked
    except FileNotFoundError:
        return True
    try:
        is_ours = _hold(handle, part)
        if is_ours:
            part.unlink()
        return is_ours
    finally:
        os.close(handle)


def part_of(target: Path) -> Path:
    """Return the path of the part file of `target`."""
    return Path(f"{target}.part")


def is_regular(path: Path) -> bool:
    """Return whether the path is a file, not a folder or a symlink."""
    return path.is_file() and not path.is_symlink()


def _hold(handle: int, path: Path) -> bool:
    """Lock the open file, and return True. Return False if it is locked or no longer at its path."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):
        return False
