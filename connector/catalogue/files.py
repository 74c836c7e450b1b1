"""The files folder: bytes lie once, under their SHA-256; written to a `.part` file, synced, renamed."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageTrouble

STORED = re.compile(r"[0-9a-f]{64}")
PART = re.compile(r"(?P<host>.+)-(?P<pid>\d+)-[^-]+\.part")


class Part:
    """Bytes on their way into the folder. Raises StorageTrouble when the disk is full or cannot be written."""

    def __init__(self, folder: Path):
        try:
            prefix = f"{socket.gethostname()}-{os.getpid()}-"
            self._file = tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, suffix=".part", delete=False)  # noqa: SIM115
        except OSError as error:
            raise _trouble(error) from error
        self.path = Path(self._file.name)

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise _trouble(error) from error

    def finish(self) -> None:
        """Bring the bytes to the disk: after this they survive a loss of power."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _trouble(error) from error

    def discard(self) -> None:
        """Remove it, unless it has become a stored file."""
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


class FileFolder:
    """Stored bytes lie under `folder/ab/cdef…`, where abcdef… is their SHA-256."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the bytes of this SHA-256 lie, whether they are there or not."""
        return self.folder / sha256[:2] / sha256[2:]

    def relative(self, sha256: str) -> str:
        """The same, relative to the instance folder, as exports give it."""
        return f"{self.folder.name}/{sha256[:2]}/{sha256[2:]}"

    def part(self) -> Part:
        """A new part file in this folder."""
        return Part(self.folder)

    def keep(self, part: Part, sha256: str) -> None:
        """Make a finished part the bytes of this SHA-256."""
        target = self.path(sha256)
        try:
            target.parent.mkdir(exist_ok=True)
            os.replace(part.path, target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _trouble(error) from error

    def remove(self, sha256: str) -> None:
        """Remove the bytes, and the folder they lay in where it is empty then. Nothing there is no error."""
        path = self.path(sha256)
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()

    def stored(self) -> Iterator[str]:
        """The SHA-256 of all bytes that lie here."""
        for path in self.folder.glob("??/*"):
            if STORED.fullmatch(sha256 := path.parent.name + path.name):
                yield sha256

    def tidy(self) -> None:
        """Remove part files whose process on this machine is gone."""
        for path in self.folder.glob("*.part"):
            match = PART.fullmatch(path.name)
            if match and match["host"] == socket.gethostname() and not is_alive(int(match["pid"])):
                path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder while bytes and their row change together, or one job would remove what another stores."""
        with open(self.folder.with_suffix(".lock"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _trouble(error: OSError) -> StorageTrouble:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageTrouble("The disk with the files folder is full. Free some space, then press Resume.")
    return StorageTrouble(f"The files folder cannot be written: {error.strerror}.")
