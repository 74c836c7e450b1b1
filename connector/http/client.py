"""HTTP client of a repository: gets JSON and files and sends data, within limits of time, size, load and address.

Every failure is raised as one of `connector.errors`, with a sentence that names the host.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3_errors

from ..errors import (
    AddressNotAllowedError,
    BotChallengeError,
    CertificateError,
    RedirectLoopError,
    RequestRejectedError,
    RequestTimeoutError,
    ServerError,
    TransientError,
)
from ..i18n import gettext as _
from .concurrency import ConcurrencyLimit
from .credentials import Credentials, Posted
from .deadline import RequestDeadline
from .downloads import Download, Received
from .query_key import QueryKey
from .redirects import Redirects, check_is_file, check_same_request, refusals_of_the_repository, refuse
from .request_builder import Params, RequestBuilder, url_of
from .response_reader import accepted, is_redirect, location, network_trouble, parsed, pieces, start_of_body, told_time
from .retry import OutageWait
from .session import HttpSettings, new_session
from .stats import RequestStats
from .writes import Method, Multipart, Upload, outcome_checked

log = logging.getLogger(__name__)

_REDIRECTS = 5

# DSpace 5 and 6 answer /status with XML unless JSON is requested.
_JSON = {"Accept": "application/json"}
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
    """The address of a web page, and its first 64 KiB."""

    url: str
    start: bytes


class HttpClient:
    """A client for one repository, for as many threads at once as its ConcurrencyLimit has slots.

    All methods raise the errors of `connector.errors`: AddressNotAllowedError, JobStoppedError as soon as the stop
    event of `outage` is set, and RepositoryError with its subclasses. After a TransientError, `outage` repeats the
    request, up to `tries` times in all. Timeouts and bot challenges are never repeated, and `tries_at_500` is the limit
    after a status 500. `outage` also limits how long requests and waits may take together.

    `busy`: seconds spent on good responses, by kind. `server_time`: the clock of the server (aware, UTC) at the first
    response with a Date header. `clock_ahead`: how far that clock was ahead of ours. `key`: a secret for the query of
    all requests to its API. No error, log record, header or address that leaves the client contains it.
    """

    def __init__(
        self,
        settings: HttpSettings,
        pace: ConcurrencyLimit,
        outage: OutageWait | None = None,
        key: QueryKey | None = None,
    ):
        self._settings = settings
        self._pace = pace
        self._outage = outage or OutageWait()
        self._under_way = RequestDeadline(self._outage)
        self._key = key
        self._session = new_session(settings, self._under_way.next_timeout, key)
        self._asking = RequestBuilder(self._session, settings)
        self._requests_made = 0
        self._traffic = RequestStats(lambda: pace.halvings, lambda: self._outage.waited)
        self._counting = threading.Lock()
        self.busy: defaultdict[str, float] = defaultdict(float)
        self.server_time: datetime | None = None
        self.clock_ahead = timedelta()

    @property
    def width(self) -> int:
        """Return how many requests to this repository may run at once now (see ConcurrencyLimit)."""
        return self._pace.width

    @property
    def requests_made(self) -> int:
        """Return the number of requests sent, with repeats and redirects."""
        return self._requests_made

    @property
    def traffic(self) -> RequestStats:
        """Return the statistics of the requests of this client."""
        return self._traffic

    @property
    def is_signed_in(self) -> bool:
        """Return whether GET requests to the API carry the headers of a login."""
        return self._asking.credentials is not None

    def sign_in(self, credentials: Credentials | None) -> None:
        """Add the headers of these credentials to all later GET requests to their API. None removes the headers."""
        self._asking.credentials = credentials

    def cookie(self, name: str) -> str | None:
        """Return the value of the cookie with this name that was set last, or None."""
        return next(
            (cookie.value for cookie in reversed(list(iter(self._session.cookies))) if cookie.name == name), None
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

        Raise BadResponseError for anything but JSON (NaN and Infinity are not JSON), and for a redirect to another
        host, path or query, because its target does not answer the request. Raise TooLargeError if the body is larger
        than `json_bytes`.
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
        follow: Redirects = Redirects.ALL,
    ) -> JsonAnswer:
        """Return the parsed JSON with its address and size. Raise the errors of `get_json`."""

        def once() -> JsonAnswer:
            with self._good_answer(url, params, _JSON, self._settings.deadline, follow, runs_on=True) as answer:
                found = self._json_of(answer)
                self._answered(kind, answer)
                return found

        return self._outage.repeat(once, tries, tries_at_500=tries_at_500)

    def read(self, url: str, params: Params | None = None, *, kind: str = "json", tries: int = 4) -> ApiAnswer:
        """Return the parsed JSON at `url` with its headers. No redirect is followed. Raise the errors of `get_json`."""

        def once() -> ApiAnswer:
            deadline = self._settings.deadline
            with self._good_answer(url, params, _JSON, deadline, Redirects.NONE, runs_on=True) as answer:
                found = self._api_answer(answer)
                self._answered(kind, answer)
                return found

        return self._outage.repeat(once, tries)

    def get_page(self, url: str, *, tries: int = 1) -> WebPage:
        """Return the start of the web page at `url`, with any status, and its address after all redirects."""

        def once() -> WebPage:
            with self._good_answer(url, None, _ANY, self._settings.deadline, any_status=True) as answer:
                start = start_of_body(answer)
                self._answered("web page", answer)
                self._traffic.add(bytes=len(start))
                return WebPage(answer.url, start)

        return self._outage.repeat(once, tries)

    def locate(self, url: str, params: Params | None = None) -> str | JsonAnswer:
        """Return the address that a lookup (/pid/find, /dso/find) of DSpace 7 and later redirects to.

        The address is not requested. Return the JSON of the object if the server answers with the object itself. Only a
        redirect of the same path to https is followed.
        """

        def once() -> str | JsonAnswer:
            with self._good_answer(url, params, _JSON, self._settings.deadline, Redirects.MOVE_TO_HTTPS) as answer:
                if is_redirect(answer):
                    found: str | JsonAnswer = location(answer)
                else:
                    found = self._json_of(answer)
                self._answered("locate", answer)
                return found

        return self._outage.repeat(once, tries=4)

    def post(
        self, url: str, *, form: Mapping[str, str] | None = None, json: Any = None, headers: Mapping[str, str]
    ) -> Posted:
        """Return the response to a POST, which logins and notifications send. A POST is never repeated.

        Raise RequestRejectedError for a redirect, RestrictedError for 401 and 403.
        """
        with self._slot(self._settings.deadline), _refusals_logged():
            request = self._asking.prepared(url, None, _ANY | dict(headers), method="POST", data=form, json=json)
            with self._send(request) as answer:
                if is_redirect(answer):
                    raise RequestRejectedError(
                        _("%(url)s passes on what was sent, which is not followed.", url=answer.url), url
                    )
                body = b"".join(pieces(accepted(answer), _POSTED_BYTES))
                named = {name.lower(): value for name, value in answer.headers.items()}
                return Posted(named, body.decode("utf-8", "replace"), told_time(answer))

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
        The request is repeated only if it was certainly not carried out: no connection, 429, or 503 with Retry-After.
        Raise OutcomeUnknownError if it may have been carried out, RequestRejectedError for a redirect, which is never
        followed, and the errors of `get_json`.
        """

        def once() -> ApiAnswer:
            with outcome_checked(url), self._slot(seconds or self._settings.deadline, True) as turn, _refusals_logged():
                try:
                    with self._send(self._request_to_write(method, url, json, fields or {}, upload)) as answer:
                        if is_redirect(answer):
                            refuse(url, location(answer))
                        found = self._api_answer(self._accepted(answer))
                        self._answered("file" if upload else "write", answer)
                        return found
                except (RequestTimeoutError, ServerError, BotChallengeError):
                    self._pace.troubled(turn)
                    raise

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
                self._answered("file", answer)  # time to the first byte, because sizes differ too much
                for piece in pieces(answer, limit, as_sent=True):
                    self._under_way.extend(len(piece) / _SLOWEST_FILE)
                    self._traffic.add(bytes=len(piece))
                    self._under_way.leave_out(partial(received.take, piece))
                    self._under_way.check_stop()
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
                self._answered("file", answer)
                start_of_body(answer)
                check_is_file(url, answer)

        self._outage.repeat(once, 1, "file")

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _request_to_write(
        self, method: Method, url: str, json: Any, fields: Mapping[str, str], upload: Upload | None
    ) -> requests.PreparedRequest:
        if upload is None:
            content = {} if json is None else {"json": json}
            return self._asking.prepared(url, None, _JSON, method=method, **content)
        body = Multipart(dict(fields), upload, self._sent)
        # requests sends an iterable in chunks, which PHP behind FastCGI may not accept, unless the length is set.
        request = self._asking.prepared(url, None, _JSON | {"Content-Type": body.content_type}, method=method)
        request.body, request.headers["Content-Length"] = body, str(len(body))
        return request

    def _accepted(self, answer: requests.Response) -> requests.Response:
        try:
            return accepted(answer, self._key is not None or self._asking.signs(answer.url))
        except RequestRejectedError as error:
            error.answer = self._without_key(error.answer)
            raise

    def _sent(self, size: int) -> None:
        """Extend the deadline of an upload before its next piece is sent. Raise JobStoppedError if stopped."""
        self._under_way.check_stop()
        self._under_way.extend(size / _SLOWEST_FILE)

    def _without_key(self, value: Any) -> Any:
        return value if self._key is None else self._key.without_secret(value)

    def _json_of(self, answer: requests.Response) -> JsonAnswer:
        value, size = parsed(answer, self._settings.json_bytes)
        self._traffic.add(bytes=size)
        return JsonAnswer(value, answer.url, size)

    def _api_answer(self, answer: requests.Response) -> ApiAnswer:
        headers = {name.lower(): self._without_key(text) for name, text in answer.headers.items()}
        return ApiAnswer(self._json_of(answer).value, headers)

    def _answered(self, kind: str, answer: requests.Response) -> None:
        seconds = self._under_way.seconds
        self._traffic.answered(seconds, urlsplit(answer.url).path)
        with self._counting:
            self.busy[kind] += seconds
        self._pace.answered(seconds, kind)

    @contextmanager
    def _file(self, url: str, headers: Mapping[str, str], deadline: float) -> Iterator[requests.Response]:
        with refusals_of_the_repository(url), self._good_answer(url, None, headers, deadline) as answer:
            yield answer

    @contextmanager
    def _good_answer(
        self,
        url: str,
        params: Params | None,
        headers: Mapping[str, str],
        deadline: float,
        follow: Redirects = Redirects.ALL,
        any_status: bool = False,
        runs_on: bool = False,
    ) -> Iterator[requests.Response]:
        """Yield a response with a good status, with its body unread, while a slot is held.

        A good status is 2xx, or 3xx that `follow` does not allow to follow, or any with `any_status`. `runs_on`:
        whether the server may continue to process a request that timed out (see `ConcurrencyLimit.slot`).
        """
        if self._asking.credentials is not None:
            self._asking.credentials.refresh_if_due()
        with self._slot(deadline, runs_on) as turn, _refusals_logged():
            try:
                with self._final_answer(self._asking.prepared(url, params, headers), follow) as answer:
                    if not any_status and not is_redirect(answer):
                        self._accepted(answer)
                    yield answer
            except (RequestTimeoutError, ServerError, BotChallengeError):
                self._pace.troubled(turn)
                raise

    @contextmanager
    def _slot(self, deadline: float, runs_on: bool = False) -> Iterator[int]:
        """Yield the turn of a request (see `ConcurrencyLimit.slot`). `deadline`: seconds, from when it has a slot."""
        with self._pace.slot(self._outage.stop, deadline if runs_on else 0) as turn, self._outage.request() as request:
            self._under_way.begin(request, deadline)
            try:
                yield turn
            except TransientError as error:
                self._traffic.troubled(error)
                raise

    def _final_answer(self, request: requests.PreparedRequest, follow: Redirects) -> requests.Response:
        asked = [url_of(request)]
        while len(asked) <= _REDIRECTS + 1:
            answer = self._send(request)
            if not is_redirect(answer):
                return answer
            start_of_body(answer)  # read the body so that the connection can be reused
            target = location(answer)
            if follow is Redirects.NONE:
                refuse(asked[-1], target)
            if not self._asking.is_move_to_https(asked[-1], target):
                if follow is Redirects.MOVE_TO_HTTPS:
                    return answer
                if follow is Redirects.SAME_REQUEST:
                    check_same_request(asked[-1], target)
            request = self._asking.redirected(request, target)
            asked.append(url_of(request))
        raise RedirectLoopError(asked)

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        self._under_way.postpone(self._pace.space(self._outage.stop))
        with self._counting:
            self._requests_made += 1
        self._traffic.add(requests=1)
        timeout = (self._settings.connect_timeout, self._settings.read_timeout)
        try:
            answer = self._session.send(request, stream=True, timeout=timeout)
            self._note_time(told_time(answer))
            return answer
        except (requests.RequestException, urllib3_errors.HTTPError) as error:
            # urllib3 puts the request target into its errors, so a traceback would show the key.
            raise network_trouble(error, url_of(request)) from (error if self._key is None else None)

    def _note_time(self, moment: datetime | None) -> None:
        if self.server_time is None and moment is not None:
            self.server_time, self.clock_ahead = moment, moment - datetime.now(UTC)


@contextmanager
def _refusals_logged() -> Iterator[None]:
    """Log refused addresses and certificates, which may be signs of an attack (ASVS 5.0, 16.3.4)."""
    try:
        yield
    except (AddressNotAllowedError, CertificateError) as error:
        log.warning("Not connected: %s", error)
        raise
