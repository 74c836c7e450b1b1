"""Scopes that a person names: the whole repository or an object, with the errors for objects that cannot be used."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import NotFoundError, RestrictedError
from ..i18n import lazy_gettext as _l
from .records import Scope, ScopeKind, Server

_UNKNOWN = {
    ScopeKind.COLLECTION: _l("There is no collection “%(object)s” at %(site)s."),
    ScopeKind.COMMUNITY: _l("There is no community “%(object)s” at %(site)s."),
    ScopeKind.ITEM: _l("There is no item “%(object)s” at %(site)s."),
}
_UNREADABLE = {
    ScopeKind.COLLECTION: _l("The collection “%(object)s” at %(site)s cannot be read."),
    ScopeKind.COMMUNITY: _l("The community “%(object)s” at %(site)s cannot be read."),
    ScopeKind.ITEM: _l("The item “%(object)s” at %(site)s cannot be read."),
}
_ACTUAL = {
    ScopeKind.COLLECTION: _l("It is the collection “%(name)s”."),
    ScopeKind.COMMUNITY: _l("It is the community “%(name)s”."),
    ScopeKind.ITEM: _l("It is the item “%(name)s”."),
}
_MAY_BE_BLOCKED = _l("A firewall may also block this app. Ask the administrator of the repository.")
MAY_BE_UNKNOWN = _l("It does not exist, or access to it is restricted.")


def whole_repository(server: Server) -> Scope:
    """Return the scope of all items of a repository."""
    return Scope(ScopeKind.REPOSITORY, "", None, server.name or urlsplit(server.site_url).netloc)


def check_kind(scope: Scope, kind: ScopeKind, handle: str | None, server: Server) -> None:
    """Raise NotFoundError unless the object with this handle is of this kind."""
    if scope.kind is not kind:
        unknown = _UNKNOWN[kind] % {"object": handle, "site": server.site_url}
        raise NotFoundError(f"{unknown} {_ACTUAL[scope.kind] % {'name': scope.name}}", server.api_url)


def unknown_scope_error(scope: Scope, server: Server, url: str) -> NotFoundError:
    """Return the error that there is no such object. `scope`: its kind and id, and its name if known.

    `url`: the requested address, for technical details. It has the id.
    """
    return NotFoundError(_UNKNOWN[scope.kind] % {"object": scope.name or scope.id, "site": server.site_url}, url)


def unreadable(scope: Scope, server: Server, error: RestrictedError, *, is_known: bool) -> RestrictedError:
    """Return the error that an object is closed, or with `is_known` False, that it may also not exist.

    `scope`: as for `unknown_scope_error`. Without a login, a firewall sends a status 403 as often as DSpace does.
    """
    reason = error.reason if is_known else str(MAY_BE_UNKNOWN)
    if error.status == 403 and not error.signed_in:
        reason = f"{reason} {_MAY_BE_BLOCKED}"
    sentence = _UNREADABLE[scope.kind] % {"object": scope.name or scope.id, "site": server.site_url}
    return RestrictedError(f"{sentence} {reason}", error.url)
