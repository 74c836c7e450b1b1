"""The files folder: each file is stored once, under its SHA-256. It is written to a `.part` file first.

The part file is synced to the disk, then renamed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from ..errors import StorageError
from ..i18n import decimal, gettext as _, ngettext

STORED = re.compile(r"[0-9a-f]{64}")
PIECE = 2**18  # bytes
FORGOTTEN = 24 * 3600  # seconds without a write, after which a part file of another machine counts as abandoned
PART = re.compile(r"(?P<host>.+)-(?P<pid>\d+)-[^-]+\.part")


class Part:
    """A file that is being written to the folder. Its methods raise StorageError if the disk is full or read-only."""

    def __init__(self, folder: Path):
        try:
            prefix = f"{socket.gethostname()}-{os.getpid()}-"
            self._file = tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, suffix=".part", delete=False)  # noqa: SIM115
        except OSError as error:
            raise _storage_error(error) from error
        self.path = Path(self._file.name)

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise _storage_error(error) from error

    def finish(self) -> None:
        """Sync the bytes to the disk, so that they survive a power failure."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _storage_error(error) from error

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the finished part."""
        try:
            with open(self.path, "rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            raise _storage_error(error) from error

    def discard(self) -> None:
        """Delete the part, unless it has become a stored file. If that fails, `tidy` deletes it later."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):  # an error here must not hide the original error
            self.path.unlink(missing_ok=True)


class FileFolder:
    """A folder with files at `folder/ab/cdef…`, where abcdef… is their SHA-256."""

    def __init__(self, folder: Path):
        self.folder = folder

    def check(self) -> None:
        """Raise StorageError if the folder is missing."""
        try:
            self.folder.stat()
        except OSError as error:
            raise away(error) from error

    def path(self, sha256: str) -> Path:
        """Return the path for this SHA-256, whether the file exists or not."""
        return self.folder / sha256[:2] / sha256[2:]

    def relative(self, sha256: str) -> str:
        """Return the path for this SHA-256 relative to the instance folder, for exports."""
        return f"{self.folder.name}/{sha256[:2]}/{sha256[2:]}"

    def part(self) -> Part:
        """Create a new part file in this folder."""
        return Part(self.folder)

    def keep(self, part: Part, sha256: str) -> None:
        """Move a finished part to the path for this SHA-256."""
        target = self.path(sha256)
        try:
            target.parent.mkdir(exist_ok=True)
            os.replace(part.path, target)
            sync(target.parent)
        except OSError as error:
            raise _storage_error(error) from error

    def fault(self, sha256: str, size: int | None = None) -> str | None:
        """Return what is wrong with the file of this SHA-256, as a sentence, or None. `size` in bytes.

        The whole file is read, a piece at a time. Raise StorageError if it cannot be read.
        """
        path = self.path(sha256)
        try:
            if size is not None and (found := path.stat().st_size) != size:
                return ngettext(
                    "It has %(num)s byte, and %(size)s were stored.",
                    "It has %(num)s bytes, and %(size)s were stored.",
                    found,
                    size=decimal(size),
                )
            with open(path, "rb") as file:
                intact = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            return None if intact else _("The content differs from what was stored.")
        except FileNotFoundError:
            return _("The stored content is missing.")
        except OSError as error:
            if error.errno == errno.EIO:
                return _("The disk cannot read its bytes any more.")
            raise StorageError(_("The files folder cannot be read: %(strerror)s.", strerror=error.strerror)) from error

    def set_aside(self, sha256: str) -> Path | None:
        """Move a damaged file to `folder/damaged`, and return its new path, or None if there is no file.

        Files that were moved before are kept.
        """
        path, aside = self.path(sha256), self.folder / "damaged"
        if not path.exists():
            return None
        try:
            aside.mkdir(exist_ok=True)
            names = (aside / (sha256 if number == 1 else f"{sha256}-{number}") for number in count(1))
            target = next(name for name in names if not name.exists())
            os.replace(path, target)
            sync(aside)
        except OSError as error:
            raise _storage_error(error) from error
        return target

    def remove(self, sha256: str) -> None:
        """Delete the file, and its folder if that is empty then. Do nothing if the file does not exist."""
        path = self.path(sha256)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _storage_error(error) from error
        with suppress(OSError):
            path.parent.rmdir()

    def all_checksums(self) -> Iterator[str]:
        """Yield the SHA-256 of all files in the folder."""
        for path in self.folder.glob("??/*"):
            if STORED.fullmatch(sha256 := path.parent.name + path.name):
                yield sha256

    def tidy(self) -> None:
        """Delete part files of processes on this machine that have ended, and old part files of other machines.

        Each start of a container counts as another machine.
        """
        for path in self.folder.glob("*.part"):
            match = PART.fullmatch(path.name)
            with suppress(OSError):  # a read-only folder is reported when a file must be written
                if match and _is_left_behind(path, match["host"], int(match["pid"])):
                    path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder while a file and its row change, so that no job deletes a file that another one stores."""
        try:
            file = open(self.folder.with_suffix(".lock"), "w")  # noqa: SIM115
        except OSError as error:
            raise _storage_error(error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_left_behind(path: Path, host: str, pid: int) -> bool:
    if host == socket.gethostname():
        return not is_alive(pid)
    return time.time() - path.stat().st_mtime > FORGOTTEN


def is_alive(pid: int) -> bool:
    """Return whether a process with this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sync(path: Path) -> None:
    """Make the kernel write a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def away(error: OSError) -> StorageError:
    """Return the error for a missing folder. Its sentence leaves out the path, because every user may read it."""
    return StorageError(_("The files folder cannot be used: %(strerror)s. Is its disk there?", strerror=error.strerror))


def _storage_error(error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(_("The disk with the files folder is full. Free some space, then try again."))
    return StorageError(_("The files folder cannot be written: %(strerror)s.", strerror=error.strerror))
