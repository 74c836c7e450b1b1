"""Which items a client is shown by those who list and search: of a signed-out one, what is open to everybody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import BadAnswer, NotFound, Restricted
from .hal_api import HalApi
from .hal_records import found_object, item_of, known_id
from .legacy_rows import LegacyRows
from .pipeline import ahead
from .records import MetadataValue, Scope

if TYPE_CHECKING:
    from .legacy import LegacyClient

# As many uuids make an address of 3 KB; web servers take 8 KB.
_IDS_AT_ONCE = 50
# So few are asked for one by one rather than listing a whole scope for them, as in a test import.
_FEW = 10

# The metadata values of items by id; None where an item is found and its values are not known.
OpenItems = Mapping[str, tuple[MetadataValue, ...] | None]


def by_search(api: HalApi, ids: Collection[str]) -> Iterator[Callable[[], OpenItems]]:
    """Yield searches of DSpace 7 to 10; each returns those of some of these items that are found."""
    known = sorted(ids)
    for start in range(0, len(known), _IDS_AT_ONCE):
        yield partial(_found, api, known[start : start + _IDS_AT_ONCE])


def _found(api: HalApi, ids: list[str]) -> OpenItems:
    either = " OR ".join(f"search.resourceid:{id}" for id in ids)
    answer, url = api.search([("dsoType", "item"), ("query", f"({either})"), ("size", len(ids))])
    return {id: _values(row, url) for row in answer.rows if (id := known_id(row)) in ids}


def _values(row: Any, url: str) -> tuple[MetadataValue, ...] | None:
    try:
        return item_of(found_object(row, url), url).metadata
    except BadAnswer:
        return None


class Openness:
    """What a client of DSpace 4 to 6 is shown: the light list of a scope, read once, and single items beside it."""

    def __init__(self, client: LegacyClient):
        self._client = client
        self._rows = LegacyRows(client.api, client.patience, client.width, light=True)
        self._lists: dict[Scope, set[str]] = {}

    def shown(self, scope: Scope, ids: Collection[str], closed: Collection[str]) -> set[str]:
        """Which of these items of the scope; those that were `closed` before have to stand in the list."""
        if scope not in self._lists and len(ids) > _FEW:
            self._lists[scope] = self._listed(scope)
        listed = self._lists.get(scope, set()).intersection(ids)
        unlisted = [id for id in ids if id not in listed and (id not in closed or scope not in self._lists)]
        tasks = [partial(self._is_open, id) for id in unlisted]
        futures = ahead(tasks, self._client.width, self._client.patience.stop)
        return listed | {id for id, future in zip(unlisted, futures, strict=True) if future.result()}

    def _listed(self, scope: Scope) -> set[str]:
        """The ids of a scope; none where it is closed as a whole."""
        try:
            pages = self._client.walk(scope, light=True, seen=lambda ids: set())
            return {item.id for page in pages for item in page.items}
        except (NotFound, Restricted):
            return set()

    def _is_open(self, id: str) -> bool:
        try:
            self._rows.patiently(lambda: self._client.api.get(f"items/{id}", kind="item"))
        except (NotFound, Restricted):
            return False
        return True
