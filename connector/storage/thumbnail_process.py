"""A process that makes thumbnails. Hostile files can only end it: it has limits, no environment and no database."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

SCRIPT = Path(__file__).with_name("thumbnail_script.py")
LONGEST = 120  # seconds for one file, because it may also wait for the disk


class Kind(StrEnum):
    """What a file is for the process."""

    PICTURE = "picture"
    PDF = "pdf"


class ThumbnailError(Exception):
    """A file from which no thumbnail can be made. The message is for the log."""


class ThumbnailProcess:
    """The process, started when it is needed first, and again after it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def make(self, source: Path, target: Path, kind: Kind) -> tuple[int, int]:
        """Write the thumbnail of a file to `target`. Return the width and the height of the picture in pixels.

        For a PDF, they are those of the rendered first page. Raise ThumbnailError if it cannot be made.
        """
        if self._process and self._process.poll() is not None:  # the kernel may have ended it for want of memory
            self._end()
        process = self._process = self._process or _start()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"source": str(source), "target": str(target), "kind": kind}) + "\n")
        process.stdin.flush()
        is_answered, _, _ = select.select([process.stdout], [], [], LONGEST)
        line = process.stdout.readline() if is_answered else ""
        if not line:
            raise ThumbnailError(f"the process ended (exit code {self._end()})")
        answer = json.loads(line)
        if "problem" in answer:
            raise ThumbnailError(answer["problem"])
        return answer["width"], answer["height"]

    def _end(self) -> int | None:
        """End the process. Return its exit code, None if there is none."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        with process:
            return process.wait()


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        encoding="utf-8",
    )
