"""Chooses the most helpful error message if no REST API of a DSpace was found at an address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import (
    BotChallengeError,
    DamagedResponseError,
    InvalidAddressError,
    NotDSpaceError,
    RedirectLoopError,
    RepositoryError,
    RestrictedError,
    ServerError,
    UnreachableError,
    XmlResponseError,
)
from ..http import HttpClient
from ..i18n import gettext as _
from . import html_page
from .endpoint_candidates import Candidate
from .oai_api import MissingFormatError

_OLDEST = 4
_MOST_HELPFUL_FIRST = (
    BotChallengeError,
    XmlResponseError,
    DamagedResponseError,
    RestrictedError,
    ServerError,
    UnreachableError,
    InvalidAddressError,
    RedirectLoopError,
    MissingFormatError,
)
_LOGIN_ADDRESS = re.compile(r"SAMLRequest=|/(?:idp|cas|sso|login|signin|oauth2?)(?:[/?.]|$)", re.IGNORECASE)


class Trouble(NamedTuple):
    """A failed request: the requested address `asked`, and the error."""

    asked: str
    error: RepositoryError

    @property
    def is_redirected(self) -> bool:
        """Return whether the request failed at another address than the requested one."""
        return bool(self.error.url) and _plain(self.error.url) != _plain(self.asked)


def discovery_error(http: HttpClient, candidates: Sequence[Candidate], troubles: Sequence[Trouble]) -> RepositoryError:
    """Return the error with the most helpful message. Takes requests for one or two web pages."""
    for kind in _MOST_HELPFUL_FIRST:
        for trouble in troubles:
            if isinstance(trouble.error, kind):
                return _explained(http, trouble)
    site = candidates[0].site
    version = html_page.dspace_version(_page(http, f"{site}/"))  # which DSpace 1 to 6 names in its pages
    if version and int(version.partition(".")[0]) < _OLDEST:
        sentence = _(
            "%(site)s is a DSpace %(version)s. DSpace %(oldest)s is the oldest that can be imported from.",
            site=site,
            version=version,
            oldest=_OLDEST,
        )
        return NotDSpaceError(sentence, site)
    for trouble in troubles:
        if trouble.is_redirected:
            return _explained(http, trouble)
    return _not_found(candidates, version)


def _explained(http: HttpClient, trouble: Trouble) -> RepositoryError:
    """Return the error of a request. If a redirect led to the error, its message says so."""
    asked, error = trouble
    if not trouble.is_redirected:
        return error
    if isinstance(error, UnreachableError | BotChallengeError | DamagedResponseError | ServerError | XmlResponseError):
        explained = type(error)(
            _("%(asked)s is redirected to %(target)s. %(error)s", asked=asked, target=_plain(error.url), error=error),
            error.url,
        )
        explained.status, explained.details = error.status, error.details
        return explained
    page = _page(http, error.url)
    if _LOGIN_ADDRESS.search(error.url) or html_page.asks_for_password(page):
        sentence = _(
            "%(asked)s is redirected to a login page at %(site)s. "
            "Ask its administrator to let programs use the REST API without it.",
            asked=asked,
            site="{0.scheme}://{0.netloc}".format(urlsplit(error.url)),
        )
        return RestrictedError(sentence, error.url)
    sentence = _(
        "%(asked)s is redirected to %(target)s. That is no REST API of a DSpace. "
        "If the repository has moved, enter its new address.",
        asked=asked,
        target=_plain(error.url),
    )
    return NotDSpaceError(sentence, error.url)


def _not_found(candidates: Sequence[Candidate], version: str | None) -> NotDSpaceError:
    site = candidates[0].site
    if version:
        sentence = _(
            "There is a DSpace %(version)s at %(site)s, but its REST API was not found. "
            "Its administrator may have to switch it on.",
            version=version,
            site=site,
        )
    else:
        sentence = _(
            "There is a web site at %(site)s, but no DSpace was found there. Check the address. "
            "If it is right, ask the administrator of the repository for the endpoint of its REST API.",
            site=site,
        )
    error = NotDSpaceError(sentence)
    error.details = tuple(candidate.base for candidate in candidates)
    return error


def _page(http: HttpClient, url: str) -> bytes:
    with suppress(RepositoryError):
        return http.get_page(url).start
    return b""


def _plain(url: str) -> str:
    return url.partition("?")[0].rstrip("/")
