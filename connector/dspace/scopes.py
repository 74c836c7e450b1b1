"""Scopes that a person names: the whole repository, or an object that must be of the named kind."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import NotFoundError
from ..i18n import gettext as _
from .records import Scope, ScopeKind, Server


def whole_repository(server: Server) -> Scope:
    """Return the scope of all items of a repository."""
    return Scope(ScopeKind.REPOSITORY, "", None, server.name or urlsplit(server.site_url).netloc)


def check_kind(scope: Scope, kind: ScopeKind, handle: str | None, url: str = "") -> None:
    """Raise NotFoundError unless the object with this handle is of this kind. `url`: the API, for technical details."""
    if scope.kind is not kind:
        raise NotFoundError(
            _(
                "There is no %(kind)s %(handle)s: it is the %(actual)s “%(name)s”.",
                kind=kind.noun,
                handle=handle,
                actual=scope.kind.noun,
                name=scope.name,
            ),
            url,
        )
