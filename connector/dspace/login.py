"""Logs in at the source: a token on DSpace 5, a cookie on 6, a JWT on 7 to 10, which is renewed before it expires.

DSpace reports no error for an expired login: it answers as to an anonymous reader, with fewer items. So the login state
is checked explicitly. Each login may cost the server a database connection (DSpace issue 10598), so logins are limited.
There is no logout: it would end the other sessions of the account.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..errors import BadResponseError, LoginFailedError, RestrictedError, TransientError
from ..http import HttpClient
from ..i18n import gettext as _
from .records import Server

MOST_RENEWALS = 3  # within an hour; a total limit would fail long jobs, as servers restart often
_HOUR = 3600  # seconds
_BEFORE_ITS_END = 300  # seconds
_CSRF_COOKIE = "DSPACE-XSRF-COOKIE"
_BEARER = "Bearer "
_FORBIDDEN = 403
_WAY = re.compile(r"(?<![\w-])([\w-]+) realm=", re.ASCII)
_TOKEN = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceLogin:
    """The name (an e-mail address or network id) and the password of a person at the source."""

    name: str
    password: str = field(repr=False)


class _Entry:
    """The base of the login methods: the HTTP client, the API address, and the headers of the login."""

    status_path = "status"

    def __init__(self, http: HttpClient, api_url: str, clock: Callable[[], float]):
        self.http, self.api_url, self.clock = http, api_url, clock
        self.headers: Mapping[str, str] = {}

    def refresh_if_due(self) -> None:
        """Do nothing: these logins have no known expiry time."""

    def refusal(self, error: RestrictedError) -> str:
        """Return the error message for a refused login."""
        return _("The repository does not accept this name and password.")

    def still_in(self) -> bool:
        """Return whether the server says that the client is signed in."""
        url = f"{self.api_url}/{self.status_path}"
        answer = self.http.get_json(url)
        is_in = answer.get("authenticated") if isinstance(answer, dict) else None
        if not isinstance(is_in, bool):
            raise BadResponseError(_("%(url)s does not say whether we are signed in.", url=url), url)
        return is_in


class _Token(_Entry):
    """The login of DSpace 5: JSON in, a token of 36 characters out, valid until the server restarts."""

    def enter(self, account: SourceLogin) -> None:
        url = f"{self.api_url}/login"
        answer = self.http.post(url, json={"email": account.name, "password": account.password}, headers={})
        if not _TOKEN.fullmatch(token := answer.text.strip()):
            raise BadResponseError(_("%(url)s accepts the login and gives no token.", url=url), url)
        self.headers = {"rest-dspace-token": token}


class _Cookie(_Entry):
    """The login of DSpace 6: a form in, a session cookie out, which the HTTP client keeps."""

    def enter(self, account: SourceLogin) -> None:
        self.http.post(f"{self.api_url}/login", form={"email": account.name, "password": account.password}, headers={})


class _Jwt(_Entry):
    """The login of DSpace 7 to 10: a form with a CSRF token in, a JWT with an expiry time out."""

    status_path = "authn/status"
    _due = float("inf")

    def enter(self, account: SourceLogin) -> None:
        self._take({"user": account.name, "password": account.password}, {})

    def refusal(self, error: RestrictedError) -> str:
        """Return the error message for a refused login.

        403 does not mean a wrong password here. 401 lists the available login methods.
        """
        if error.status == _FORBIDDEN:
            return _(
                "The repository refused the login because of its protection against forged requests (CSRF). Ask its "
                "administrator whether a proxy removes cookies or the header X-XSRF-TOKEN."
            )
        ways = [way.lower() for way in _WAY.findall(error.challenge)]
        if ways and "password" not in ways:
            return _(
                "This repository has no login with name and password, only single sign-on (%(ways)s). Ask its "
                "administrator for an account with a password, or import without a login.",
                ways=", ".join(ways),
            )
        return super().refusal(error)

    def refresh_if_due(self) -> None:
        """Renew the JWT from five minutes before it expires, or from half its lifetime if that is short."""
        due = self._due
        if self.clock() < due:
            return
        self._due = float("inf")  # the requests of the renewal call this method, too
        try:
            self._take(None, self.headers)
        except TransientError:
            self._due = due
            raise

    def _take(self, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> None:
        self.still_in()  # any GET sets the cookie whose value the login must send as a header
        csrf = {"X-XSRF-TOKEN": self.http.cookie(_CSRF_COOKIE) or ""}
        url = f"{self.api_url}/authn/login"
        answer = self.http.post(url, form=form, headers={**headers, **csrf})
        token = answer.headers.get("authorization", "")
        if not token.startswith(_BEARER):
            raise BadResponseError(_("%(url)s accepts the login and gives no token.", url=url), url)
        life = _end(token, url) - (answer.time or datetime.now(UTC)).timestamp()
        self.headers, self._due = {"Authorization": token}, self.clock() + max(life - _BEFORE_ITS_END, life / 2)


_ENTRIES: dict[int, type[_Token] | type[_Cookie] | type[_Jwt]] = {
    5: _Token,
    6: _Cookie,
    **dict.fromkeys((7, 8, 9, 10), _Jwt),
}


GENERATIONS = frozenset(_ENTRIES)


def _end(bearer: str, url: str) -> float:
    """Return the `exp` of a JWT (RFC 7519, 4.1.4) in seconds since 1970. The signature is not checked."""
    try:
        payload = bearer.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (ValueError, LookupError, TypeError) as error:
        raise BadResponseError(_("%(url)s gives a token whose end cannot be read.", url=url), url) from error


class Login:
    """The login of one job (`connector.http.login_headers.Credentials`). Thread-safe.

    `enter` and `check` raise LoginFailedError and the errors of `HttpClient`.
    """

    def __init__(
        self, http: HttpClient, server: Server, account: SourceLogin, clock: Callable[[], float] = time.monotonic
    ):
        if server.speaks_oai:
            raise LoginFailedError(_("This repository is read over OAI-PMH, which has no login."))
        if server.generation not in _ENTRIES:
            raise LoginFailedError(_("DSpace %(version)s has no login for programs.", version=server.version))
        self.api_url = server.api_url
        self._http, self._account = http, account
        self._entry = _ENTRIES[server.generation](http, server.api_url, clock)
        self._clock, self._lock = clock, threading.RLock()
        self._renewed: deque[float] = deque(maxlen=MOST_RENEWALS)  # times by the clock

    def enter(self) -> None:
        """Log in, and sign every later request of the HTTP client."""
        self._http.sign_in(None)
        try:
            self._entry.still_in()  # a redirect to https is found before the password is sent
            self._entry.enter(self._account)
        except RestrictedError as error:
            raise LoginFailedError(self._entry.refusal(error)) from error
        self._http.sign_in(self)
        if not self._entry.still_in():
            raise LoginFailedError(_("The repository accepts the name and password and yet does not sign us in."))

    def headers(self) -> Mapping[str, str]:
        """Return the headers that prove the login to the API."""
        return self._entry.headers

    def refresh_if_due(self) -> None:
        """Renew a login that expires soon. Raise TransientError if the request fails.

        A refusal is not raised here: the caller would take it for a refusal of the requested item. `check` logs in
        again.
        """
        with self._lock, suppress(RestrictedError):
            self._entry.refresh_if_due()

    def check(self) -> bool:
        """Return True if the login is still valid. Log in again and return False if it had expired.

        After False, the responses since the last check may be incomplete.
        """
        with self._lock:
            if self._entry.still_in():
                return True
            now = self._clock()
            if len(self._renewed) == MOST_RENEWALS and now - self._renewed[0] < _HOUR:
                raise LoginFailedError(
                    _(
                        "The repository has ended our login %(times)s times within an hour.",
                        times=MOST_RENEWALS + 1,
                    )
                )
            self._renewed.append(now)
            self.enter()
            return False
