"""The sort orders of lists of items."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import func, literal_column

from ..models.catalogue import CatalogueItem
from ..pagination import Order
from .search import FoundItems

# The expression of the index `ix_item_last_modified`.
LAST_MODIFIED = func.coalesce(CatalogueItem.last_modified, literal_column("''"))


class Sort(StrEnum):
    """What a list of items is sorted by. The names are part of addresses."""

    RELEVANCE = "relevance"
    NEWEST_IMPORT = "newest-import"
    OLDEST_IMPORT = "oldest-import"
    TITLE = "title"
    NEWEST_DATE = "newest-date"
    OLDEST_DATE = "oldest-date"
    LAST_MODIFIED = "last-modified"


_ORDERS = {
    Sort.NEWEST_IMPORT: Order((CatalogueItem.id,), is_descending=True),
    Sort.OLDEST_IMPORT: Order((CatalogueItem.id,)),
    Sort.TITLE: Order((CatalogueItem.title_sort, CatalogueItem.id)),
    Sort.NEWEST_DATE: Order((CatalogueItem.date_sort, CatalogueItem.id), is_descending=True),
    Sort.OLDEST_DATE: Order((CatalogueItem.date_sort, CatalogueItem.id)),
    Sort.LAST_MODIFIED: Order((LAST_MODIFIED, CatalogueItem.id), is_descending=True),
}


def order_of(items: FoundItems, sort: Sort) -> Order:
    """Return the sort order. By relevance, items with all words in the title come first, then the newest imports.

    A search that finds many items is not sorted by relevance, because each of them would be read.
    """
    if sort is not Sort.RELEVANCE:
        return _ORDERS[sort]
    if not items.selection.words or items.few is None:
        return _ORDERS[Sort.NEWEST_IMPORT]
    return Order((items.selection.relevance(), CatalogueItem.id), is_descending=True)
