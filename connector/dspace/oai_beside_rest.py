"""Finds OAI-PMH beside the REST API of DSpace 7 to 10, and keeps what a walk learns about it."""

from __future__ import annotations

from collections.abc import Collection as Group
from dataclasses import replace
from datetime import datetime

from ..errors import AddressNotAllowedError, NotFoundError, RepositoryError
from ..http import HttpClient
from ..i18n import gettext as _
from .endpoint_candidates import OAI_ENDPOINTS
from .oai_api import OaiApi
from .optional_requests import OptionalQuestions, Question
from .records import Server


class OaiBesideRest:
    """OAI-PMH of a repository that is read over REST.

    `url`: its base URL, None as long as it is unknown. `is_disproved`: a comparison with REST has shown that walks must
    not use it. `items_read`: how many items the last walk has read over OAI-PMH. `newest`: when the newest of its
    records changed, None without such a walk.
    """

    def __init__(self, http: HttpClient, server: Server, optional: OptionalQuestions):
        self._http, self._server, self._optional = http, server, optional
        self.url, self.is_disproved = server.oai_url, False
        self.items_read = 0
        self.newest: datetime | None = None

    def api(self) -> OaiApi | None:
        """Return the requests to OAI-PMH, or None if it is switched off, not found, or of no use with a login."""
        if not self._server.uses_oai or self.is_disproved or self._http.is_signed_in:
            return None
        try:
            self.url = self.url or self._optional.ask(Question.OAI, self._find)
        except (RepositoryError, AddressNotAllowedError):
            return None
        return self._at(self.url)

    def note_walk(self, items_read: int, newest: datetime | None, fields: Group[str]) -> None:
        """Note the result of a walk, and for the request log the fields whose items came over REST."""
        self.items_read, self.newest = items_read, newest
        if fields:
            text = _(
                "OAI-PMH gives other values than REST in these fields, so their items were read over REST: %(fields)s.",
                fields=", ".join(sorted(fields)),
            )
            self._http.traffic.note(text)

    def refuse(self, reason: str, *, is_disproved: bool) -> None:
        """Note for the request log that a walk could not use OAI-PMH."""
        self.is_disproved = self.is_disproved or is_disproved
        if is_disproved:
            text = _("OAI-PMH is switched off for this repository, because it does not give what REST gives.")
        else:
            text = _("OAI-PMH could not be used, so the items were read over REST.")
        self._http.traffic.note(f"{text} {reason}")

    def _at(self, url: str) -> OaiApi:
        return OaiApi(self._http, replace(self._server, api_url=url))

    def _find(self) -> str:
        """Return the base URL at which OAI-PMH answers. Raise NotFoundError if none of the known places does."""
        beside = f"{self._server.api_url.removesuffix('/api')}/oai/request"
        for url in dict.fromkeys((beside, *(f"{self._server.site_url}/{place}" for place in OAI_ENDPOINTS))):
            try:
                self._at(url).identify(tries=1)
            except (RepositoryError, AddressNotAllowedError):
                continue
            return url
        raise NotFoundError("OAI-PMH does not answer at the known places.", beside)
