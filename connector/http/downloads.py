"""What is known of a file once all of it has come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import requests

GZIP = ("gzip", "x-gzip")  # RFC 9110, 8.4.1.3


@dataclass(frozen=True)
class Download:
    """What a download brought, as it was sent: `size` in bytes, digests in lower-case hexadecimal.

    `is_packed`: the answer says that it was packed with gzip, on the way or for good. `media_type` as the answer says.
    """

    size: int
    md5: str
    sha256: str
    is_packed: bool = False
    media_type: str | None = None


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

    def result_of(self, answer: requests.Response) -> Download:
        """What came with this answer."""
        headers = answer.headers
        is_packed = headers.get("Content-Encoding", "").strip().lower() in GZIP
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower() or None
        return replace(self.result(), is_packed=is_packed, media_type=media_type)
