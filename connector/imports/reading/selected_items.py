"""Reads only some items of a source: those that an earlier import could not read, or those selected in a preview."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update

from ...catalogue.item_problems import UNREAD
from ...dspace.records import Item, Page
from ...extensions import db, execute_counted, transaction
from ...i18n import gettext as _
from ...models.catalogue import FILE, HOLDING, FileStatus
from ...models.changes import CHANGE
from ..context.import_context import ImportContext
from ..results import import_report
from ..start import preview_selection, retry_failed
from .page_writer import FULL_PAGE, PageWriter


def read_failed(context: ImportContext, writer: PageWriter, job_id: int) -> None:
    """Read again the items that an earlier job could not read, and take over its files for a retry.

    With files, also read the items with damaged files, since the source may have corrected the announced size or
    checksum.
    """
    rows = list(import_report.failed_items(job_id))
    if context.options.files:
        rows += retry_failed.damaged_items(job_id, context.source_id)
        with transaction():
            number = _take_over_files(context, job_id)
            context.attempt.advance({"seen": number, "unchanged": number})
    items = {row.source_id: Item(row.source_id, row.handle, row.title, None) for row in rows}
    db.session.rollback()
    _read(context, writer, list(items.values()), _("Retrying failed items and files"), len(items))


def read_selected(context: ImportContext) -> None:
    """Read the items that were selected in a preview: those of the scope, then those that others name."""
    total = preview_selection.number_to_read(context.job_id)
    for part, expected in ((context, total), (context.for_named_items(), None)):
        writer = PageWriter(part)
        for items in preview_selection.to_read(part.job_id, is_named=part.recorder.is_named):
            _read(part, writer, items, _("Reading the chosen items"), expected)


def _take_over_files(context: ImportContext, job_id: int) -> int:
    """List the missing files of an earlier job under this job from now on. Return the number of their items.

    Items that the earlier job could not read, or that have damaged files, are left out. They are read again together
    with their files.
    """
    bad = select(FILE.c.item_id).where(retry_failed.may_come(retry_failed.file_limit(context.options)))
    damaged = select(FILE.c.item_id).where(FILE.c.status == FileStatus.DAMAGED)
    failed = select(CHANGE.c.item_id).where(CHANGE.c.job_id == job_id, CHANGE.c.action.in_(UNREAD))
    mine = (HOLDING.c.source_id == context.source_id, HOLDING.c.last_seen_job_id == job_id, HOLDING.c.item_id.in_(bad))
    unread: ColumnElement[bool] = HOLDING.c.item_id.in_(failed.where(CHANGE.c.item_id.is_not(None)))
    unread |= HOLDING.c.item_id.in_(damaged)
    return execute_counted(update(HOLDING).where(*mine, ~unread).values(last_seen_job_id=context.job_id))


def _read(context: ImportContext, writer: PageWriter, items: Sequence[Item], doing: str, total: int | None) -> None:
    """Read only these items, one by one. `total`: the number of items of the scope in all such calls together."""
    done = context.recorder.seen([item.id for item in items])
    left = [item for item in items if item.id not in done]
    for start in range(0, len(left), FULL_PAGE):
        page = Page(tuple(left[start : start + FULL_PAGE]), {}, total)
        context.attempt.say(doing)
        writer.write(page, {})
        context.attempt.check()
