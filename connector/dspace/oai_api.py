"""OAI-PMH requests to a DSpace: lists with their resumption tokens, and single records.

A library such as Sickle fetches with its own HTTP client, without our address rules, limits and retries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from lxml import etree

from ..errors import BadResponseError, NotFoundError, RepositoryError, RequestRejectedError
from ..http import HttpClient
from ..i18n import gettext as _
from .oai_xml import OAI, Header, Record, header_of, record_of, text_of
from .records import Scope, ScopeKind, Server

T = TypeVar("T")

XOAI, DIM = "xoai", "dim"  # metadata formats: with all values and files, and with values alone
RECORDS_PER_PAGE = 100  # the default of DSpace
_ROOT = f"{OAI}OAI-PMH"
_TOKEN, _FORMAT = "resumptionToken", "metadataPrefix"
_EMPTY = ("noRecordsMatch", "noSetHierarchy")
_SETS = {ScopeKind.COLLECTION: "col_", ScopeKind.COMMUNITY: "com_"}


class ExpiredTokenError(RepositoryError):
    """The server does not accept a resumption token (any more)."""


class MissingFormatError(RequestRejectedError):
    """The server gives no records in a metadata format that has the values as DSpace holds them."""


@dataclass(frozen=True, slots=True)
class OaiList(Generic[T]):
    """One answer of a list. `token`: of the next answer, None after the last. `total`: the source's count, if given."""

    rows: Sequence[T]
    token: str | None = None
    total: int | None = None


class OaiApi:
    """OAI-PMH requests to the base URL of a server. Methods raise the errors of `HttpClient.get_json`.

    `how`: the `tries`, `tries_at_500` and `repeats_pages` of `HttpClient.read_xml`. Where OAI-PMH is the only API and
    the server refuses the format, another one is chosen (see `choose_format`).
    """

    def __init__(self, http: HttpClient, server: Server):
        self.http, self.server, self.url = http, server, server.api_url
        self._format = XOAI

    def identify(self, **how: Any) -> str:
        """Return the name that the repository gives itself."""
        names = self._read("Identify", {}, lambda element: text_of(element, "repositoryName"), ("Identify",), **how)
        if not names.rows:
            raise BadResponseError(_("%(url)s did not answer as OAI-PMH does.", url=self.url), self.url)
        return names.rows[0]

    def choose_format(self, **how: Any) -> None:
        """Read records as `xoai`, or as `dim` if the server lists only that. Raise MissingFormatError if neither."""
        convert = lambda element: text_of(element, _FORMAT)  # noqa: E731
        listed = self._read("ListMetadataFormats", {}, convert, ("metadataFormat",), **how).rows
        found = next((name for name in (XOAI, DIM) if name in listed), None)
        if found is None:
            raise self._missing_format()
        self._format = found

    def records(self, scope: Scope, token: str | None = None, **how: Any) -> OaiList[Record]:
        """Return records of a scope. Raise ExpiredTokenError if the server does not accept the token."""
        return self._in_format(
            lambda name: self._read("ListRecords", _params(scope, token, name), self._record_of, ("record",), **how)
        )

    def headers(self, scope: Scope, token: str | None = None, **how: Any) -> OaiList[Header]:
        """Return the headers of the records that `records` returns for the same token.

        The tokens of DSpace name prefix, dates, set and offset, so both lists accept them.
        """
        convert = lambda element: header_of(element, self.url)  # noqa: E731
        return self._in_format(
            lambda name: self._read("ListIdentifiers", _params(scope, token, name), convert, ("header",), **how)
        )

    def record(self, identifier: str, **how: Any) -> Record:
        """Return one record. Raise NotFoundError if there is none with this identifier."""
        params = {"identifier": identifier}
        found = self._in_format(
            lambda name: self._read("GetRecord", {_FORMAT: name, **params}, self._record_of, ("record",), **how)
        ).rows
        if not found:
            raise BadResponseError(_("%(url)s did not answer as OAI-PMH does.", url=self.url), self.url)
        return found[0]

    def sets(self) -> dict[str, str]:
        """Return the names of all communities (`com_…`) and collections (`col_…`) by the names of their sets.

        Raise BadResponseError if the list repeats itself: then nothing shows whether it is complete.
        """
        found: dict[str, str] = {}
        params: dict[str, str] = {}
        while True:
            convert = lambda element: (text_of(element, "setSpec"), text_of(element, "setName"))  # noqa: E731
            page = self._read("ListSets", params, convert, ("set",))
            if found and not any(name not in found for name, _label in page.rows):
                raise BadResponseError(_("The list of sets of %(url)s repeats itself.", url=self.url), self.url)
            found.update(page.rows)
            if page.token is None:
                return found
            params = {_TOKEN: page.token}

    def _in_format(self, read: Callable[[str], T]) -> T:
        """Return what `read` returns for the metadata format of this server. Raise MissingFormatError."""
        try:
            return read(self._format)
        except MissingFormatError:
            if not self.server.speaks_oai or self._format == DIM:
                raise
            self.choose_format()
            if self._format == XOAI:
                raise
            return read(self._format)

    def _record_of(self, element: etree._Element) -> Record:
        return record_of(element, self.url, is_newer=self.server.generation >= 7)

    def _read(
        self,
        verb: str,
        params: Mapping[str, str],
        convert: Callable[[etree._Element], T],
        names: tuple[str, ...],
        **how: Any,
    ) -> OaiList[T]:
        """Return the converted elements with these names."""

        def read(elements: Iterator[etree._Element]) -> OaiList[T]:
            rows, token, total, is_answer = list[T](), None, None, False
            for element in elements:
                name = element.tag.removeprefix(OAI)
                is_answer = is_answer or name in (verb, *names)
                if name in names:
                    rows.append(convert(element))
                elif name == _TOKEN:
                    token, total = (element.text or "").strip() or None, element.get("completeListSize", "")
                elif name == "error":
                    if element.get("code") in _EMPTY and _TOKEN not in params:
                        return OaiList(())
                    self._refuse(element.get("code") or "", (element.text or "").strip())
            if not is_answer:
                raise BadResponseError(_("%(url)s did not answer as OAI-PMH does.", url=self.url), self.url)
            return OaiList(tuple(rows), token, int(total) if total and total.isdecimal() and len(total) < 19 else None)

        tags = [OAI + name for name in dict.fromkeys((verb, *names, _TOKEN, "error"))]
        return self.http.read_xml(self.url, {"verb": verb, **params}, read, root=_ROOT, tags=tags, **how)

    def _refuse(self, code: str, text: str) -> NoReturn:
        """Raise the error that an OAI-PMH error means."""
        error: RepositoryError
        if code == "badResumptionToken" or code in _EMPTY:  # an index that is rebuilt has no records for a time
            error = ExpiredTokenError(_("%(url)s does not continue its list.", url=self.url), self.url)
        elif code == "idDoesNotExist":
            error = NotFoundError(_("%(url)s has no such record.", url=self.url), self.url)
        elif code == "cannotDisseminateFormat":
            error = self._missing_format()
        else:
            error = RequestRejectedError(_("%(url)s does not accept the request.", url=self.url), self.url)
        error.details = (f"{code}: {text}",)
        raise error

    def _missing_format(self) -> MissingFormatError:
        sentence = _(
            "%(url)s gives no records in the formats of DSpace that have all values (xoai, dim).", url=self.url
        )
        return MissingFormatError(sentence, self.url)


def set_of(scope: Scope) -> str | None:
    """Return the name of the set of a scope, or None for the entire repository."""
    return _SETS[scope.kind] + scope.id.replace("/", "_") if scope.kind in _SETS else None


def _params(scope: Scope, token: str | None, format: str) -> dict[str, str]:
    if token is not None:
        return {_TOKEN: token}
    name = set_of(scope)
    return {_FORMAT: format, **({"set": name} if name else {})}
