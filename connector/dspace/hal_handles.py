"""Finds the object with a given handle in DSpace 7 to 10: by its lookup (/pid/find), otherwise by search."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ..errors import NotFoundError, RepositoryError, RestrictedError, ServerError, UnreachableError
from ..i18n import gettext as _
from .hal_api import HalApi
from .hal_query import with_handles
from .hal_records import found_object
from .json_members import optional, required
from .records import ScopeKind
from .urls import KINDS

Located = tuple[ScopeKind, str]

_TYPES = {kind.value: kind for kind in KINDS.values()}
_MOST_ROWS = 20


def locate(api: HalApi, handle: str) -> Located:
    """Return the kind and id of the object with a handle.

    Raise NotFoundError, RestrictedError and the errors of `HttpClient`. The lookup is broken at some sites: they answer
    404 or 500 for each handle, or with the object instead of a redirect. So a search for the handle follows a failed
    lookup.
    """
    try:
        found = api.http.locate(f"{api.server.api_url}/pid/find", [("id", handle)])
    except UnreachableError:
        raise
    except RepositoryError as error:
        if place := _by_search(api, handle):
            return place
        raise _meaning(api, handle, error) from None
    place = _pointed_to(found) if isinstance(found, str) else _as_object(found.value, found.url)
    if place is None:
        raise NotFoundError(
            _("%(handle)s is neither a community nor a collection nor an item.", handle=handle), api.server.api_url
        )
    return place


def _pointed_to(location: str) -> Located | None:
    path, _separator, id = urlsplit(location).path.rpartition("/")
    kind = KINDS.get(path.rpartition("/")[2])
    return (kind, id) if kind else None


def _by_search(api: HalApi, handle: str) -> Located | None:
    """Return the object that a search for the handle finds, or None if it finds nothing or fails."""
    with suppress(RepositoryError):
        answer, url = api.search([("query", with_handles([handle])), ("size", _MOST_ROWS)])
        objects = [found_object(row, url) for row in answer.rows]
        same = (one for one in objects if optional(one, "handle", str, url) == handle)
        return next((place for one in same if (place := _as_object(one, url))), None)
    return None


def _as_object(found: Any, url: str) -> Located | None:
    """Return the kind and id of an object, or None if it is of another kind.

    Raise BadResponseError if the JSON is not an object of DSpace.
    """
    kind = _TYPES.get(required(found, "type", str, url))
    return (kind, required(found, "uuid", str, url)) if kind else None


def _meaning(api: HalApi, handle: str, error: RepositoryError) -> RepositoryError:
    """Return the error to report when the lookup failed and the search found nothing."""
    if isinstance(error, NotFoundError):
        return NotFoundError(
            _(
                "There is nothing with the handle %(handle)s at %(site)s.",
                handle=handle,
                site=api.server.site_url,
            ),
            error.url,
        )
    if isinstance(error, ServerError):
        api.http.get_json(api.server.api_url)  # raises an error if the whole repository fails
        return RestrictedError(
            _("%(handle)s exists, it seems, but is not open to the public.", handle=handle), error.url
        )
    return error
