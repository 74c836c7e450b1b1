"""The size, checksum and type that a source gives for a file, and their comparison with the downloaded bytes."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import Any

from ...catalogue.checksums import Checksum, comparable
from ...models.catalogue import FileStatus

WEB_PAGES = ("text/html", "application/xhtml+xml")
_STARTS_OF_PAGES = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Announced:
    """Properties that the source gives for a file.

    `size`: in bytes. `checksum`: None unless it can be compared with the bytes. `media_type`: from the source, or else
    guessed from the file name.
    """

    size: int | None
    checksum: Checksum | None
    media_type: str | None

    @classmethod
    def of(cls, row: Any) -> Announced:
        """Return the properties that the source gives for the file of a catalogue row."""
        given = (row.media_type or "").partition(";")[0].strip().lower()
        guessed, packing = mimetypes.guess_type(row.name or "", strict=False)
        by_name = "application/gzip" if packing == "gzip" else guessed
        return cls(row.size, comparable(row.checksum, row.checksum_algorithm), given or by_name)

    def __str__(self) -> str:
        parts = [str(self.checksum)] if self.checksum else []
        return ", ".join([*parts, *([f"{self.size} bytes"] if self.size is not None else [])])

    @property
    def most(self) -> int | None:
        """Return the most bytes that a download may have, or None if no size is given.

        The limit is a little above the size, since compression in transit may enlarge a file (RFC 1952).
        """
        return None if self.size is None else self.size + self.size // 100 + 1024

    def status(self, size: int, digest: str | None) -> FileStatus:
        """Return the status of downloaded bytes.

        `size`: their number. `digest`: their digest by the algorithm of the checksum, None if there is no checksum.
        """
        if self.size is not None and size != self.size:
            return FileStatus.DAMAGED
        if self.checksum is None:
            return FileStatus.UNVERIFIED
        if digest == self.checksum.digits:
            return FileStatus.STORED
        return FileStatus.DAMAGED if self.size is None else FileStatus.DIFFERS

    def is_web_page_instead(self, media_type: str | None, start: bytes) -> bool:
        """Return whether the download is a web page instead of a file of another type.

        Return False if the size or checksum of the file is known: these show a wrong download themselves.
        """
        if self.size is not None or self.checksum is not None or self.media_type in (None, *WEB_PAGES):
            return False
        return media_type in WEB_PAGES or start.lstrip().lower().startswith(_STARTS_OF_PAGES)
