"""HTTP client of a repository: gets JSON and files and sends data, within limits of time, size, load and address.

Every failure is raised as one of `connector.errors`, with a sentence that names the host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

import requests
from lxml import etree

from ..errors import RequestRejectedError
from ..i18n import gettext as _
from .concurrency import ConcurrencyLimit
from .downloads import Download, Received
from .login_headers import Credentials, Posted
from .query_key import QueryKey
from .redirects import Redirects, check_is_file, refusals_of_the_repository, refuse
from .request_builder import Params
from .response_reader import date_of, is_redirect, location, parse_json, pieces, require_success, start_of_body
from .retry import OutageWait
from .session import HttpSettings
from .transport import Transport
from .writes import Method, Multipart, Upload, outcome_checked
from .xml_reader import elements

T = TypeVar("T")

# DSpace 5 and 6 answer /status with XML unless JSON is requested.
_JSON = {"Accept": "application/json"}
_XML = {"Accept": "text/xml, application/xml"}
# Any type, because DSpace 5 answers a login with text and DSpace 7 with an empty body.
_ANY = {"Accept": "*/*"}
_POSTED_BYTES = 64 * 1024
# The deadline of a file grows with the bytes received. A download that is slower than this fails.
_SLOWEST_FILE = 1024  # bytes a second
# If the file were compressed in transit, Content-Length would not be the size of the file.
_ANY_FILE = {"Accept": "*/*", "Accept-Encoding": "identity"}
_FIRST_BYTE = _ANY_FILE | {"Range": "bytes=0-0"}


class JsonAnswer(NamedTuple):
    """Parsed JSON, the address that sent it, and its uncompressed size in bytes."""

    value: Any
    url: str
    size: int = 0


class ApiAnswer(NamedTuple):
    """Parsed JSON and the headers of its response, with names in lower case."""

    value: Any
    headers: Mapping[str, str]


class WebPage(NamedTuple):
    """The address of a web page, its first 64 KiB, and the status of the answer."""

    url: str
    start: bytes
    status: int = 200


class HttpClient:
    """A client for one repository, for as many threads at once as its ConcurrencyLimit has slots.

    All methods raise the errors of `connector.errors`: AddressNotAllowedError, JobStoppedError as soon as the stop
    event of `outage` is set, and RepositoryError with its subclasses. After a TransientError, `outage` repeats the
    request, up to `tries` times in all. Timeouts and bot challenges are never repeated, nor is a request after a
    web page with `repeats_pages` False. `tries_at_500` is the limit after a status 500. `outage` also limits how long
    requests and waits may take together.

    `key`: a secret for the query of all requests to its API. No error, log record, header or address that leaves the
    client contains it. `traffic`: the statistics of its requests. `busy`: the seconds spent on good responses, by kind.
    `quickest`: the seconds of the quickest of them, by kind.
    """

    def __init__(
        self,
        settings: HttpSettings,
        pace: ConcurrencyLimit,
        outage: OutageWait | None = None,
        key: QueryKey | None = None,
    ):
        self._settings = settings
        self._outage = outage or OutageWait()
        self._transport = Transport(settings, pace, self._outage, key)
        self._builder = self._transport.builder
        self.traffic, self.busy, self.quickest = self._transport.traffic, self._transport.busy, self._transport.quickest

    @property
    def width(self) -> int:
        """Return how many requests to this repository may run at once now (see ConcurrencyLimit)."""
        return self._transport.pace.width

    @property
    def requests_made(self) -> int:
        """Return the number of requests sent, with repeats and redirects."""
        return self._transport.requests_made

    @property
    def server_time(self) -> datetime | None:
        """Return the clock of the server (aware, UTC) at the first response with a Date header, or None."""
        return self._transport.server_time

    @property
    def clock_ahead(self) -> timedelta:
        """Return how far the clock of the server was ahead of ours at that response."""
        return self._transport.clock_ahead

    @property
    def is_signed_in(self) -> bool:
        """Return whether GET requests to the API carry the headers of a login."""
        return self._builder.credentials is not None

    def sign_in(self, credentials: Credentials | None) -> None:
        """Add the headers of these credentials to all later GET requests to their API. None removes the headers."""
        self._builder.credentials = credentials

    def cookie(self, name: str) -> str | None:
        """Return the value of the cookie with this name that was set last, or None."""
        return next(
            (cookie.value for cookie in reversed(list(iter(self._transport.session.cookies))) if cookie.name == name),
            None,
        )

    def get_json(
        self,
        url: str,
        params: Params | None = None,
        *,
        kind: str = "json",
        tries: int = 4,
    ) -> Any:
        """Return the parsed JSON at `url`, or None for a 204. `kind` groups responses with comparable times.

        Raise BadResponseError for anything but JSON (NaN and Infinity are not JSON). Raise it also for a redirect to
        another host, path or query, because its target does not answer the request. Raise TooLargeError if the body is
        larger than `json_bytes`.
        """
        return self.get_json_from(url, params, kind=kind, tries=tries, follow=Redirects.SAME_REQUEST).value

    def get_json_from(
        self,
        url: str,
        params: Params | None = None,
        *,
        kind: str = "json",
        tries: int = 4,
        tries_at_500: int | None = None,
        repeats_pages: bool = True,
        follow: Redirects = Redirects.ALL,
    ) -> JsonAnswer:
        """Return the parsed JSON with its address and size. Raise the errors of `get_json`."""

        def once() -> JsonAnswer:
            with self._transport.good_answer(
                url, params, _JSON, self._settings.deadline, follow, runs_on=True
            ) as answer:
                found = self._json_of(answer)
                self._transport.record_success(kind, answer)
                return found

        return self._outage.repeat(once, tries, tries_at_500=tries_at_500, repeats_pages=repeats_pages)

    def read_xml(
        self,
        url: str,
        params: Params | None,
        read: Callable[[Iterator[etree._Element]], T],
        *,
        root: str,
        tags: Collection[str],
        tries: int = 4,
        tries_at_500: int | None = None,
        repeats_pages: bool = True,
    ) -> T:
        """Return what `read` returns for the elements with these tags in the XML at `url`, one after the other.

        `root`: the tag of the root element. `read` gets each element when it is complete, must not keep it, and is
        called again if the request is repeated. Raise the errors of `get_json`.
        """

        def once() -> T:
            with self._transport.good_answer(
                url, params, _XML, self._settings.deadline, Redirects.SAME_REQUEST, runs_on=True
            ) as answer:
                count = lambda size: self._transport.traffic.add(bytes=size)  # noqa: E731
                found = read(elements(answer, self._settings.json_bytes, root, tags, count))
                self._transport.record_success("xml", answer)
                return found

        return self._outage.repeat(once, tries, tries_at_500=tries_at_500, repeats_pages=repeats_pages)

    def read(self, url: str, params: Params | None = None, *, kind: str = "json", tries: int = 4) -> ApiAnswer:
        """Return the parsed JSON at `url` with its headers. No redirect is followed. Raise the errors of `get_json`."""

        def once() -> ApiAnswer:
            deadline = self._settings.deadline
            with self._transport.good_answer(url, params, _JSON, deadline, Redirects.NONE, runs_on=True) as answer:
                found = self._api_answer(answer)
                self._transport.record_success(kind, answer)
                return found

        return self._outage.repeat(once, tries)

    def get_page(self, url: str, *, tries: int = 1) -> WebPage:
        """Return the start of the web page at `url`, with any status, and its address after all redirects."""

        def once() -> WebPage:
            with self._transport.good_answer(url, None, _ANY, self._settings.deadline, any_status=True) as answer:
                start = start_of_body(answer)
                self._transport.record_success("web page", answer)
                self._transport.traffic.add(bytes=len(start))
                return WebPage(answer.url, start, answer.status_code)

        return self._outage.repeat(once, tries)

    def locate(self, url: str, params: Params | None = None) -> str | JsonAnswer:
        """Return the address that a lookup (/pid/find, /dso/find) of DSpace 7 and later redirects to.

        The address is not requested. Return the JSON of the object if the server answers with the object itself. Only a
        redirect of the same path to https is followed.
        """

        def once() -> str | JsonAnswer:
            with self._transport.good_answer(
                url, params, _JSON, self._settings.deadline, Redirects.MOVE_TO_HTTPS
            ) as answer:
                if is_redirect(answer):
                    found: str | JsonAnswer = location(answer)
                else:
                    found = self._json_of(answer)
                self._transport.record_success("locate", answer)
                return found

        return self._outage.repeat(once, tries=4)

    def post(
        self, url: str, *, form: Mapping[str, str] | None = None, json: Any = None, headers: Mapping[str, str]
    ) -> Posted:
        """Return the response to a POST, which logins and notifications send. A POST is never repeated.

        Raise RequestRejectedError for a redirect, RestrictedError for 401 and 403.
        """
        with self._transport.slot(self._settings.deadline):
            request = self._builder.prepare(url, None, _ANY | dict(headers), method="POST", data=form, json=json)
            with self._transport.send(request) as answer:
                if is_redirect(answer):
                    raise RequestRejectedError(
                        _("%(url)s passes on what was sent, which is not followed.", url=answer.url), url
                    )
                body = b"".join(pieces(require_success(answer), _POSTED_BYTES))
                named = {name.lower(): value for name, value in answer.headers.items()}
                return Posted(named, body.decode("utf-8", "replace"), date_of(answer))

    def write(
        self,
        method: Method,
        url: str,
        *,
        json: Any = None,
        fields: Mapping[str, str] | None = None,
        upload: Upload | None = None,
        seconds: float | None = None,
        tries: int = 4,
    ) -> ApiAnswer:
        """Return the response to a request that changes data.

        The body is `json`, or multipart with `fields` and `upload`. `seconds`: the deadline after everything was sent.
        The request is repeated only if it was certainly not carried out: no connection, 429, 503 with Retry-After, or
        a redirect to a page (see `redirects.refuse`). No redirect is followed. Raise OutcomeUnknownError if it may have
        been carried out, and the errors of `get_json`.
        """

        def once() -> ApiAnswer:
            with (
                outcome_checked(url),
                self._transport.slot(seconds or self._settings.deadline, runs_on=True),
                self._transport.send(self._request_to_write(method, url, json, fields or {}, upload)) as answer,
            ):
                if is_redirect(answer):
                    refuse(url, location(answer))
                found = self._api_answer(self._transport.require_success(answer))
                self._transport.record_success("file" if upload else "write", answer)
                return found

        return self._outage.repeat(once, tries, "write")

    def download(
        self, url: str, sink: Callable[[bytes], object], *, limit: int | None = None, tries: int = 1
    ) -> Download:
        """Pass the bytes of the file at `url` to `sink` as they are sent, in pieces of at most 256 KiB.

        The request asks for no content encoding. A compressed body is passed on unchanged, because some servers
        compress it nevertheless, and others name the encoding of the file itself (see `Download.is_packed`).

        Raise TooLargeError if the file is larger than `limit` bytes, BadResponseError if the body is shorter than its
        Content-Length. After `sink` has received bytes, the request is not repeated, and the caller must start again
        from zero. The deadline grows with the bytes received, so only a download slower than 1 KiB a second reaches it.
        """
        received = Received(sink)

        def once() -> Download:
            with self._file(url, _ANY_FILE, self._settings.file_grace) as answer:
                self._transport.record_success("file", answer)  # time to the first byte, because sizes differ too much
                for piece in pieces(answer, limit, as_sent=True):
                    self._transport.deadline.extend(len(piece) / _SLOWEST_FILE)
                    self._transport.traffic.add(bytes=len(piece))
                    self._transport.deadline.leave_out(partial(received.take, piece))
                    self._transport.deadline.check_stop()
                return received.result_of(answer)

        return self._outage.repeat(once, tries, "file", may_repeat=lambda: received.size == 0)

    def peek(self, url: str) -> None:
        """Request the first byte of the file at `url`, to check whether it may be read. Raise the errors of `download`.

        Raise BadResponseError if the address redirects to a web page, such as a login page: that says nothing about the
        file. DSpace 7 and later do not count a range request as a download in their statistics. Older versions send the
        whole file nevertheless, of which this method reads only the start.
        """

        def once() -> None:
            with self._file(url, _FIRST_BYTE, self._settings.deadline) as answer:
                self._transport.record_success("file", answer)
                start_of_body(answer)
                check_is_file(url, answer)

        self._outage.repeat(once, 1, "file")

    def close(self) -> None:
        """Close all connections."""
        self._transport.session.close()

    def _request_to_write(
        self, method: Method, url: str, json: Any, fields: Mapping[str, str], upload: Upload | None
    ) -> requests.PreparedRequest:
        if upload is None:
            content = {} if json is None else {"json": json}
            return self._builder.prepare(url, None, _JSON, method=method, **content)
        body = Multipart(dict(fields), upload, self._sent)
        # requests sends an iterable in chunks, which PHP behind FastCGI may not accept, unless the length is set.
        request = self._builder.prepare(url, None, _JSON | {"Content-Type": body.content_type}, method=method)
        request.body, request.headers["Content-Length"] = body, str(len(body))
        return request

    def _sent(self, size: int) -> None:
        """Extend the deadline of an upload before its next piece is sent. Raise JobStoppedError if stopped."""
        self._transport.deadline.check_stop()
        self._transport.deadline.extend(size / _SLOWEST_FILE)

    def _json_of(self, answer: requests.Response) -> JsonAnswer:
        value, size = parse_json(answer, self._settings.json_bytes)
        self._transport.traffic.add(bytes=size)
        return JsonAnswer(value, answer.url, size)

    def _api_answer(self, answer: requests.Response) -> ApiAnswer:
        headers = {name.lower(): self._transport.without_key(text) for name, text in answer.headers.items()}
        return ApiAnswer(self._json_of(answer).value, headers)

    @contextmanager
    def _file(self, url: str, headers: Mapping[str, str], deadline: float) -> Iterator[requests.Response]:
        with refusals_of_the_repository(url), self._transport.good_answer(url, None, headers, deadline) as answer:
            yield answer
