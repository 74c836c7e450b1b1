"""The one door to the network: JSON and files by GET, within limits of time, size, pace and address.

Everything that can go wrong out there leaves here as one of `connector.errors`, with a sentence that names the host.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as urllib3_errors
from urllib3.util import Retry, Url, parse_url

from connector.addresses import ANYWHERE, AddressRule, Patience, pool_classes
from connector.errors import (
    BadAnswer,
    CertificateTrouble,
    NotFound,
    Rejected,
    RepositoryError,
    Restricted,
    ServerTrouble,
    Stopped,
    TimedOut,
    TooLarge,
    Transient,
    UnknownHost,
    Unreachable,
)
from connector.pace import Pace

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
T = TypeVar("T")

_PIECE = 256 * 1024
_ERROR_BODY = 64 * 1024
_REDIRECTS = 5
_LONGEST_BACKOFF = 60
_LONGEST_RETRY_AFTER = 24 * 3600
_WORTH_SAYING = 2
_LOOK_AT_STOP = 0.25

# DSpace 5 and 6 answer /status with XML unless JSON is asked for.
_JSON = {"Accept": "application/json"}
# Packed on the way, a file's Content-Length would not be its own.
_ANY_FILE = {"Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class HttpSettings:
    """Times in seconds, sizes in bytes. `deadline` bounds a whole JSON answer, `read_timeout` each silence in one."""

    user_agent: str
    rule: AddressRule
    ca_bundle: str | None = None
    proxy: str | None = None
    connect_timeout: float = 10
    read_timeout: float = 60
    deadline: float = 300
    json_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Download:
    """What a download brought: `size` in bytes, digests in lower-case hexadecimal."""

    size: int
    md5: str
    sha256: str


class Http:
    """GET requests to one repository, for up to four threads at once.

    All methods raise the errors of `connector.errors`: AddressNotAllowed, Stopped as soon as `stop` is set, and the
    RepositoryErrors. After a Transient one the request is repeated, `tries` times in all, with growing waits or the
    Retry-After of the server; before a wait of more than 2 seconds `waiting` is given a sentence that says so.
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
        self._session = _new_session(settings, self._patience)
        self._secure: dict[str, str] = {}
        self._requests_made = 0
        self._counting = threading.Lock()

    @property
    def width(self) -> int:
        """How many requests to this repository may be under way at once now (see Pace)."""
        return self._pace.width

    @property
    def requests_made(self) -> int:
        """Every request sent, repeats and redirects included."""
        return self._requests_made

    def get_json(self, url: str, params: Params | None = None, *, kind: str = "json", tries: int = 4) -> Any:
        """The parsed JSON at `url`, or None for a 204. `kind`: answers whose times can be compared (see Pace).

        Raises BadAnswer for anything but JSON (NaN and Infinity are none), TooLarge past `json_bytes`.
        """

        def once() -> Any:
            with self._good_answer(url, params, _JSON, self._settings.deadline) as answer:
                value = _parsed(answer, self._settings.json_bytes)
                self._pace.answered(self._under_way.seconds, kind)
                return value

        return self._repeat(once, tries)

    def locate(self, url: str, params: Params | None = None) -> str:
        """Where a lookup of DSpace 7+ (/pid/find, /dso/find) points: its Location as an absolute URL, not followed.

        Only a move of the same path to https is followed. Raises BadAnswer when there is no Location.
        """

        def once() -> str:
            with self._good_answer(url, params, _JSON, self._settings.deadline, follow=False) as answer:
                if not _is_redirect(answer):
                    raise BadAnswer(f"{answer.url} should have pointed to an object and did not.", answer.url)
                self._pace.answered(self._under_way.seconds, "locate")
                return _location(answer)

        return self._repeat(once, tries=4)

    def download(
        self, url: str, sink: Callable[[bytes], object], *, limit: int | None = None, tries: int = 1
    ) -> Download:
        """Give the bytes of the file at `url` to `sink`, in pieces of at most 256 KiB.

        Raises TooLarge past `limit` bytes, BadAnswer for a body shorter than its Content-Length. Once `sink` has been
        given something there is no repeat: it is the caller's to begin again from zero. No deadline but `read_timeout`.
        """
        received = _Received(sink)

        def once() -> Download:
            with self._good_answer(url, None, _ANY_FILE, deadline=float("inf")) as answer:
                self._pace.answered(self._under_way.seconds, "file")  # to the first byte: sizes differ too much
                for piece in _pieces(answer, limit):
                    received.take(piece)
                    self._patience()
                return received.result()

        return self._repeat(once, tries, may_repeat=lambda: received.size == 0)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _repeat(self, once: Callable[[], T], tries: int, may_repeat: Callable[[], bool] = lambda: True) -> T:
        made = 1
        while True:
            try:
                return once()
            except Transient as error:
                if made >= tries or not may_repeat():
                    raise
                trouble = error
            self._wait(trouble, made)
            made += 1

    def _wait(self, trouble: Transient, made: int) -> None:
        seconds = min(_LONGEST_BACKOFF, 0.5 * 2 ** (made - 1)) * random.uniform(1, 1.25)
        seconds = max(seconds, trouble.retry_after or 0)
        if seconds > _WORTH_SAYING:
            self._waiting(f"{trouble} Trying again in {seconds:.0f} seconds.")
        if self._stop.wait(seconds):
            raise _stopped()

    @contextmanager
    def _good_answer(
        self, url: str, params: Params | None, headers: Mapping[str, str], deadline: float, follow: bool = True
    ) -> Iterator[requests.Response]:
        """An answer with status 2xx (or 3xx, if not to `follow`), its body unread, and a slot held meanwhile."""
        with self._pace.slot(self._stop):
            self._under_way.begin(deadline)
            try:
                with self._final_answer(self._prepared(url, params, headers), follow) as answer:
                    yield answer
            except (TimedOut, ServerTrouble):
                self._pace.troubled()
                raise

    def _final_answer(self, request: requests.PreparedRequest, follow: bool) -> requests.Response:
        for _ in range(_REDIRECTS + 1):
            answer = self._send(request)
            if not _is_redirect(answer):
                return _accepted(answer)
            _start_of_body(answer)  # read, so that the connection can be used again
            target = _location(answer)
            if not self._is_move_to_https(request.url, target) and not follow:
                return answer
            request = self._redirected(request, target)
        raise Rejected(f"{request.url} redirects more than {_REDIRECTS} times in a row.", request.url)

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        with self._counting:
            self._requests_made += 1
        timeout = (self._settings.connect_timeout, self._settings.read_timeout)
        try:
            return self._session.send(request, stream=True, timeout=timeout)
        except (requests.RequestException, urllib3_errors.HTTPError) as error:
            raise _network_trouble(error, request.url) from error

    def _prepared(self, url: str, params: Params | None, headers: Mapping[str, str]) -> requests.PreparedRequest:
        try:
            wanted = requests.Request("GET", self._secured(url), headers=headers, params=params)
            request = self._session.prepare_request(wanted)
            parts = parse_url(request.url)
        except ValueError as error:  # which all errors of requests and urllib3 about the form of a URL are
            shown = _without_userinfo(url)
            raise Rejected(f"{shown} is not an address on the web, such as https://example.org/", shown) from error
        _check_form(parts, _without_userinfo(request.url))
        if self._settings.proxy:
            self._settings.rule.check_literal(parts.host.strip("[]"))
        return request

    def _redirected(self, request: requests.PreparedRequest, target: str) -> requests.PreparedRequest:
        """The request for a redirect's target: never from https back to http, no cookies to another host."""
        if request.url.startswith("https:") and not target.startswith("https:"):
            shown = _without_userinfo(target)
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
    """The request under way in this thread: when it began and when it must have ended, by the monotonic clock."""

    began = 0.0
    deadline = float("inf")

    def begin(self, seconds: float) -> None:
        self.began = time.monotonic()
        self.deadline = self.began + seconds

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


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: redirects are followed here, by hand. requests would read their bodies, however large."""


class _Adapter(HTTPAdapter):
    """Connections that keep to the rule. The proxy is the administrator's own choice and may be anywhere."""

    def __init__(self, rule: AddressRule, patience: Patience):
        self._direct = pool_classes(rule, patience)
        self._proxied = pool_classes(ANYWHERE, patience)
        super().__init__(pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._direct

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._proxied
        return manager


def _new_session(settings: HttpSettings, patience: Patience) -> requests.Session:
    """Keeps cookies (without, DSpace 6 opens a session of its own for each request) and trusts no environment."""
    session = _Session()
    session.trust_env = False
    session.headers["User-Agent"] = settings.user_agent
    session.verify = settings.ca_bundle or True
    if settings.proxy:
        session.proxies = {"http": settings.proxy, "https": settings.proxy}
    adapter = _Adapter(settings.rule, patience)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _without_userinfo(url: str) -> str:
    """The URL as it may be shown: user name and password, if any, taken out."""
    return re.sub(r"//[^/?#]*@", "//", url, count=1)


def _check_form(parts: Url, shown: str) -> None:
    if parts.scheme not in ("http", "https"):
        raise Rejected(f"Only addresses that begin with http:// or https:// can be asked, not {shown}", shown)
    if parts.auth is not None:
        raise Rejected(f"The address {shown} was given with a user name or password in it. Leave that out.", shown)


def _is_redirect(answer: requests.Response) -> bool:
    return answer.status_code in (301, 302, 303, 307, 308)


def _location(answer: requests.Response) -> str:
    location = answer.headers.get("Location")
    if not location:
        raise BadAnswer(f"{answer.url} redirects without saying where to.", answer.url)
    # Header bytes come as Latin-1, and servers send UTF-8.
    location = location.encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        return urljoin(answer.url, location)
    except ValueError as error:
        raise BadAnswer(f"{answer.url} redirects to something that is not an address.", answer.url) from error


def _pieces(answer: requests.Response, limit: int | None) -> Iterator[bytes]:
    """The unpacked body in pieces of at most 256 KiB. Raises TooLarge as soon as it is known to pass `limit` bytes."""
    most = float("inf") if limit is None else limit
    total = 0
    try:
        for piece in answer.iter_content(_PIECE):
            total += len(piece)
            if max(total, _announced(answer)) > most:
                raise TooLarge(f"The answer of {answer.url} is larger than the limit of {limit:,} bytes.", answer.url)
            yield piece
    except (requests.RequestException, urllib3_errors.HTTPError) as error:
        raise _network_trouble(error, answer.url) from error


def _announced(answer: requests.Response) -> int:
    """The Content-Length in bytes, or 0 where there is none that makes sense."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


def _parsed(answer: requests.Response, limit: int) -> Any:
    if answer.status_code == 204:
        return None
    body = b"".join(_pieces(answer, limit))
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(_why_not_json(answer, body, error), answer.url) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _why_not_json(answer: requests.Response, body: bytes, error: Exception) -> str:
    if _is_challenge(body, _CHALLENGES):
        return _BOT_PROTECTION.format(host=_host(answer.url), status=answer.status_code)
    if body.lstrip().startswith(b"<"):
        return f"{answer.url} answered with a web page or XML instead of JSON."
    if not body:
        return f"{answer.url} answered with nothing at all instead of JSON."
    return f"{answer.url} answered with JSON that is damaged or cut short ({error})."


def _accepted(answer: requests.Response) -> requests.Response:
    """The answer itself if its status is 2xx. Raises what the status means otherwise."""
    if 200 <= answer.status_code < 300:
        return answer
    raise _refusal(answer)


def _refusal(answer: requests.Response) -> RepositoryError:
    status, url, host = answer.status_code, answer.url, _host(answer.url)
    challenge = _BOT_PROTECTION.format(host=host, status=status)
    challenged = _is_challenge(_start_of_body(answer), _CHALLENGES_OF_REFUSALS)
    if status in (401, 403):
        return Restricted(challenge if challenged else f"{url} may not be read without an account ({status}).", url)
    if status in (404, 410):
        return NotFound(f"{host} has nothing at {url} ({status}).", url)
    if status in (408, 425, 429) or status >= 500:
        said = "asks for fewer requests" if status == 429 else "cannot answer just now"
        sentence = challenge if challenged else f"{host} {said}: status {status} for {url}."
        return ServerTrouble(sentence, url, _retry_after(answer))
    if status >= 400:
        return Rejected(f"{host} does not accept the request for {url} ({status}).", url)
    return BadAnswer(f"{url} answered with the unexpected status {status}.", url)


def _start_of_body(answer: requests.Response) -> bytes:
    """Up to 64 KiB of a body that only helps to explain. Small ones are read whole, so the connection can be kept."""
    body = b""
    try:
        for piece in _pieces(answer, limit=None):
            body += piece
            if len(body) >= _ERROR_BODY:
                break
    except RepositoryError:  # the status is the answer; a broken body takes nothing from it
        return body
    finally:
        answer.close()
    return body


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds the server asks to wait (RFC 9110, 10.2.3: a number or a date), at most a day; None if unreadable."""
    header = answer.headers.get("Retry-After")
    if header is None:
        return None
    try:
        return Retry(retry_after_max=_LONGEST_RETRY_AFTER).parse_retry_after(header)
    except (urllib3_errors.InvalidHeader, ValueError, OverflowError):
        return None


_BOT_PROTECTION = (
    "The bot protection of {host} answered instead of the repository (status {status}). "
    "Its administrator could let our User-Agent pass."
)
# Words of the pages of Cloudflare, Anubis, DDoS-Guard and others. A good page may well contain a captcha elsewhere.
_CHALLENGES = re.compile(rb"just a moment|anubis|not a bot|verify you are human|ddos-guard|challenge-platform", re.I)
_CHALLENGES_OF_REFUSALS = re.compile(_CHALLENGES.pattern + rb"|captcha|attention required", re.I)


def _is_challenge(body: bytes, words: re.Pattern[bytes]) -> bool:
    start = body[:_ERROR_BODY]
    return start.lstrip().startswith(b"<") and words.search(start) is not None


# The first row that fits the error or one of its causes counts: the more telling ones come first.
_TROUBLES: tuple[tuple[type[BaseException], type[RepositoryError], str], ...] = (
    (urllib3_errors.ProxyError, Unreachable, "The proxy set in CONNECTOR_PROXY did not pass on the request to {host}."),
    (
        urllib3_errors.NameResolutionError,
        UnknownHost,
        "There is no host named {host}, or its name cannot be resolved now.",
    ),
    (ssl.SSLCertVerificationError, CertificateTrouble, "The certificate of {host} is not accepted: {cause}."),
    (ConnectionRefusedError, Unreachable, "{host} refused the connection: no web server answers there."),
    (ConnectionResetError, Unreachable, "{host} broke off the connection."),
    (urllib3_errors.NewConnectionError, Unreachable, "{host} cannot be reached."),
    (urllib3_errors.TimeoutError, TimedOut, "{host} did not answer in time."),
    (ssl.SSLError, Unreachable, "No secure connection to {host} came about: perhaps it does not speak https."),
    (requests.exceptions.ChunkedEncodingError, BadAnswer, "The answer of {url} ended too early."),
    (requests.exceptions.ContentDecodingError, BadAnswer, "The answer of {url} is damaged: it cannot be unpacked."),
    (Exception, Unreachable, "The connection to {host} broke."),
)


def _network_trouble(error: Exception, url: str) -> RepositoryError:
    """What an exception of requests or urllib3 means to a person."""
    causes = list(_causes(error))
    for sign, kind, sentence in _TROUBLES:
        for cause in causes:
            if isinstance(cause, sign):
                said = getattr(cause, "verify_message", "").rstrip(".")
                return kind(sentence.format(host=_host(url), url=url, cause=said), url)
    raise AssertionError("the last row fits every exception")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of. Not `__context__`: that may be something the caller was busy with."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _stopped() -> Stopped:
    return Stopped("The job was asked to stop.")
