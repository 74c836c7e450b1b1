"""Finds communities, collections and items of DSpace 4 to 6 by id, by handle and by the address of a page."""

from __future__ import annotations

import re

from ..errors import NotFoundError, RestrictedError
from ..i18n import gettext as _, lazy_gettext as _l
from .json_members import required
from .legacy_api import LegacyApi
from .legacy_records import scope_of
from .records import Scope, ScopeKind
from .scopes import MAY_BE_UNKNOWN, check_kind, unknown_scope_error, unreadable, whole_repository
from .urls import PATHS, handle_in, is_uuid, object_of

_MISSING = _l("There is nothing with the handle %(handle)s in this repository.")
_CLOSED_OR_MISSING = _l(
    "There is nothing with the handle %(handle)s in this repository, or it is not open to the public."
)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class LegacyFinder:
    """A finder for single objects."""

    def __init__(self, api: LegacyApi):
        self._api = api

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        """Return the scope of this kind with this id (uuid or number) or handle ("1/2", "hdl:1/2" or its URL).

        Raise NotFoundError or RestrictedError. DSpace 4 answers "not authorised" for unknown ids, so its error message
        mentions both reasons.
        """
        if kind == ScopeKind.REPOSITORY:
            return whole_repository(self._api.server)
        handle = handle_in(identifier)
        scope = self._by_handle(handle) if handle else self._by_id(kind, identifier.strip())
        check_kind(scope, kind, handle, self._api.server)
        return scope

    def resolve(self, path: str) -> Scope | None:
        """Return the object shown by the page with this path, or None if the page shows no object. Raise as `find`."""
        found = object_of(path)
        if found is None:
            return None
        kind, identifier = found
        return self._by_handle(identifier) if kind is None else self.find(kind, identifier)

    def _by_id(self, kind: ScopeKind, id: str) -> Scope:
        # DSpace 6 answers 500 to a malformed id.
        if not (_NUMBER.fullmatch(id) or (self._api.can.uuids and is_uuid(id))):
            raise NotFoundError(_("“%(identifier)s” is neither an id nor a handle.", identifier=id), self._api.url(""))
        try:
            return scope_of(kind, *self._api.get(f"{PATHS[kind]}/{id}"))
        except NotFoundError as error:
            raise unknown_scope_error(Scope(kind, id), self._api.server, error.url) from error
        except RestrictedError as error:
            is_known = self._api.can.tells_unknown
            raise unreadable(Scope(kind, id), self._api.server, error, is_known=is_known) from error

    def _by_handle(self, handle: str) -> Scope:
        try:
            answer = self._api.by_handle(handle)
        except NotFoundError as error:
            sentence = _CLOSED_OR_MISSING if self._api.can.tells_unknown else _MISSING
            raise NotFoundError(sentence % {"handle": handle}, error.url) from error
        except RestrictedError as error:
            reason = error.reason if self._api.can.tells_unknown else MAY_BE_UNKNOWN
            unreadable_handle = _("The object with the handle %(handle)s cannot be read.", handle=handle)
            raise RestrictedError(f"{unreadable_handle} {reason}", error.url) from error
        name = required(answer.json, "type", str, answer.url).lower()
        if name not in PATHS:
            raise NotFoundError(
                _("%(handle)s is the handle of a %(name)s, which cannot be imported.", handle=handle, name=name),
                answer.url,
            )
        return scope_of(ScopeKind(name), *answer)
