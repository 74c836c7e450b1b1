"""Sends the requests of a client within the limits of its repository: slots, time, redirects and size."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
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
from .concurrency import ConcurrencyLimit
from .deadline import RequestDeadline
from .network_errors import network_error
from .query_key import QueryKey
from .redirects import Redirects, check_same_request, refuse
from .request_builder import Params, RequestBuilder, url_of
from .response_reader import date_of, is_redirect, location, require_success, start_of_body
from .retry import OutageWait
from .session import HttpSettings, new_session
from .stats import RequestStats

log = logging.getLogger(__name__)

_REDIRECTS = 5


class Transport:
    """The connections of one client. Its methods raise the errors that `HttpClient` describes.

    `requests_made`: the number of requests sent, with repeats and redirects. `deadline`: that of the current request.
    See `HttpClient` for the other attributes.
    """

    def __init__(self, settings: HttpSettings, pace: ConcurrencyLimit, outage: OutageWait, key: QueryKey | None):
        self.settings, self.outage, self.key = settings, outage, key
        self.pace = pace
        self.deadline = RequestDeadline(outage)
        self.session = new_session(settings, self.deadline.next_timeout, key)
        self.builder = RequestBuilder(self.session, settings)
        self.requests_made = 0
        self.traffic = RequestStats(lambda: pace.halvings, lambda: outage.waited)
        self.busy: defaultdict[str, float] = defaultdict(float)
        self.quickest: dict[str, float] = {}
        self.server_time: datetime | None = None
        self.clock_ahead = timedelta()
        self._counting = threading.Lock()

    @contextmanager
    def good_answer(
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
        if self.builder.credentials is not None:
            self.builder.credentials.refresh_if_due()
        with (
            self.slot(deadline, runs_on),
            self._final_answer(self.builder.prepare(url, params, headers), follow) as answer,
        ):
            if not any_status and not is_redirect(answer):
                self.require_success(answer)
            yield answer

    @contextmanager
    def slot(self, deadline: float, runs_on: bool = False) -> Iterator[None]:
        """Hold a slot for one request, and record its failure. `deadline`: seconds, from when it has a slot."""
        with self.pace.slot(self.outage.stop, deadline if runs_on else 0) as turn, self.outage.request() as request:
            self.deadline.begin(request, deadline)
            try:
                yield
            except TransientError as error:
                self.traffic.record_failure(error)
                if isinstance(error, (RequestTimeoutError, ServerError, BotChallengeError)):
                    self.pace.record_failure(turn)
                raise
            except (AddressNotAllowedError, CertificateError) as error:
                # They may be signs of an attack (ASVS 5.0, 16.3.4).
                log.warning("Not connected: %s", error)
                raise

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Return the response to a request, with its body unread. A slot must be held."""
        self.deadline.postpone(self.pace.space(self.outage.stop))
        with self._counting:
            self.requests_made += 1
        self.traffic.add(requests=1)
        timeout = (self.settings.connect_timeout, self.settings.read_timeout)
        try:
            answer = self.session.send(request, stream=True, timeout=timeout)
            self._note_time(date_of(answer))
            return answer
        except (requests.RequestException, urllib3_errors.HTTPError) as error:
            # urllib3 puts the request target into its errors, so a traceback would show the key.
            raise network_error(error, url_of(request)) from (error if self.key is None else None)

    def require_success(self, answer: requests.Response) -> requests.Response:
        """Return the response if its status is good. Raise the errors of `response_reader.require_success`."""
        try:
            return require_success(answer, self.key is not None or self.builder.signs(answer.url))
        except RequestRejectedError as error:
            error.answer = self.without_key(error.answer)
            raise

    def record_success(self, kind: str, answer: requests.Response) -> None:
        """Record a good response."""
        seconds = self.deadline.seconds
        self.traffic.record_success(seconds, urlsplit(answer.url).path)
        with self._counting:
            self.busy[kind] += seconds
            self.quickest[kind] = min(seconds, self.quickest.get(kind, seconds))
        self.pace.record_success(seconds, kind)

    def without_key(self, value: Any) -> Any:
        """Return parsed JSON, or a text, without the secret of the query."""
        return value if self.key is None else self.key.without_secret(value)

    def _final_answer(self, request: requests.PreparedRequest, follow: Redirects) -> requests.Response:
        asked = [url_of(request)]
        while len(asked) <= _REDIRECTS + 1:
            answer = self.send(request)
            if not is_redirect(answer):
                return answer
            start_of_body(answer)  # read the body so that the connection can be reused
            target = location(answer)
            if follow is Redirects.NONE:
                refuse(asked[-1], target)
            if not self.builder.is_move_to_https(asked[-1], target):
                if follow is Redirects.MOVE_TO_HTTPS:
                    return answer
                if follow is Redirects.SAME_REQUEST:
                    check_same_request(asked[-1], target)
            request = self.builder.prepare_redirect(request, target)
            asked.append(url_of(request))
        raise RedirectLoopError(asked)

    def _note_time(self, moment: datetime | None) -> None:
        if self.server_time is None and moment is not None:
            self.server_time, self.clock_ahead = moment, moment - datetime.now(UTC)
