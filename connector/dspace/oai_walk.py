"""Reads the items of a scope over OAI-PMH, page by page as the server gives them."""

from __future__ import annotations

from collections.abc import Callable, Collection as Group, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..errors import BotChallengeError, NotFoundError, RequestRejectedError, TooLargeError, TransientError
from ..http import OutageWait
from ..i18n import decimal, gettext as _
from .oai_api import ExpiredTokenError, OaiApi, OaiList, set_of
from .oai_escaping import Escaping
from .oai_items import OaiItems
from .oai_xml import Header
from .records import Collection, Failure, Item, Page, Scope, ScopeKind

KIND = "page"  # of requests (see `OutageWait`)
MOST_RESTARTS = 5
Row = tuple[Header, Item | Failure]


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a walk has come. `token`: of the next page, None for the first. `read`: the number of records.

    `deleted`: the number of deleted records among them. `restarts`: how often the list began again. `proofs`,
    `is_disproved`: see `Escaping`.
    """

    token: str | None = None
    read: int = 0
    deleted: int = 0
    restarts: int = 0
    is_done: bool = False
    proofs: int = 0
    is_disproved: bool = False

    @classmethod
    def of(cls, cursor: Mapping[str, Any]) -> _Place:
        """Return the place in a cursor. A cursor of a walk over REST begins the list again."""
        return cls(**{each.name: cursor[each.name] for each in fields(cls) if each.name in cursor})


class OaiWalk:
    """One reading of a scope. `seen(ids)` returns the ids that are recorded already, whose items are left out.

    `collections`: returns the collections with these handles. An item in several of them is repeated for each.
    """

    def __init__(
        self,
        api: OaiApi,
        items: OaiItems,
        outage: OutageWait,
        scope: Scope,
        seen: Callable[[Group[str]], set[str]],
        collections: Callable[[Sequence[str]], list[Collection]],
    ):
        self._api, self._items, self._outage, self._scope, self._seen = api, items, outage, scope, seen
        self._collections = collections
        self._met = set[str]()

    def pages(self, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield the pages after the cursor. An expired token begins the list again, without items that were seen.

        Raise NotFoundError if the scope does not exist, and RequestRejectedError if tokens expire again and again.
        """
        place = _Place.of(cursor or {})
        self._items.escaping = Escaping(place.proofs, place.is_disproved)
        if self._scope.kind is not ScopeKind.REPOSITORY:
            self._items.begin()
        while not place.is_done:
            try:
                found = self._read(place.token)
            except ExpiredTokenError as error:
                if place.restarts == MOST_RESTARTS:
                    raise RequestRejectedError(
                        _("%(url)s does not continue its list, again and again.", url=self._api.url), self._api.url
                    ) from error
                place = _Place(restarts=place.restarts + 1)
                self._met.clear()
                continue
            if not found.rows and place.token is None:
                self._check_scope()
            place, page = self._page(place, found)
            yield page

    def _page(self, place: _Place, found: OaiList[Row]) -> tuple[_Place, Page]:
        """Return the place after an answer, and its page."""
        rows = {header.id: (header, result) for header, result in found.rows if header.id not in self._met}
        self._met.update(rows)
        is_endless = found.token is not None and (not rows or found.token == place.token)
        escaping = self._items.escaping
        after = _Place(
            found.token,
            place.read + len(rows),
            place.deleted + sum(header.is_deleted for header, _result in rows.values()),
            place.restarts,
            is_endless or found.token is None,
            escaping.proofs,
            escaping.is_disproved,
        )
        total = after.read if found.token is None and found.total is None else found.total
        known = self._seen(list(rows))
        new = [row for id, row in rows.items() if id not in known and not row[0].is_deleted]
        homes = {header.id: self._homes(header) for header, _result in new}
        items = [result for _header, result in new if isinstance(result, Item)]
        failures = [result for _header, result in new if isinstance(result, Failure)]
        page = Page(
            tuple(replace(item, collection=next(iter(homes[item.id]), None)) for item in items),
            asdict(after),
            None if total is None else total - after.deleted,
            (*failures, *([_endless(after.read)] if is_endless else [])),
            again=tuple(replace(item, collection=home) for item in items for home in homes[item.id][1:]),
        )
        return after, page

    def _homes(self, header: Header) -> list[Collection]:
        is_one = self._scope.kind is ScopeKind.COLLECTION
        return self._collections([self._scope.id] if is_one else header.collections)

    def _read(self, token: str | None) -> OaiList[Row]:
        """Return a page of the list. If it fails, read its records one by one, unless the repository fails."""
        while True:
            try:
                found = self._outage.attempt(KIND, lambda: self._api.records(self._scope, token, tries_at_500=2))
            except BotChallengeError as error:
                self._outage.wait(KIND, error)
            except (TransientError, TooLargeError) as error:
                if (headers := self._headers(token)) is not None:
                    return self._one_by_one(headers)
                if isinstance(error, TooLargeError):
                    raise
                self._outage.wait(KIND, error)
            else:
                self._items.learn(found.rows)
                rows = [(record.header, self._items.item_of(record)) for record in found.rows]
                return OaiList(rows, found.token, found.total)

    def _headers(self, token: str | None) -> OaiList[Header] | None:
        """Return the headers of the records of a failing page, or None if the repository fails."""
        found = list[OaiList[Header]]()
        is_well = self._outage.is_well(KIND, lambda: found.append(self._api.headers(self._scope, token, tries=2)))
        if not is_well:
            return None
        self._outage.record_success(KIND)
        return found[0]

    def _one_by_one(self, headers: OaiList[Header]) -> OaiList[Row]:
        """Return a page whose records were read with one request each."""
        known = self._seen([header.id for header in headers.rows])
        wanted = [Item(header.id, header.id, None, None) for header in headers.rows if not header.is_deleted]
        results = {each.id: each for each in self._items.complete(item for item in wanted if item.id not in known)}
        rows = [(header, results.get(header.id) or Item(header.id, header.id, None, None)) for header in headers.rows]
        return OaiList(rows, headers.token, headers.total)

    def _check_scope(self) -> None:
        """Raise NotFoundError if the scope of an empty list does not exist."""
        if (name := set_of(self._scope)) is not None and name not in self._api.sets():
            raise NotFoundError(
                _("%(url)s has no set with the name %(name)s.", url=self._api.url, name=name), self._api.url
            )


def _endless(read: int) -> Failure:
    return Failure(
        None,
        None,
        None,
        _("The list of records repeats itself after %(number)s records and does not end.", number=decimal(read)),
    )
