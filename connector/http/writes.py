"""Requests that change data on a server: what they send, and whether the server may have carried out a failed one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO

from urllib3.fields import RequestField

from ..errors import (
    BotChallengeError,
    ConnectorError,
    MaintenanceError,
    OutcomeUnknownError,
    ServerError,
    TooLargeError,
    TransientError,
    UnreachableError,
)
from ..i18n import gettext as _


class Method(StrEnum):
    """The method of a request that changes data."""

    POST = "POST"
    PATCH = "PATCH"
    DELETE = "DELETE"


@dataclass(frozen=True)
class Upload:
    """A file to send. `field`: the name of its part. `open`: opens the file for reading. `size`: in bytes."""

    field: str
    filename: str
    open: Callable[[], IO[bytes]]
    size: int
    media_type: str = "application/octet-stream"


class Multipart:
    """The body of a multipart/form-data request with text fields and one file, which is read while it is sent.

    `sent`: called with the number of bytes before each piece of the file is sent. It may raise an error to end the
    request.
    """

    def __init__(self, fields: dict[str, str], upload: Upload, sent: Callable[[int], object]):
        boundary = secrets.token_hex(16)
        start = "".join(f"{_part_start(boundary, RequestField(name, text))}{text}\r\n" for name, text in fields.items())
        start += _part_start(boundary, RequestField(upload.field, "", upload.filename), upload.media_type)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._start, self._end = start.encode(), f"\r\n--{boundary}--\r\n".encode()
        self._upload, self._sent = upload, sent

    def __len__(self) -> int:
        return len(self._start) + self._upload.size + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in pieces. The file must still have the size that was announced."""
        yield self._start
        left = self._upload.size
        with self._upload.open() as file:
            while left and (piece := file.read(min(left, 64 * 1024))):
                self._sent(len(piece))
                left -= len(piece)
                yield piece
        if left:
            raise OSError(f"The file ends {left} bytes early.")
        yield self._end


def _part_start(boundary: str, field: RequestField, media_type: str | None = None) -> str:
    field.make_multipart(content_type=media_type)
    return f"--{boundary}\r\n{field.render_headers()}"


@contextmanager
def outcome_checked(url: str) -> Iterator[None]:
    """Turn an error after which the server may have carried out the request into OutcomeUnknownError.

    Other errors mean that it was not carried out: nothing was sent, or the server refused it (429, 503 with
    Retry-After, any 4xx but 408, a redirect). A proxy may answer with any other 5xx while the server still works.
    """
    try:
        yield
    except (TransientError, TooLargeError) as error:
        if _is_refusal(error):
            raise
        sentence = _("%(error)s It is not known whether the request was carried out.", error=error.in_short)
        status = error.status if isinstance(error, ServerError) else None
        # The cause is left out, because it may contain a secret address.
        raise OutcomeUnknownError(sentence, url, status) from None


def _is_refusal(error: ConnectorError) -> bool:
    if isinstance(error, ServerError):
        return error.status in (425, 429) or (error.status == 503 and error.retry_after is not None)
    if isinstance(error, UnreachableError):
        return not error.was_sent
    return isinstance(error, (BotChallengeError, MaintenanceError))
