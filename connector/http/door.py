"""The door itself: JSON and files by GET, and logins by POST, within limits of time, size, pace and address.

Everything that can go wrong out there leaves here as one of `connector.errors`, with a sentence that names the host.
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3_errors
from urllib3.util import parse_url

from ..errors import BadAnswer, BotWall, Rejected, ServerTrouble, Stopped, TimedOut, Transient
from . import waits
from .answers import accepted, is_redirect, location, network_trouble, parsed, pieces, start_of_body, told_time
from .credentials import Credentials, Posted
from .pace import Pace
from .session import HttpSettings, check_form, new_session, without_userinfo
from .traffic import Traffic
from .waits import utc_now

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
T = TypeVar("T")

_REDIRECTS = 5
_TRIES_OF_SILENCE = 2  # the server may still be working on what nobody waits for any more; a smaller page serves better
_TRIES_AT_A_WALL = 1  # to insist is what it holds against robots
_LONGEST_BACKOFF = 60
_WORTH_SAYING = 2
_LOOK_AT_STOP = 0.25

# DSpace 5 and 6 answer /status with XML unless JSON is asked for.
_JSON = {"Accept": "application/json"}
# No list of types: DSpace 5 answers a login with text and DSpace 7 with nothing.
_ANY = {"Accept": "*/*"}
_POSTED_BYTES = 64 * 1024
# A file may take as long as its size asks for; what comes slower than this is no file under way.
_SLOWEST_FILE = 1024  # bytes a second
# Packed on the way, a file's Content-Length would not be its own.
_ANY_FILE = {"Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Download:
    """What a download brought: `size` in bytes, digests in lower-case hexadecimal."""

    size: int
    md5: str
    sha256: str


class Http:
    """Requests to one repository, for as many threads at once as its pace has slots.

    All methods raise the errors of `connector.errors`: AddressNotAllowed, Stopped as soon as `stop` is set, and the
    RepositoryErrors. After a Transient one the request is repeated, `tries` times in all (at most twice after silence),
    with growing waits or the Retry-After of the server; before a wait of more than 2 seconds `waiting` is given a
    sentence that says so, and "" when an answer has come or none is waited for any more.
    `busy`: seconds spent on good answers, by their kind. `server_time`: the server's own clock (aware, UTC) as of the
    first answer that told it.
    """

    def __init__(
        self,
        settings: HttpSettings,
        pace: Pace,
        stop: threading.Event | None = None,
        waiting: Callable[[str], object] = lambda sentence: None,
    ):
        self._settings = settings
        self._pace = pace
        self._stop = stop or threading.Event()
        self._waiting = waiting
        self._under_way = _UnderWay()
        self._session = new_session(settings, self._patience)
        self._secure: dict[str, str] = {}
        self._credentials: Credentials | None = None
        self._requests_made = 0
        self._traffic = Traffic(lambda: pace.halvings)
        self._counting = threading.Lock()
        self.busy: Counter[str] = Counter()
        self.server_time: datetime | None = None

    @property
    def width(self) -> int:
        """How many requests to this repository may be under way at once now (see Pace)."""
        return self._pace.width

    @property
    def requests_made(self) -> int:
        """Every request sent, repeats and redirects included."""
        return self._requests_made

    @property
    def traffic(self) -> Traffic:
        """What this door remembers of its requests."""
        return self._traffic

    def sign_in(self, credentials: Credentials | None) -> None:
        """From now on GET requests to the API of these credentials carry their headers; with None, none do."""
        self._credentials = credentials

    def cookie(self, name: str) -> str | None:
        """The value of the cookie of this name that was set last."""
        return next((cookie.value for cookie in reversed(list(self._session.cookies)) if cookie.name == name), None)

    def rest(self, seconds: float) -> bool:
        """Wait so many seconds; True as soon as a stop is asked for."""
        stopped = self._stop.wait(seconds)
        if not stopped:
            self._traffic.add(waits=1, seconds_waited=seconds)
        return stopped

    def _answered(self, kind: str, answer: requests.Response) -> None:
        self._wait_is_over()
        seconds = self._under_way.seconds
        self._traffic.answered(seconds, urlsplit(answer.url).path)
        with self._counting:
            self.busy[kind] += seconds
        self._pace.answered(seconds, kind)

    def get_json(self, url: str, params: Params | None = None, *, kind: str = "json", tries: int = 4) -> Any:
        """The parsed JSON at `url`, or None for a 204. `kind`: answers whose times can be compared (see Pace).

        Raises BadAnswer for anything but JSON (NaN and Infinity are none), TooLarge past `json_bytes`.
        """

        def once() -> Any:
            with self._good_answer(url, params, _JSON, self._settings.deadline) as answer:
                value = parsed(answer, self._settings.json_bytes, lambda size: self._traffic.add(bytes=size))
                self._answered(kind, answer)
                return value

        return self._repeat(once, tries)

    def locate(self, url: str, params: Params | None = None) -> str:
        """Where a lookup of DSpace 7+ (/pid/find, /dso/find) points: its Location as an absolute URL, not followed.

        Only a move of the same path to https is followed. Raises BadAnswer when there is no Location.
        """

        def once() -> str:
            with self._good_answer(url, params, _JSON, self._settings.deadline, follow=False) as answer:
                if not is_redirect(answer):
                    raise BadAnswer(f"{answer.url} should have pointed to an object and did not.", answer.url)
                self._answered("locate", answer)
                return location(answer)

        return self._repeat(once, tries=4)

    def post(
        self, url: str, *, form: Mapping[str, str] | None = None, json: Any = None, headers: Mapping[str, str]
    ) -> Posted:
        """The answer to a POST, which logins and notices send: never repeated, no redirect followed (Rejected).

        Raises Restricted for 401 and 403.
        """
        with self._pace.slot(self._stop):
            self._under_way.begin(self._settings.deadline)
            request = self._prepared(url, None, _ANY | dict(headers), form=form, json=json)
            with self._send(request) as answer:
                if is_redirect(answer):
                    raise Rejected(f"{answer.url} passes on what was sent, which is not followed.", url)
                body = b"".join(pieces(accepted(answer), _POSTED_BYTES))
                named = {name.lower(): value for name, value in answer.headers.items()}
                return Posted(named, body.decode("utf-8", "replace"), told_time(answer))

    def download(
        self, url: str, sink: Callable[[bytes], object], *, limit: int | None = None, tries: int = 1
    ) -> Download:
        """Give the bytes of the file at `url` to `sink`, in pieces of at most 256 KiB.

        Raises TooLarge past `limit` bytes, BadAnswer for a body shorter than its Content-Length. Once `sink` has been
        given something there is no repeat: it is the caller's to begin again from zero. Its deadline moves on with its
        bytes, so that only a drip of less than 1 KiB a second meets it.
        """
        received = _Received(sink)

        def once() -> Download:
            with self._good_answer(url, None, _ANY_FILE, self._settings.file_grace) as answer:
                self._answered("file", answer)  # to the first byte: sizes differ too much
                for piece in pieces(answer, limit):
                    received.take(piece)
                    self._under_way.deadline += len(piece) / _SLOWEST_FILE
                    self._traffic.add(bytes=len(piece))
                    self._patience()
                return received.result()

        return self._repeat(once, tries, may_repeat=lambda: received.size == 0)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _repeat(self, once: Callable[[], T], tries: int, may_repeat: Callable[[], bool] = lambda: True) -> T:
        made, since = 1, None
        try:
            while True:
                try:
                    return once()
                except Transient as error:
                    self._traffic.troubled(error)
                    if made >= min(tries, _most_tries(error)) or not may_repeat():
                        raise
                    trouble = error
                since = since or utc_now()
                self._wait(trouble, made, since)
                made += 1
        finally:
            self._wait_is_over()

    def _wait(self, trouble: Transient, made: int, since: datetime) -> None:
        seconds = min(_LONGEST_BACKOFF, 0.5 * 2 ** (made - 1)) * random.uniform(1, 1.25)
        asked = trouble.retry_after or 0
        if asked > self._settings.longest_wait:
            raise trouble
        seconds = max(seconds, asked)
        if seconds > _WORTH_SAYING:
            self._under_way.has_told = True
            began = waits.since(since, utc_now(), self._settings.zone)
            self._waiting(f"{began}: {trouble} Trying again in {waits.span(seconds)}.")
        if self.rest(seconds):
            raise _stopped()

    def _wait_is_over(self) -> None:
        if self._under_way.has_told:
            self._under_way.has_told = False
            self._waiting("")

    @contextmanager
    def _good_answer(
        self, url: str, params: Params | None, headers: Mapping[str, str], deadline: float, follow: bool = True
    ) -> Iterator[requests.Response]:
        """An answer with status 2xx (or 3xx, if not to `follow`), its body unread, and a slot held meanwhile."""
        if self._credentials is not None:
            self._credentials.refresh_if_due()
        with self._pace.slot(self._stop) as turn:
            self._under_way.begin(deadline)
            try:
                with self._final_answer(self._prepared(url, params, headers), follow) as answer:
                    yield answer
            except (TimedOut, ServerTrouble, BotWall):
                self._pace.troubled(turn)
                raise

    def _final_answer(self, request: requests.PreparedRequest, follow: bool) -> requests.Response:
        for _ in range(_REDIRECTS + 1):
            answer = self._send(request)
            if not is_redirect(answer):
                return accepted(answer)
            start_of_body(answer)  # read, so that the connection can be used again
            target = location(answer)
            if not self._is_move_to_https(request.url, target) and not follow:
                return answer
            request = self._redirected(request, target)
        raise Rejected(f"{request.url} redirects more than {_REDIRECTS} times in a row.", request.url)

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        self._under_way.postpone(self._pace.space(self._stop))
        with self._counting:
            self._requests_made += 1
        self._traffic.add(requests=1)
        timeout = (self._settings.connect_timeout, self._settings.read_timeout)
        try:
            answer = self._session.send(request, stream=True, timeout=timeout)
            self.server_time = self.server_time or told_time(answer)
            return answer
        except (requests.RequestException, urllib3_errors.HTTPError) as error:
            raise network_trouble(error, request.url) from error

    def _prepared(
        self, url: str, params: Params | None, headers: Mapping[str, str], **body: Any
    ) -> requests.PreparedRequest:
        """A POST of `form` or `json` where `body` holds them, be they None; else a GET, signed in where we are."""
        try:
            secured = self._secured(url)
            if body:
                wanted = requests.Request("POST", secured, headers=headers, data=body["form"], json=body["json"])
            else:
                wanted = requests.Request("GET", secured, headers={**headers, **self._signed(secured)}, params=params)
            request = self._session.prepare_request(wanted)
            parts = parse_url(request.url)
        except ValueError as error:  # which all errors of requests and urllib3 about the form of a URL are
            shown = without_userinfo(url)
            raise Rejected(f"{shown} is not an address on the web, such as https://example.org/", shown) from error
        check_form(parts, without_userinfo(request.url))
        if self._settings.proxy:
            self._settings.rule.check_literal(parts.host.strip("[]"))
        return request

    def _redirected(self, request: requests.PreparedRequest, target: str) -> requests.PreparedRequest:
        """The request for a redirect's target: never from https back to http, no cookies to another host."""
        if request.url.startswith("https:") and not target.startswith("https:"):
            shown = without_userinfo(target)
            raise Rejected(f"{request.url} redirects away from https, which is not followed: {shown}", request.url)
        headers = {name: request.headers[name] for name in ("Accept", "Accept-Encoding")}
        redirected = self._prepared(target, None, headers)
        if urlsplit(redirected.url).hostname != urlsplit(request.url).hostname:
            redirected.headers.pop("Cookie", None)
        return redirected

    def _is_move_to_https(self, asked: str, target: str) -> bool:
        """Is it the same path of the same host? Then it is remembered, and the detour made only once."""
        old, new = urlsplit(asked), urlsplit(target)
        if (old.scheme, new.scheme) != ("http", "https") or old[2:4] != new[2:4] or old.hostname != new.hostname:
            return False
        if new.username is not None:
            return False
        self._secure[old.netloc] = new.netloc
        return True

    def _signed(self, url: str) -> Mapping[str, str]:
        """The headers of the login, for its own API only: a redirect to another place goes there without them."""
        if self._credentials is None:
            return {}
        own, asked = urlsplit(self._secured(self._credentials.api_url)), urlsplit(url)
        return self._credentials.headers() if own[:2] == asked[:2] else {}

    def _secured(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.netloc not in self._secure:
            return url
        return parts._replace(scheme="https", netloc=self._secure[parts.netloc]).geturl()

    def _patience(self) -> float:
        """How many seconds a read may last before this is asked again (see `addresses.Patience`)."""
        if self._stop.is_set():
            raise _stopped()
        left = self._under_way.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, _LOOK_AT_STOP)


class _UnderWay(threading.local):
    """The request under way in this thread: when it began and when it must have ended, by the monotonic clock.

    `has_told`: whether a sentence said that it waits.
    """

    began = 0.0
    deadline = float("inf")
    has_told = False

    def begin(self, seconds: float) -> None:
        self.began = time.monotonic()
        self.deadline = self.began + seconds

    def postpone(self, seconds: float) -> None:
        """A wait of ours takes nothing from the time of the server."""
        self.began += seconds
        self.deadline += seconds

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class _Received:
    """Counts and digests what goes to the sink."""

    def __init__(self, sink: Callable[[bytes], object]):
        self.size = 0
        self._sink = sink
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        self._md5.update(piece)
        self._sha256.update(piece)
        self._sink(piece)

    def result(self) -> Download:
        return Download(self.size, self._md5.hexdigest(), self._sha256.hexdigest())


def _most_tries(trouble: Transient) -> float:
    if isinstance(trouble, BotWall):
        return _TRIES_AT_A_WALL
    return _TRIES_OF_SILENCE if isinstance(trouble, TimedOut) else math.inf


def _stopped() -> Stopped:
    return Stopped("The job was asked to stop.")
