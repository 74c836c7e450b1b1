"""Size, digests and media type of a completed download."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import requests

GZIP = ("gzip", "x-gzip")  # RFC 9110, 8.4.1.3


@dataclass(frozen=True)
class Download:
    """The result of a download: `size` in bytes as sent, digests in lower-case hexadecimal.

    `is_packed`: whether Content-Encoding names gzip, be it of the transfer or of the file. `media_type`: from
    Content-Type.
    """

    size: int
    md5: str
    sha256: str
    is_packed: bool = False
    media_type: str | None = None


class Received:
    """A counter of the size and digests of the bytes that go to the sink."""

    def __init__(self, sink: Callable[[bytes], object]):
        self.size = 0
        self._sink = sink
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        """Pass the piece to the sink."""
        self.size += len(piece)
        self._md5.update(piece)
        self._sha256.update(piece)
        self._sink(piece)

    def result(self) -> Download:
        """Return the size and digests of the bytes so far."""
        return Download(self.size, self._md5.hexdigest(), self._sha256.hexdigest())

    def result_of(self, answer: requests.Response) -> Download:
        """Return the size and digests of the bytes so far, with the encoding and media type of this response."""
        headers = answer.headers
        is_packed = headers.get("Content-Encoding", "").strip().lower() in GZIP
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower() or None
        return replace(self.result(), is_packed=is_packed, media_type=media_type)
