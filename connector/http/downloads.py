"""What is known of a file once all of it has come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """What a download brought: `size` in bytes, digests in lower-case hexadecimal."""

    size: int
    md5: str
    sha256: str


class Received:
    """Counts and digests what goes to the sink."""

    def __init__(self, sink: Callable[[bytes], object]):
        self.size = 0
        self._sink = sink
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        """Give the piece to the sink."""
        self.size += len(piece)
        self._md5.update(piece)
        self._sha256.update(piece)
        self._sink(piece)

    def result(self) -> Download:
        """What came, as of now."""
        return Download(self.size, self._md5.hexdigest(), self._sha256.hexdigest())
