"""`/discover/search/objects` of DSpace 7 to 10: pages of search results."""

from __future__ import annotations

from . import hal_json as shape
from .answers import Answer, RefusalError, Request, dumps
from .embed import Embedder, Embeds
from .hal_items import ItemWriter
from .hal_wire import embeds_of, internal, json_answer, whole
from .records import Community, Item, Thing, signed_in
from .search import Search
from .served import Served

MOST_ROWS = 100  # rest.search.max.results
FACETS = (
    ("author", {"facetType": "text", "facetLimit": 5, "minValue": "Adeyemi, Tunde", "maxValue": "陈, 静"}),
    ("subject", {"facetType": "hierarchical", "facetLimit": 5}),
    ("dateIssued", {"facetType": "date", "facetLimit": 5, "minValue": "1278", "maxValue": "2022-03-04"}),
    ("has_content_in_original_bundle", {"facetType": "standard", "facetLimit": 2}),
    ("entityType", {"facetType": "text", "facetLimit": 5}),
    ("access_status", {"facetType": "text", "facetLimit": 10}),
)


class Discovery:
    """Answers searches."""

    def __init__(self, sample: Served, embedder: Embedder, items: ItemWriter):
        self._sample, self._embedder, self._items = sample, embedder, items
        self._search = Search(sample.data)

    def answer(self, request: Request) -> Answer:
        """Return a page of at most 100 rows. The next page begins behind the requested size."""
        if any(name.startswith("f.") for name in request.query):
            raise RefusalError(400)  # no filter is known here
        kind, scope, query = request.one("dsoType"), request.one("scope"), request.one("query")
        is_asked = request.one("configuration") == "administrativeView"  # ignored unless an administrator asks
        is_administrative = is_asked and signed_in.get() and self._sample.logins.is_administrator
        found = self._search.find(kind, scope, query, request.one("sort"), is_administrative)
        number, size = whole(request.one("page"), 0), whole(request.one("size"), 20) or 20
        rows, embeds = found[number * size :][: min(size, MOST_ROWS)], embeds_of(request)
        answer = json_answer(self._text(request, rows, embeds, _counts(number, size, len(found), len(rows))))
        answer.price = self.price(rows, embeds, min(number * size, len(found)))
        return answer

    def price(self, rows: list[Thing], embeds: Embeds, skipped: int = 0) -> float:
        """Return the seconds that a real server needs for these rows, their embedded objects and the rows before."""
        items = [row for row in rows if isinstance(row, Item)]
        listed = "bitstreams" in embeds.under("bundles").tree
        return self._sample.costs.search_page(len(items), sum(len(row.bitstreams) for row in items if listed), skipped)

    def _text(self, request: Request, rows: list[Thing], embeds: Embeds, counts: dict[str, int]) -> bytes:
        by, _, direction = request.one("sort").partition(",")
        head = {"id": None, "scope": request.one("scope") or None, "query": request.one("query") or None}
        head["appliedFilters"] = None
        head["sort"] = {"by": by, "order": direction.upper() or "ASC"} if by else None
        head["configuration"] = request.one("configuration") or None
        head |= {"type": "discover", "_links": {"self": shape.href(internal(request))}}
        tail = {"page": counts, "_links": shape.page_links(internal(request), counts)}
        objects = b",".join(self._object(row, request, embeds) for row in rows)
        parts = [dumps(head)[:-1], b',"_embedded":{"searchResult":{"_embedded":{"objects":[', objects, b"]},"]
        return b"".join([*parts, dumps(tail)[1:], b',"facets":', _FACETS, b"}}"])

    def _object(self, one: Thing, request: Request, embeds: Embeds) -> bytes:
        if isinstance(one, Item):
            path, text = "items", self._items.text(one, request, embeds)
        else:
            path = "communities" if isinstance(one, Community) else "collections"
            text = dumps(self._embedder.container(one, embeds))
        link = f'{{"indexableObject":{{"href":"{shape.API}/core/{path}/{one.uuid}"}}}}'.encode()
        head = b'{"hitHighlights":null,"type":"discover","_links":' + link
        return b"".join([head, b',"_embedded":{"indexableObject":', text, b"}}"])


def _counts(number: int, size: int, total: int, rows: int) -> dict[str, int]:
    """Return the counts. A page that is not full counts as the last, so the total is wrong for sizes above 100."""
    if rows and (number + 1) * size > total:
        total = number * size + rows
    return shape.page(number, size, total)


def _facet(name: str, about: dict[str, object]) -> dict[str, object]:
    """Return a facet without values. Every page has them, and importers do not read them."""
    link = {"self": shape.href(f"{shape.API}/discover/facets/{name}")}
    return {"name": name} | about | {"openByDefault": name == "author", "_links": link, "_embedded": {"values": []}}


_FACETS = dumps([_facet(*facet) for facet in FACETS])
