"""What a preview does instead of downloading files and checking the access to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select, update

from ...dspace.records import Item
from ...extensions import db, transaction
from ...models.catalogue import FILE, ITEM, FileStatus
from ...models.previews import ROW
from ..context.import_context import ImportContext
from ..start.preview_rows import PreviewAction
from .due_files import is_chosen

ROWS_PER_QUERY = 200


class ExpectedFiles:
    """A replacement for the FileDownloader that records which files of unchanged items an import would download.

    Only files that were never downloaded are recorded. An import also retries failed downloads, but these may fail
    again.
    """

    def __init__(self, context: ImportContext):
        self._context = context

    def fetch(self, item_ids: Collection[int], reads_again: bool) -> None:
        """Do nothing: `fetch_all` records the files at the end."""

    def fetch_all(self) -> None:
        """Record the files of all items that this job has met. An item with files to download counts as changed."""
        last = 0
        while rows := self._unchanged_items(last):
            last = rows[-1].id
            with transaction():
                names = self._files_to_fetch([row.item_id for row in rows])
                for row in rows:
                    values = {"action": PreviewAction.CHANGED.value, "data": {"fetch": names[row.item_id]}}
                    db.session.execute(update(ROW).where(ROW.c.id == row.id).values(values))
                moved = {"updated": len(rows), "unchanged": -len(rows)}
                self._context.attempt.advance(moved | self._context.requests.new())
            self._context.attempt.check()

    def _unchanged_items(self, after: int) -> Sequence[Any]:
        here = (ITEM.c.repository_id == self._context.repository.id, ITEM.c.source_key == ROW.c.source_key)
        mine = (ROW.c.job_id == self._context.job_id, ROW.c.action == PreviewAction.UNCHANGED, ROW.c.id > after)
        query = select(ROW.c.id, ITEM.c.id.label("item_id")).join(ITEM, and_(*here))
        query = query.where(*mine, exists().where(FILE.c.item_id == ITEM.c.id, self._never_downloaded()))
        rows = db.session.execute(query.order_by(ROW.c.id).limit(ROWS_PER_QUERY)).all()
        db.session.rollback()
        return rows

    def _never_downloaded(self) -> ColumnElement[bool]:
        return is_chosen(self._context.options) & (FILE.c.status == FileStatus.NOT_DOWNLOADED)

    def _files_to_fetch(self, item_ids: Collection[int]) -> dict[int, list[str]]:
        query = select(FILE.c.item_id, FILE.c.name, FILE.c.bitstream_id).where(FILE.c.item_id.in_(item_ids))
        names: dict[int, list[str]] = {}
        for row in db.session.execute(query.where(self._never_downloaded()).order_by(FILE.c.item_id, FILE.c.position)):
            names.setdefault(row.item_id, []).append(row.name or row.bitstream_id)
        return names


class NoAccessCheck:
    """A replacement for the AccessCheck that checks nothing."""

    left_out = 0

    def __init__(self, context: ImportContext):
        """Accept the same argument as AccessCheck."""

    def check(self, item_ids: Collection[int], items: Sequence[Item]) -> None:
        """Do nothing."""

    def check_rest(self) -> None:
        """Do nothing."""
