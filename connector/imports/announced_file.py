"""What a source says of a file before it comes, and how far the bytes that came agree with it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import Any

from ..catalogue.checksums import Checksum, comparable
from ..models.catalogue import FileStatus

WEB_PAGES = ("text/html", "application/xhtml+xml")
PACKED = ("application/gzip", "application/x-gzip")
_STARTS_OF_PAGES = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Announced:
    """`size` in bytes; `checksum` where it is one of the bytes; `media_type` by the source, else by the name."""

    size: int | None
    checksum: Checksum | None
    media_type: str | None

    @classmethod
    def of(cls, row: Any) -> Announced:
        """Return what the source says of the file of a row."""
        given = (row.media_type or "").partition(";")[0].strip().lower()
        guessed, packing = mimetypes.guess_type(row.name or "", strict=False)
        by_name = "application/gzip" if packing == "gzip" else guessed
        return cls(row.size, comparable(row.checksum, row.checksum_algorithm), given or by_name)

    def __str__(self) -> str:
        told = [str(self.checksum)] if self.checksum else []
        return ", ".join([*told, *([f"{self.size} bytes"] if self.size is not None else [])])

    @property
    def most(self) -> int | None:
        """Return how many bytes may come; None where no size is given.

        A little more than the size, as bytes that are packed on the way may be more than they were (RFC 1952).
        """
        return None if self.size is None else self.size + self.size // 100 + 1024

    def status(self, size: int, digest: str | None) -> FileStatus:
        """Return the status of bytes of this size; `digest`: theirs by the algorithm of the checksum, None without."""
        if self.size is not None and size != self.size:
            return FileStatus.DAMAGED
        if self.checksum is None:
            return FileStatus.UNVERIFIED
        if digest == self.checksum.digits:
            return FileStatus.STORED
        return FileStatus.DAMAGED if self.size is None else FileStatus.DIFFERS

    def is_web_page_instead(self, media_type: str | None, start: bytes) -> bool:
        """Return whether a web page came for a file of another type, of which neither size nor checksum is known."""
        if self.size is not None or self.checksum is not None or self.media_type in (None, *WEB_PAGES):
            return False
        return media_type in WEB_PAGES or start.lstrip().lower().startswith(_STARTS_OF_PAGES)

    def is_packed_itself(self) -> bool:
        """Return whether the file itself is packed with gzip, by its type."""
        return self.media_type in PACKED
