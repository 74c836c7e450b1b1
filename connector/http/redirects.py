"""Rules for following redirects, and for errors after a redirect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from urllib.parse import parse_qsl, urlsplit

from urllib3.util import parse_url

from ..errors import BadResponseError, NotFoundError, RestrictedError
from .session import without_userinfo

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Redirects(Enum):
    """The redirects that a request follows. A redirect of the same path to https is always followed."""

    ALL = "all"
    SAME_REQUEST = "to the same path and query of the same host"
    MOVE_TO_HTTPS = "to https only"


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
        raise BadResponseError(f"{asked} redirects to something that is not an address.", asked) from error
    if old == new:
        return
    if old[0] != new[0]:
        moved = "If the repository has moved, connect its new address."
        raise BadResponseError(f"{asked} is redirected to {shown}, which is not followed. {moved}", asked)
    raise BadResponseError(f"{asked} is redirected to {shown}, which is no answer of the API.", asked)


def _request(url: str) -> tuple[tuple[str | None, int | None], str, list[tuple[str, str]]]:
    """Return the host and port, the path and the parameters of an address, the same for all of its spellings."""
    parts = parse_url(url)
    port = None if parts.port == _DEFAULT_PORTS.get(parts.scheme or "") else parts.port
    return (parts.host, port), (parts.path or "").rstrip("/"), parse_qsl(parts.query or "", keep_blank_values=True)


@contextmanager
def refusals_of_the_repository(url: str) -> Iterator[None]:
    """Turn a refusal after a redirect from the file at `url` into BadResponseError.

    The repository has the file and redirects to another place. An error there says nothing about the file: a 404 there
    does not mean that the file is missing, and a 403 of another host does not mean that it is restricted.
    """
    try:
        yield
    except (NotFoundError, RestrictedError) as error:
        old, new = urlsplit(url), urlsplit(error.url)
        is_elsewhere = old.hostname != new.hostname
        if not is_elsewhere and (isinstance(error, RestrictedError) or old.path.rstrip("/") == new.path.rstrip("/")):
            raise
        said = "which does not give it" if isinstance(error, RestrictedError) else "where nothing is"
        raise BadResponseError(f"{url} is redirected to {error.url.partition('?')[0]}, {said}.", url) from error
