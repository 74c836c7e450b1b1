"""HTTP client of a repository: gets JSON and files, and posts logins, within limits of time, size, load and address.

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
from .redirects import Redirects, check_is_file, check_same_request, refusals_of_the_repository
from .request_builder import Params, RequestBuilder, url_of
from .response_reader import accepted, is_redirect, location, network_trouble, parsed, pieces, start_of_body, told_time
from .retry import OutageWait
from .session import HttpSettings, new_session
from .stats import RequestStats

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
    response with a Date header. `clock_ahead`: how far that clock was ahead of ours.
    """

    def __init__(self, settings: HttpSettings, pace: ConcurrencyLimit, outage: OutageWait | None = None):
        self._settings = settings
        self._pace = pace
        self._outage = outage or OutageWait()
        self._under_way = RequestDeadline(self._outage)
        self._session = new_session(settings, self._under_way.next_timeout)
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
            request = self._asking.prepared(url, None, _ANY | dict(headers), form=form, json=json)
            with self._send(request) as answer:
                if is_redirect(answer):
                    raise RequestRejectedError(
                        _("%(url)s passes on what was sent, which is not followed.", url=answer.url), url
                    )
                body = b"".join(pieces(accepted(answer), _POSTED_BYTES))
                named = {name.lower(): value for name, value in answer.headers.items()}
                return Posted(named, body.decode("utf-8", "replace"), told_time(answer))

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

    def _json_of(self, answer: requests.Response) -> JsonAnswer:
        value, size = parsed(answer, self._settings.json_bytes)
        self._traffic.add(bytes=size)
        return JsonAnswer(value, answer.url, size)

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
                        accepted(answer, self._asking.signs(answer.url))
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
            raise network_trouble(error, url_of(request)) from error

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
