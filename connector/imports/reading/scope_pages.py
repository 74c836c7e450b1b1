"""Reads the pages of a whole scope. Light pages are used while most items are unchanged, else complete pages.

After a light page, each changed item needs a request of its own. On a complete page it needs none. After an upgrade of
DSpace every item has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...catalogue import store
from ...dspace.page_plans import restart_cursor, with_plan
from ...dspace.records import Item, Page
from ...extensions import db
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from .page_processor import PageProcessor

LEAST_CHANGED = 10  # changed items of a light page from which complete pages are faster
WINDOW = 50  # items read in full before the kind of pages is chosen again


@dataclass(slots=True)
class _RecentCounts:
    """The numbers of items read in full, and of changed items among them, since the kind of pages was last chosen."""

    items: int = 0
    changed: int = 0

    def add(self, items: int, changed: int) -> None:
        self.items, self.changed = self.items + items, self.changed + changed

    @property
    def is_quiet(self) -> bool:
        """Return whether at least WINDOW items were read and at most half of them had changed."""
        return self.items >= WINDOW and self.changed * 2 <= self.items


def scope_pages(context: ImportContext, processor: PageProcessor, trusts: bool) -> Iterator[Page]:
    """Yield the pages of the scope after the cursor of the job.

    `trusts`: whether the run trusts the time stamps of the source, so that it can use light pages. Each cursor is
    {"at": cursor of the client, "light": whether its pages are light}.
    """
    begun = context.progress.places.get(Listing.WALK, {})
    at, light = begun.get("at"), begun.get("light", trusts)
    plan: dict[str, Any] | None = context.page_plan
    options = context.options
    may_use_oai = not (options.is_partial or options.related_items or context.recorder.is_preview)
    while True:
        turned, window = False, _RecentCounts()
        for page in processor.pages(at, light=light, with_access=options.full, may_use_oai=may_use_oai):
            changed = _changed(context, context.with_known_ids(page.items)) if trusts else 0
            turned = light and _is_worth_full_pages(page, changed)
            if turned:
                break  # the items of this page are read again after the last cursor
            at, plan = page.cursor, plan if light else restart_cursor(page.cursor) or plan
            yield replace(page, cursor={"at": at, "light": light})
            window.add(len(page.items), changed)
            turned = trusts and not light and window.is_quiet
            if turned:
                break
        if not turned:
            return
        light = not light
        at = with_plan(at, None if light else plan)


def _changed(context: ImportContext, items: Sequence[Item]) -> int:
    held = store.stored_items(context.repository.id, items) if items else {}
    db.session.rollback()
    return sum(item.id not in held or not held[item.id].is_as(item) for item in items)


def _is_worth_full_pages(page: Page, changed: int) -> bool:
    """Return whether most items of a light page have changed, so that complete pages need fewer requests."""
    is_light = not all(item.is_complete for item in page.items)
    return is_light and changed >= LEAST_CHANGED and changed * 2 > len(page.items)


def first_items(pages: Iterator[Page], number: int | None) -> Iterator[Page]:
    """Yield pages with the first `number` items and failures only, or all pages if it is None."""
    if number is None:
        yield from pages
        return
    for page in pages if number > 0 else ():
        items = page.items[:number]
        failures = page.failures[: number - len(items)]
        yield Page(items, page.cursor, page.total, failures)
        number -= len(items) + len(failures)
        if number <= 0:
            return
