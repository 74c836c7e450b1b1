"""Finds communities, collections and items of DSpace 7 to 10 by uuid, by handle and by the address of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import NotFoundError, RestrictedError
from ..i18n import gettext as _
from . import hal_records as shapes
from .hal_api import HalApi
from .hal_handles import locate
from .hal_tree import PARENT
from .json_members import label, required
from .records import Scope, ScopeKind
from .scopes import check_kind, unknown_scope_error, unreadable, whole_repository
from .urls import PATHS, bitstream_of, handle_in, is_uuid, object_of


class HalFinder:
    """A finder for single objects."""

    def __init__(self, api: HalApi):
        self._api = api

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """Return the object of this kind with this uuid or handle. Raise NotFoundError or RestrictedError."""
        if kind is ScopeKind.REPOSITORY:
            return whole_repository(self._api.server)
        if is_uuid(identifier):
            return self._scope(kind, identifier)
        handle = handle_in(identifier)
        if handle is None:
            raise NotFoundError(
                _(
                    "“%(identifier)s” is neither a uuid nor a handle, the names that DSpace 7 and later use.",
                    identifier=identifier,
                )
            )
        scope = self._scope(*locate(self._api, handle), handle)
        check_kind(scope, kind, handle, self._api.server)
        return scope

    def resolve(self, path: str) -> Scope | None:
        """Return the object that a page of the site shows, or None if it shows none. Raise as `find`."""
        shown = object_of(path)
        if shown is None:
            bitstream = bitstream_of(path)
            return self._item_with(bitstream) if bitstream else None
        kind, identifier = shown
        return self._scope(*locate(self._api, identifier), identifier) if kind is None else self.find(kind, identifier)

    def _item_with(self, bitstream: str) -> Scope:
        """Return the item that holds a file. Raise NotFoundError or RestrictedError."""
        site = self._api.server.site_url
        try:
            bundle, url = self._api.get(f"core/bitstreams/{bitstream}/bundle")
            item, url = self._api.get(f"core/bundles/{required(bundle, 'uuid', str, url)}/item")
        except NotFoundError as error:
            raise NotFoundError(_("There is no file %(id)s at %(site)s.", id=bitstream, site=site), error.url) from None
        except RestrictedError as error:
            sentence = _("The file %(id)s at %(site)s cannot be read.", id=bitstream, site=site)
            raise RestrictedError(f"{sentence} {error.reason}", error.url) from None
        return self._scope(ScopeKind.ITEM, required(item, "uuid", str, url))

    def _scope(self, kind: ScopeKind, id: str, asked_as: str = "") -> Scope:
        """Return the object with this uuid. `asked_as`: what errors call it instead."""
        found, url = self.get(Scope(kind, id, name=asked_as))
        if kind is ScopeKind.ITEM and required(found, "withdrawn", bool, url):
            raise NotFoundError(
                _("The item %(id)s has been withdrawn from %(site)s.", id=id, site=self._api.server.site_url), url
            )
        handle, name = (label(found, key, url) for key in ("handle", "name"))
        return Scope(kind, required(found, "uuid", str, url), handle, name or "")

    def get(self, scope: Scope, params: Iterable[tuple[str, str]] = ()) -> tuple[shapes.Json, str]:
        """Return the object with the kind and uuid of this scope. Errors name it by the name of the scope, if any.

        A malformed uuid is not requested, as the server would answer 401 instead of 404.
        """
        try:
            if not is_uuid(scope.id):
                raise NotFoundError("")
            return self._api.get(f"core/{PATHS[scope.kind]}/{scope.id}", list(params))
        except NotFoundError as error:
            raise unknown_scope_error(scope, self._api.server, error.url) from None
        except RestrictedError as error:
            raise unreadable(scope, self._api.server, error, is_known=True) from None

    def above(self, kind: ScopeKind, id: str) -> Iterator[str]:
        """Yield the ids of the communities above a collection or community, each once, as far as they are readable."""
        above = set[str]()
        while True:
            try:
                found, url = self.get(Scope(kind, id), [PARENT])
            except (NotFoundError, RestrictedError):
                return
            parent = shapes.embedded_object(found, "parentCommunity", url)
            if parent is None:
                return
            kind, id = ScopeKind.COMMUNITY, required(parent, "uuid", str, url)
            if id in above:  # a wrong answer: no community is above itself
                return
            above.add(id)
            yield id
