"""The part file of an archive, locked while it is written: one that is not was left by a backup that was killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import ConflictError


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """A file of mode 600 that becomes `target` at the end, or is gone if anything goes wrong.

    Raises ConflictError where `target` exists or another backup is writing it, OSError.
    """
    part = part_of(target)
    taken = ConflictError(f"Another backup is writing {part} already.")
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
                raise ConflictError(f"{target} exists already: name another file.")
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, target)
        except BaseException:
            with suppress(OSError):  # or the trouble that led here would not be told
                part.unlink(missing_ok=True)
            raise


def remove_leftover(target: Path) -> bool:
    """Remove the part of `target` unless it is being written; gives whether nobody writes it. Raises OSError."""
    part = part_of(target)
    if not is_regular(part):
        return True
    try:
        handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW)  # on NFS only a file open for writing can be locked
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
    """Where `target` lies until it is whole."""
    return Path(f"{target}.part")


def is_regular(path: Path) -> bool:
    """Whether it is a file, not a folder nor a link to something."""
    return path.is_file() and not path.is_symlink()


def _hold(handle: int, path: Path) -> bool:
    """Lock the open file; False where somebody else has, or has removed it from its path before."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):
        return False
