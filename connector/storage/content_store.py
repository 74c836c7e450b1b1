"""The files folder: bytes lie once, under their SHA-256; written to a `.part` file, synced, renamed."""

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

STORED = re.compile(r"[0-9a-f]{64}")
PIECE = 2**18  # bytes
FORGOTTEN = 24 * 3600  # seconds without a write, after which another machine's part is taken for left behind
PART = re.compile(r"(?P<host>.+)-(?P<pid>\d+)-[^-]+\.part")


class Part:
    """Bytes on their way into the folder. Raises StorageError when the disk is full or cannot be written."""

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

    def pieces(self) -> Iterator[bytes]:
        """Its bytes again, once it is finished."""
        try:
            with open(self.path, "rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            raise _trouble(error) from error

    def discard(self) -> None:
        """Remove it, unless it has become a stored file. Where that cannot be done, `tidy` does it later."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):  # or the trouble that led here would not be told
            self.path.unlink(missing_ok=True)


class FileFolder:
    """Stored bytes lie under `folder/ab/cdef…`, where abcdef… is their SHA-256."""

    def __init__(self, folder: Path):
        self.folder = folder

    def check(self) -> None:
        """Raises StorageError where it is not there."""
        try:
            self.folder.stat()
        except OSError as error:
            raise away(error) from error

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

    def fault(self, sha256: str, size: int | None = None) -> str | None:
        """What is wrong with the bytes of this SHA-256, as a sentence; None where nothing is. `size` in bytes.

        Reads all of them, a piece at a time. Raises StorageError when they may not be read.
        """
        path = self.path(sha256)
        try:
            if size is not None and (lying := path.stat().st_size) != size:
                return f"{lying} bytes lie there where {size} were stored."
            with open(path, "rb") as file:
                intact = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            return None if intact else "Its bytes are not those that were stored."
        except FileNotFoundError:
            return "Its bytes are gone."
        except OSError as error:
            if error.errno == errno.EIO:
                return "The disk cannot read its bytes any more."
            raise StorageError(f"The files folder cannot be read: {error.strerror}.") from error

    def set_aside(self, sha256: str) -> Path | None:
        """Move damaged bytes to `folder/damaged`, beside those that were moved before; None where none lie there."""
        path, aside = self.path(sha256), self.folder / "damaged"
        if not path.exists():
            return None
        try:
            aside.mkdir(exist_ok=True)
            names = (aside / (sha256 if number == 1 else f"{sha256}-{number}") for number in count(1))
            target = next(name for name in names if not name.exists())
            os.replace(path, target)
            _sync_folder(aside)
        except OSError as error:
            raise _trouble(error) from error
        return target

    def remove(self, sha256: str) -> None:
        """Remove the bytes, and the folder they lay in where it is empty then. Nothing there is no error."""
        path = self.path(sha256)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _trouble(error) from error
        with suppress(OSError):
            path.parent.rmdir()

    def stored(self) -> Iterator[str]:
        """The SHA-256 of all bytes that lie here."""
        for path in self.folder.glob("??/*"):
            if STORED.fullmatch(sha256 := path.parent.name + path.name):
                yield sha256

    def tidy(self) -> None:
        """Remove part files whose process on this machine is gone, and those of others that nobody writes any more.

        In a container each start is another machine.
        """
        for path in self.folder.glob("*.part"):
            match = PART.fullmatch(path.name)
            with suppress(OSError):  # a folder that cannot be written is told by what needs to write
                if match and _is_left_behind(path, match["host"], int(match["pid"])):
                    path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder while bytes and their row change together, or one job would remove what another stores."""
        try:
            file = open(self.folder.with_suffix(".lock"), "w")  # noqa: SIM115
        except OSError as error:
            raise _trouble(error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_left_behind(path: Path, host: str, pid: int) -> bool:
    if host == socket.gethostname():
        return not is_alive(pid)
    return time.time() - path.stat().st_mtime > FORGOTTEN


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


def away(error: OSError) -> StorageError:
    """What is told of a folder that is gone, without its path: everybody may read that."""
    return StorageError(f"The files folder cannot be used: {error.strerror}. Is its disk there?")


def _trouble(error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError("The disk with the files folder is full. Free some space, then try again.")
    return StorageError(f"The files folder cannot be written: {error.strerror}.")
