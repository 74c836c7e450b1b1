"""Archives in the ZIP format, written as a stream: no part needs more memory or disk than itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED

from zipstream import ZipStream

from ..storage.content_store import PIECE
from ..storage.garbage_collection import the_folder


class Archive:
    """A ZIP archive. Texts are compressed. Files are not, since most formats of files are compressed already."""

    def __init__(self) -> None:
        self._zip = ZipStream()

    def text(self, name: str, content: bytes) -> Iterator[bytes]:
        """Yield the bytes of the archive up to the end of this text."""
        self._zip.add(content, name, compress_type=ZIP_DEFLATED)
        yield from self._zip.all_files()

    def file(self, name: str, sha256: str) -> Iterator[bytes]:
        """Yield the bytes of the archive up to the end of this stored file."""
        self._zip.add(_pieces(the_folder().path(sha256)), name)
        yield from self._zip.all_files()

    def end(self) -> Iterator[bytes]:
        """Yield the last bytes of the archive."""
        yield from self._zip.finalize()


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            yield piece
