"""Reads only some items of a source: those that an earlier import could not read, or those selected in a preview."""

from __future__ import annotations

from collections.abc import Sequence

from ..dspace.records import Item, Page
from ..extensions import db, transaction
from ..jobs import report
from . import preview_selection, retry_failed
from .import_context import ImportContext
from .page_writer import FULL_PAGE, PageWriter


def read_failed(context: ImportContext, writer: PageWriter, job_id: int) -> None:
    """Read again the items that an earlier job could not read, and take over its files for a retry.

    With files, also read the items with damaged files, since the source may have corrected the announced size or
    checksum.
    """
    rows = list(report.failed_items(job_id))
    if context.options.files:
        rows += retry_failed.damaged_items(job_id, context.source_id)
        with transaction():
            number = context.recorder.take_over_files(job_id)
            context.attempt.advance({"seen": number, "unchanged": number})
    items = {row.source_id: Item(row.source_id, row.handle, row.title, None) for row in rows}
    db.session.rollback()
    _read(context, writer, list(items.values()), "Retrying failed items and files", len(items))


def read_selected(context: ImportContext, writer: PageWriter) -> None:
    """Read the items that were selected in a preview."""
    total = preview_selection.number_to_read(context.job_id)
    for items in preview_selection.to_read(context.job_id):
        _read(context, writer, items, "Reading the chosen items", total)


def _read(context: ImportContext, writer: PageWriter, items: Sequence[Item], doing: str, total: int) -> None:
    """Read only these items, one by one. `total`: the number of items in all such calls together."""
    done = context.recorder.seen([item.id for item in items])
    left = [item for item in items if item.id not in done]
    for start in range(0, len(left), FULL_PAGE):
        page = Page(tuple(left[start : start + FULL_PAGE]), {}, total)
        context.attempt.say(doing)
        writer.write(page, {})
        context.attempt.check()
