"""The bytes of a file as DSpace 7 to 10 send them: length, checksum as ETag, conditional and partial answers."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from .answers import Answer, Request
from .records import Bitstream

INLINE = ("application/pdf",)


def answer(one: Bitstream, request: Request) -> Answer:
    """Return the file, a part of it, or 304 if the reader has it already."""
    headers = _headers(one)
    if one.checksum and request.headers.get("if-none-match", "").strip('W/"') == one.checksum:
        return Answer(304, headers=headers)
    headers["Content-Type"] = f"{one.mimetype};charset=UTF-8"
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not found:
        return Answer(200, one.content, headers)
    return _part(one, int(found.group(1)), found.group(2), headers)


def _part(one: Bitstream, first: int, last: str, headers: dict[str, str]) -> Answer:
    """Return a range. A range beyond the end is answered 416 with the whole file, as by DSpace 9.3."""
    size = len(one.content)
    if first >= size:
        return Answer(416, one.content, headers | {"Content-Range": f"bytes */{size}"})
    end = min(int(last), size - 1) if last else size - 1
    return Answer(206, one.content[first : end + 1], headers | {"Content-Range": f"bytes {first}-{end}/{size}"})


def _headers(one: Bitstream) -> dict[str, str]:
    name = one.name or f"{one.uuid}.bin"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    how = "inline" if one.mimetype in INLINE else "attachment"
    headers = {
        "Content-Disposition": f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Last-Modified": "Mon, 23 Nov 2026 22:48:48 GMT",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private,no-cache",
    }
    return headers | ({"ETag": f'"{one.checksum}"'} if one.checksum else {})
