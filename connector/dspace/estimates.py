"""What reading a scope will take, from what the source tells at first: pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from .records import Estimate, Page

FILES_UNTOLD = "without the files, whose number DSpace 4 to 6 does not tell"


def by_first_page(page: Page, size: int, with_files: bool) -> Estimate:
    """From the first page of a walk that knows its total, by the plan the walk begins with: pages of `size` items.

    The plan that it then finds to be the cheapest takes half as many requests, or, with one more an item, ten times.
    """
    items, requests = page.total or 0, _pages(page.total or 0, size)
    if not with_files:
        return Estimate(items, requests)
    found = [file for item in page.items for file in item.bitstreams or () if file.bundle == "ORIGINAL"]
    files, sizes = (
        round(items * told / max(1, len(page.items))) for told in (len(found), sum(file.size or 0 for file in found))
    )
    return Estimate(items, requests + files, files, sizes)


def by_counts(counts: Sequence[int | None], size: int, singly: bool) -> Estimate:
    """From the counts of the parts of a scope, hidden items included, which are read in pages of `size` items.

    `singly`: each item takes a request of its own besides.
    """
    if None in counts:
        return Estimate(None, None)
    items = sum(counts)
    return Estimate(items, sum(_pages(count, size) for count in counts) + (items if singly else 0))


def _pages(items: int, size: int) -> int:
    return max(1, -(-items // size))
