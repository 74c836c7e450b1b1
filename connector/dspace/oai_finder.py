"""Finds communities, collections and items over OAI-PMH, by handle and by the address of a page."""

from __future__ import annotations

from ..errors import NotFoundError
from ..i18n import gettext as _
from .oai_api import OaiApi, set_of
from .oai_items import OaiItems
from .oai_tree import OaiTree
from .records import Scope, ScopeKind
from .scopes import check_kind, unknown_scope_error, whole_repository
from .urls import handle_in, object_of


class OaiFinder:
    """A finder for single objects."""

    def __init__(self, api: OaiApi, tree: OaiTree, items: OaiItems):
        self._api, self._tree, self._items = api, tree, items

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """Return the object of this kind with this handle. Raise NotFoundError if there is none."""
        if kind == ScopeKind.REPOSITORY:
            return whole_repository(self._api.server)
        if (handle := handle_in(identifier)) is None:
            raise NotFoundError(
                _(
                    "“%(identifier)s” is not a handle. This repository is read over OAI-PMH, which knows its objects "
                    "only by handle, for example 123456789/7.",
                    identifier=identifier,
                ),
                self._api.url,
            )
        scope = self._with_handle(handle)
        if scope is None:
            raise unknown_scope_error(Scope(kind, handle), self._api.server, self._api.url)
        check_kind(scope, kind, handle, self._api.server)
        return scope

    def resolve(self, path: str) -> Scope | None:
        """Return the object that a page of the site shows, or None if it shows none. Raise as `find`."""
        if (found := object_of(path)) is None:
            return None
        kind, identifier = found
        if kind is not None:
            return self.find(kind, identifier)
        if scope := self._with_handle(identifier):
            return scope
        raise NotFoundError(
            _("There is nothing with the handle %(handle)s in this repository.", handle=identifier), self._api.url
        )

    def _with_handle(self, handle: str) -> Scope | None:
        """Return the object with this handle, or None. Only its set or its record tells of which kind it is."""
        for kind in (ScopeKind.COLLECTION, ScopeKind.COMMUNITY):
            scope = Scope(kind, handle, handle)
            if (name := self._tree.sets.get(set_of(scope) or "")) is not None:
                return Scope(kind, handle, handle, name)
        try:
            item = self._items.item_of(self._items.record(handle))
        except NotFoundError:
            return None
        return Scope(ScopeKind.ITEM, handle, handle, item.name or "") if item.is_present else None
