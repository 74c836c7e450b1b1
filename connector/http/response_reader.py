"""Reads a response: its bytes, its JSON, or one of `connector.errors` with a sentence that a librarian understands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import msgspec
import requests
from urllib3 import exceptions as urllib3_errors
from urllib3.util import Retry

from ..errors import (
    BadResponseError,
    BotChallengeError,
    DamagedResponseError,
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
    TooLargeError,
    WebPageError,
    XmlResponseError,
)
from ..i18n import decimal, gettext as _, lazy_gettext as _l
from .bot_challenges import is_bot_challenge, sentence as wall_sentence
from .json_limits import decode, parse, weight
from .network_errors import host_of, network_error

_PIECE = 256 * 1024
_BODY_START_BYTES = 64 * 1024
_START = 1024
_LONGEST_RETRY_AFTER = 366 * 24 * 3600  # seconds; stands for “never”
# How much memory parsing may take, as a multiple of the limit in bytes.
_HEAVIER = 2.5
ACCOUNT_REFUSED = _l("%(host)s does not allow access with the account that is signed in.")
LOGIN_NEEDED = _l("%(host)s does not allow access without an account.")
REFUSED = _l("%(host)s refuses access.")
TOO_MANY = _l("%(host)s asks for fewer requests.")
UNABLE = _l("%(host)s cannot answer now.")


def is_redirect(answer: requests.Response) -> bool:
    """Return whether the response redirects to another address."""
    return answer.status_code in (301, 302, 303, 307, 308)


def location(answer: requests.Response) -> str:
    """Return the absolute target of a redirect. Raise BadResponseError if it has none or it is no address."""
    location = answer.headers.get("Location")
    if not location:
        raise BadResponseError(_("%(url)s redirects without saying where to.", url=answer.url), answer.url)
    # requests decodes headers as Latin-1, but servers send UTF-8.
    location = location.encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        return urljoin(answer.url, location)
    except ValueError as error:
        raise BadResponseError(
            _("%(url)s redirects to something that is not an address.", url=answer.url), answer.url
        ) from error


def pieces(answer: requests.Response, limit: int | None, *, as_sent: bool = False) -> Iterator[bytes]:
    """Yield the body in pieces of at most 256 KiB, decompressed unless `as_sent`.

    With `as_sent`, yield bytes as soon as they arrive, so that the caller sees that a slow body still comes.

    Raise TooLargeError as soon as the size, or the announced size, is larger than `limit` bytes.
    """
    most = float("inf") if limit is None else limit
    announced, total = _announced(answer), 0
    try:
        for piece in _as_sent(answer) if as_sent else answer.iter_content(_PIECE):
            total += len(piece)
            if max(total, announced) > most:
                raise TooLargeError(
                    _(
                        "The answer of %(url)s is larger than the limit of %(limit)s bytes.",
                        url=answer.url,
                        limit=decimal(most),
                    ),
                    answer.url,
                )
            yield piece
    except (requests.RequestException, urllib3_errors.HTTPError) as error:
        raise network_error(error, answer.url) from error


def _as_sent(answer: requests.Response) -> Iterator[bytes]:
    """Yield the body without decompression. Raise ChunkedEncodingError if it is cut short, as `iter_content` does."""
    try:
        while piece := answer.raw.read1(_PIECE, decode_content=False):
            yield piece
    except urllib3_errors.ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


def _announced(answer: requests.Response) -> int:
    """Return the Content-Length in bytes, or 0 if it is missing or malformed."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


def parse_json(answer: requests.Response, limit: int) -> tuple[Any, int]:
    """Return the JSON of a response and its uncompressed size in bytes. A 204 gives None and 0.

    Raise TooLargeError if the body is larger than `limit` bytes, or has too many values to be parsed in the memory
    allowed. Raise BotChallengeError for a bot challenge, BadResponseError if the body is not JSON.
    """
    if answer.status_code == 204:
        return None, 0
    body = b"".join(pieces(answer, limit))
    size = len(body)
    raise_bot_challenge(answer, body)
    if weight(body) > _HEAVIER * limit:
        raise TooLargeError(
            _("The answer of %(url)s holds too many values to be read at once.", url=answer.url), answer.url
        )
    start = body[:_START]
    # msgspec takes half of the time of the standard library. It refuses some bodies that `parse` accepts: those with a
    # BOM, lone surrogates or numbers too large for a float.
    with suppress(msgspec.DecodeError, RecursionError):
        return msgspec.json.decode(body), size
    try:
        text = decode(body)
        del body  # frees as much memory as the text takes
        return parse(text), size
    except ValueError as error:
        raise _not_json(answer, start, error) from error


def raise_bot_challenge(answer: requests.Response, body: bytes) -> None:
    """Raise BotChallengeError if a bot protection gave this response. `body`: at least its start."""
    if is_bot_challenge(answer, body):
        raise _wall(answer)


def _not_json(answer: requests.Response, start: bytes, error: Exception) -> BadResponseError:
    url, host, begin = answer.url, host_of(answer.url), start.lstrip().lower()
    if begin.startswith(b"<?xml") and b"<html" not in begin:
        return XmlResponseError(
            _(
                "%(host)s answered with XML although JSON was requested. "
                "Ask its administrator whether a proxy changes the Accept header of requests.",
                host=host,
            ),
            url,
        )
    return unreadable(answer, start, error, is_page=begin.startswith(b"<"), is_data=begin.startswith((b"{", b"[")))


def unreadable(
    answer: requests.Response, start: bytes, error: Exception, *, is_page: bool, is_data: bool
) -> BadResponseError:
    """Return the error for a body that cannot be parsed. `start`: its first bytes. `error`: that of the parser.

    `is_page`, `is_data`: whether it begins like a web page, or like the data that was requested.
    """
    url, host = answer.url, host_of(answer.url)
    if is_page:
        return WebPageError(_("%(host)s answered with a web page instead of data.", host=host), url)
    if not start:
        return BadResponseError(_("%(host)s sent an empty answer.", host=host), url)
    if not is_data:
        return BadResponseError(_("%(host)s answered with something that is not data of DSpace.", host=host), url)
    damaged = DamagedResponseError(_("The answer of %(host)s is damaged or incomplete.", host=host), url)
    damaged.details = (str(error),)
    return damaged


def require_success(answer: requests.Response, signed_in: bool = False) -> requests.Response:
    """Return the response itself if its status is 2xx or 416. Otherwise, raise the error that the status means.

    `signed_in`: whether the request was made with a login. Only a range request gets a 416 (see `HttpClient.peek`): the
    file may be read and is empty.
    """
    if is_bot_challenge(answer):
        raise _wall(answer)
    if 200 <= answer.status_code < 300 or answer.status_code == 416:
        return answer
    raise _refusal(answer, signed_in)


def _refusal(answer: requests.Response, signed_in: bool) -> RepositoryError:
    status, url, host = answer.status_code, answer.url, host_of(answer.url)
    body = start_of_body(answer)
    if is_bot_challenge(answer, body):
        return _wall(answer)
    if status in (401, 403):
        sentence = ACCOUNT_REFUSED if signed_in else LOGIN_NEEDED if status == 401 else REFUSED
        challenge = answer.headers.get("WWW-Authenticate", "")
        return RestrictedError(sentence % {"host": host}, url, status, challenge, signed_in)
    if status in (408, 425, 429) or status >= 500:
        sentence = TOO_MANY if status == 429 else UNABLE
        return ServerError(sentence % {"host": host}, url, _retry_after(answer), status)
    error: RepositoryError
    if status in (404, 410):
        error = NotFoundError(_("%(host)s has nothing at this address.", host=host), url)
    elif status >= 400:
        error = RequestRejectedError(_("%(host)s does not accept the request.", host=host), url, _json_or_none(body))
    else:
        error = BadResponseError(_("%(host)s gave an unexpected answer.", host=host), url)
    error.status = status
    return error


def _json_or_none(body: bytes) -> Any:
    """Return the JSON that explains a refusal, or None if the body is something else."""
    try:
        return parse(decode(body))
    except ValueError:
        return None


def _wall(answer: requests.Response) -> BotChallengeError:
    error = BotChallengeError(wall_sentence(answer, host_of(answer.url)), answer.url, _retry_after(answer))
    error.status = answer.status_code
    return error


def start_of_body(answer: requests.Response) -> bytes:
    """Return up to 64 KiB of a body that is only used to explain an error.

    Small bodies are read completely, so that the connection can be reused.
    """
    body = b""
    try:
        for piece in pieces(answer, limit=None):
            body += piece
            if len(body) >= _BODY_START_BYTES:
                break
    except RepositoryError:  # the status counts, even if the body is broken
        pass
    finally:
        answer.close()
    return body[:_BODY_START_BYTES]


def _retry_after(answer: requests.Response) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, 10.2.3: a number or a date), at most a year; None if unreadable."""
    header = answer.headers.get("Retry-After")
    if header is None:
        return None
    try:
        return Retry(retry_after_max=_LONGEST_RETRY_AFTER).parse_retry_after(header)
    except (urllib3_errors.InvalidHeader, ValueError, OverflowError):
        return None


def date_of(answer: requests.Response) -> datetime | None:
    """Return the Date header of a response in UTC, or None if it is missing or malformed."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
