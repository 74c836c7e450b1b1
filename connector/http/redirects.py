"""Rules for following redirects, and for errors and web pages after a redirect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

import requests
from urllib3.util import parse_url

from ..errors import BadResponseError, MaintenanceError, NotFoundError, RequestRejectedError, RestrictedError
from ..i18n import gettext as _
from .session import without_userinfo

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Redirects(Enum):
    """The redirects that a request follows. A redirect of the same path to https is followed, except with NONE."""

    ALL = "all"
    SAME_REQUEST = "to the same path and query of the same host"
    MOVE_TO_HTTPS = "to https only"
    NONE = "none"


def check_same_request(asked: str, target: str) -> None:
    """Raise BadResponseError if a redirect leads to another host, path or query.

    Its target does not answer the request. A slash at the end of the path makes no difference. The error is a
    TransientError, because redirects to a maintenance or login page are temporary. A control request shows whether only
    one object is redirected (design rule 12).
    """
    shown = without_userinfo(target).partition("?")[0]
    try:
        old, new = _request(asked), _request(target)
    except ValueError as error:  # urllib3's errors for a malformed address are ValueErrors
        raise BadResponseError(
            _("%(asked)s redirects to something that is not an address.", asked=asked), asked
        ) from error
    if old == new:
        return
    if old[0] != new[0]:
        sentence = _(
            "%(asked)s is redirected to %(target)s, which is not followed. "
            "If the repository has moved, connect its new address.",
            asked=asked,
            target=shown,
        )
        raise BadResponseError(sentence, asked)
    raise BadResponseError(
        _("%(asked)s is redirected to %(target)s, which is no answer of the API.", asked=asked, target=shown), asked
    )


def refuse(asked: str, target: str) -> NoReturn:
    """Raise the error for a redirect that is never followed.

    Another path is a page in place of the answer: MaintenanceError. Omeka S redirects to such pages until it is
    installed and while an upgrade is not finished. The same path elsewhere is a new address: RequestRejectedError.
    """
    shown = without_userinfo(target).partition("?")[0]
    if _is_same_path(asked, target):
        sentence = _("%(asked)s is redirected to %(target)s, which is not followed.", asked=asked, target=shown)
        raise RequestRejectedError(sentence, asked)
    sentence = _(
        "%(asked)s is redirected to the page %(target)s. There may be maintenance at the site.",
        asked=asked,
        target=shown,
    )
    raise MaintenanceError(sentence, asked)


def _request(url: str) -> tuple[tuple[str | None, int | None], str, list[tuple[str, str]]]:
    """Return the host and port, the path and the parameters of an address, the same for all of its spellings."""
    parts = parse_url(url)
    port = None if parts.port == _DEFAULT_PORTS.get(parts.scheme or "") else parts.port
    return (parts.host, port), (parts.path or "").rstrip("/"), parse_qsl(parts.query or "", keep_blank_values=True)


def check_is_file(url: str, answer: requests.Response) -> None:
    """Raise BadResponseError if a request for the first byte of the file at `url` was redirected to a web page.

    A login page answers with status 200. A server that supports ranges answers with 206 for a file, or 416 if the file
    is empty.
    """
    is_page = answer.status_code == 200 and "html" in answer.headers.get("Content-Type", "").lower()
    if is_page and not _is_same_path(url, answer.url):
        raise BadResponseError(
            _(
                "%(url)s is redirected to %(target)s, which is a web page.",
                url=url,
                target=answer.url.partition("?")[0],
            ),
            url,
        )


def _is_same_path(a: str, b: str) -> bool:
    return urlsplit(a).path.rstrip("/") == urlsplit(b).path.rstrip("/")


@contextmanager
def refusals_of_the_repository(url: str) -> Iterator[None]:
    """Turn a refusal after a redirect from the file at `url` into BadResponseError.

    The repository has the file and redirects to another place. An error there says nothing about the file: a 404 there
    does not mean that the file is missing, and a 403 of another host does not mean that it is restricted.
    """
    try:
        yield
    except (NotFoundError, RestrictedError) as error:
        is_elsewhere = urlsplit(url).hostname != urlsplit(error.url).hostname
        if not is_elsewhere and (isinstance(error, RestrictedError) or _is_same_path(url, error.url)):
            raise
        values = {"url": url, "target": error.url.partition("?")[0]}
        if isinstance(error, RestrictedError):
            sentence = _("%(url)s is redirected to %(target)s, which does not give it.", **values)
        else:
            sentence = _("%(url)s is redirected to %(target)s, where nothing is.", **values)
        raise BadResponseError(sentence, url) from error
