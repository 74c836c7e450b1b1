"""Reads one slice of the items again with each run, so that the files of all items are checked within several runs.

Quick runs trust what the source says about changes. A file that is deleted, renamed or made public changes no
`lastModified` (docs/dspace-findings.md), and does not always update the index. Only reading the item shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from flask import current_app
from sqlalchemy import select

from ...dspace.page_plans import restart_cursor
from ...dspace.records import Failure, Item, Page, ScopeKind, Subset, ids_in
from ...dspace.uuid_partitions import part_of
from ...errors import RequestRejectedError
from ...extensions import db
from ...i18n import gettext as _
from ...models.catalogue import HOLDING, ITEM
from ...models.repositories import Source
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from .page_processor import PageProcessor

ITEMS_PER_QUERY, ITEMS_PER_PAGE = 5_000, 20  # catalogue items per query; items read between two cursors
Part = tuple[int, int]


def begun_slice(context: ImportContext) -> Part | None:
    """Return the slice (number, of) in which an earlier attempt at this job ended, or None. Its listing is complete."""
    place = context.progress.places.get(Listing.SLICE)
    return place and tuple(place["part"])


def due_slice(context: ImportContext) -> Part | None:
    """Return the slice (number, of) for this run, or None if there is none.

    There is none if RECHECK_RUNS is 0, if the run is partial, or if the scope is a single item.
    """
    of = current_app.config["RECHECK_RUNS"]
    if of == 0 or context.options.is_partial or context.scope.kind is ScopeKind.ITEM:  # a single item is always read
        return None
    turn = db.session.scalar(select(Source.recheck_slice).where(Source.id == context.source_id))
    db.session.rollback()
    return turn % of, of


def plan(context: ImportContext) -> dict[str, Any] | None:
    """Return the cursor from which the next slice starts with the cheapest known page plan, or None.

    The plan is the one found by the slice of this run, by its full reading of the scope, or by an earlier run.
    """
    places = context.progress.places
    if Listing.SLICE in places:
        found = restart_cursor(places[Listing.SLICE]["at"])
    else:
        walk = places.get(Listing.WALK, {"light": True})
        found = None if walk.get("light") else restart_cursor(walk.get("at"))
    return found or context.page_plan


def read(context: ImportContext, processor: PageProcessor, part: Part) -> None:
    """Read the items of a slice in full and record their changes, each page with its cursor.

    Items that this run has not met are left to the next run.
    """
    at = context.progress.places.get(Listing.SLICE, {}).get("at")
    pages = (_of_this_run(context, page, part) for page in _pages(context, processor, part, at))
    processor.process(pages, Listing.SLICE, _("Reading files again of a part of %(scope)s"), is_repeated=True)


def _pages(context: ImportContext, processor: PageProcessor, part: Part, at: dict[str, Any] | None) -> Iterator[Page]:
    """Yield the pages of a slice.

    If the source rejects the query for a slice, read the items of the catalogue one by one.
    """
    if "after" not in (at or {}):
        try:
            begin = at or context.page_plan
            subset = Subset(part=part)
            yield from processor.pages(begin, light=False, seen=lambda ids: set(), with_access=True, subset=subset)
            return
        except RequestRejectedError:
            at = None
    yield from _by_catalogue(context, part, (at or {}).get("after", 0))


def _of_this_run(context: ImportContext, page: Page, part: Part) -> Page:
    """Return the page with only the items that this run has met and could read, without the total of the scope.

    The collection of each item is left out, because only the listing knows mapped collections.
    """
    items = context.recorder.not_failed(context.with_known_ids(page.items))
    met = context.recorder.seen(ids_in(items, page.failures))
    failures = tuple(failure for failure in page.failures if failure.id is None or failure.id in met)
    kept = tuple(replace(item, collection=None) for item in items if item.id in met)
    return replace(page, items=kept, failures=failures, cursor={"part": part, "at": page.cursor}, total=None)


def _by_catalogue(context: ImportContext, part: Part, after: int) -> Iterator[Page]:
    for rows in _rows(context, part, after):
        for start in range(0, len(rows), ITEMS_PER_PAGE):
            items_of_page = rows[start : start + ITEMS_PER_PAGE]
            items = [Item(row.source_id, row.handle, row.title, None) for row in items_of_page]
            results = list(context.client.complete(items))
            failures = tuple(result for result in results if isinstance(result, Failure))
            complete = tuple(result for result in results if isinstance(result, Item))
            yield Page(complete, {"after": items_of_page[-1].id}, failures=failures)


def _rows(context: ImportContext, part: Part, after: int) -> Iterator[Sequence[Any]]:
    """Yield the items of a slice that this source holds, in the order of the catalogue."""
    number, of = part
    query = select(ITEM.c.id, ITEM.c.source_id, ITEM.c.handle, ITEM.c.title)
    query = query.join(HOLDING, HOLDING.c.item_id == ITEM.c.id).where(HOLDING.c.source_id == context.source_id)
    while rows := db.session.execute(query.where(ITEM.c.id > after).order_by(ITEM.c.id).limit(ITEMS_PER_QUERY)).all():
        db.session.rollback()
        met = context.recorder.seen([row.source_id for row in rows])
        yield [row for row in rows if row.source_id in met and part_of(row.source_id, of) == number]
        after = rows[-1].id
    db.session.rollback()
