"""Builds the requests of a client, with https if the server has moved to https and with the login where it is safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.util import parse_url

from ..errors import InvalidAddressError, RequestRejectedError
from ..i18n import gettext as _
from .login_headers import Credentials
from .session import HttpSettings, check_form, without_userinfo

# Headers that describe the request and do not identify the sender.
_KEPT = ("Accept", "Accept-Encoding", "Range")

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


class RequestBuilder:
    """A builder for the requests of one client. `credentials`: the login for GET requests to its API, or None."""

    def __init__(self, session: requests.Session, settings: HttpSettings):
        self._session, self._settings = session, settings
        self._secure: dict[str, str] = {}
        self.credentials: Credentials | None = None

    def prepare(
        self, url: str, params: Params | None, headers: Mapping[str, str], *, method: str = "GET", **content: Any
    ) -> requests.PreparedRequest:
        """Return a request, with the login headers if it is a GET. `content`: `data` or `json` of requests.

        Raise InvalidAddressError if `url` is malformed, RequestRejectedError if its scheme is not http or https or if
        it contains a password. With a proxy, raise AddressNotAllowedError if the host is an address that may not be
        reached.
        """
        try:
            secured = self._secured(url)
            is_signed = method == "GET" and self.signs(secured)
            login = self.credentials.headers() if self.credentials is not None and is_signed else {}
            wanted = requests.Request(method, secured, headers={**headers, **login}, params=params, **content)
            request = self._session.prepare_request(wanted)
            # parse_url encodes a query again, byte by byte, and that of a search for many handles has 4,500.
            parts = parse_url(url_of(request).partition("?")[0])
        except ValueError as error:  # all errors of requests and urllib3 about the form of a URL are ValueErrors
            shown = without_userinfo(url)
            raise InvalidAddressError(
                _("%(target)s is not an address on the web, such as https://example.org/", target=shown), shown
            ) from error
        check_form(parts, without_userinfo(url_of(request)))
        if self._settings.proxy:
            self._settings.rule.check_literal((parts.host or "").strip("[]"))
        return request

    def prepare_redirect(self, request: requests.PreparedRequest, target: str) -> requests.PreparedRequest:
        """Return the request for the target of a redirect, without cookies if the host is another one.

        Raise RequestRejectedError if the redirect leads from https to http.
        """
        url = url_of(request)
        if url.startswith("https:") and not target.startswith("https:"):
            shown = without_userinfo(target)
            raise RequestRejectedError(
                _("%(url)s redirects away from https, which is not followed: %(target)s", url=url, target=shown), url
            )
        headers = {name: str(request.headers[name]) for name in _KEPT if name in request.headers}
        redirected = self.prepare(target, None, headers)
        if urlsplit(redirected.url).hostname != urlsplit(url).hostname:
            redirected.headers.pop("Cookie", None)
        return redirected

    def is_move_to_https(self, asked: str, target: str) -> bool:
        """Return whether a redirect leads to the same path of the same host with https.

        If so, later requests to this host use https directly.
        """
        old, new = urlsplit(asked), urlsplit(target)
        if (old.scheme, new.scheme) != ("http", "https") or old[2:4] != new[2:4] or old.hostname != new.hostname:
            return False
        if new.username is not None:
            return False
        self._secure[old.netloc] = new.netloc
        return True

    def signs(self, url: str) -> bool:
        """Return whether requests to this address carry the login. Only those to its own API do."""
        if self.credentials is None:
            return False
        own, asked = urlsplit(self._secured(self.credentials.api_url)), urlsplit(url)
        return own[:2] == asked[:2]

    def _secured(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.netloc not in self._secure:
            return url
        return parts._replace(scheme="https", netloc=self._secure[parts.netloc]).geturl()


def url_of(request: requests.PreparedRequest) -> str:
    """Return the URL of a prepared request, which always has one."""
    return request.url or ""
