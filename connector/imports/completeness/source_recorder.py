"""Records the result of an import for its source as a whole, after all pages are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from ...dspace.records import SourceState
from ...errors import DecisionRequiredError
from ...extensions import db, transaction
from ...i18n import gettext as _, lazy_gettext as _l
from ...jobs import questions
from ...models.catalogue import HOLDING, ITEM
from ...models.changes import CHANGE, Action
from ...models.repositories import Source
from ..context.import_context import ImportContext
from ..files import file_counts
from ..results.missing_questions import Missing, Unlisted
from . import left_item_sets

SHARED = _l("Another item at the source has the same handle. Both are here.")


class SourceRecorder:
    """Recorder of the result for the source. Use inside a transaction, except `ask` and `unread_sets`.

    A preview uses `PreviewSourceRecorder` instead.
    """

    def __init__(self, context: ImportContext):
        self._context, self._job_id, self._source_id = context, context.job_id, context.source_id

    def save(self, values: dict[str, Any]) -> None:
        """Store values on the source for its next import."""
        db.session.execute(update(Source).where(Source.id == self._source_id).values(values))

    def ask(self, question: Missing | Unlisted) -> str:
        """Store the question on the job, close earlier questions of the source, and raise DecisionRequiredError."""
        with transaction():
            self._context.attempt.advance(question=question.to_json())
            self.close_questions()
        raise DecisionRequiredError(question.sentence)

    def close_questions(self) -> None:
        """Close the open questions of earlier imports of this source, because this import has settled them."""
        message = _("Job %(job_id)s has read this source again and settled this question.", job_id=self._job_id)
        questions.close_earlier(self._job_id, message)

    def shared_handles(self) -> list[str]:
        """Return the handles that more than one item of this source has, and record these items as problems."""
        here = (HOLDING.c.source_id == self._source_id, HOLDING.c.left_at.is_(None))
        present = select(ITEM.c.handle).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        present = present.where(*here, ITEM.c.source_state == SourceState.PRESENT)
        odd = set(db.session.scalars(present.where(ITEM.c.handle != ITEM.c.source_key)))
        columns = [
            ITEM.c.id.label("item_id"),
            *(ITEM.c[name] for name in ("source_key", "source_id", "handle", "title")),
        ]
        query = present.with_only_columns(*columns).order_by(ITEM.c.handle, ITEM.c.id)
        rows = db.session.execute(query.where(ITEM.c.handle.in_(odd))).all() if odd else []
        number = Counter(row.handle for row in rows)
        common = {"job_id": self._job_id, "action": Action.SHARES_HANDLE.value, "reason": str(SHARED)}
        mine = (CHANGE.c.job_id == self._job_id, CHANGE.c.action == Action.SHARES_HANDLE)
        db.session.execute(delete(CHANGE).where(*mine))
        new = [common | dict(row._mapping) for row in rows if number[row.handle] > 1]
        if new:
            db.session.execute(insert(CHANGE), new)
        return [handle for handle in number if number[handle] > 1]

    def items_with_unlisted_files(self) -> int:
        """Return the number of items whose files could not be listed."""
        mine = (CHANGE.c.job_id == self._job_id, CHANGE.c.action == Action.FILES_UNLISTED)
        return db.session.scalars(select(func.count(CHANGE.c.item_id.distinct())).where(*mine)).one()

    def files_by_status(self) -> dict[str, int]:
        """Return how many files of the source's items have each status."""
        return file_counts.by_status(self._source_id)

    def new_file_problems(self) -> dict[str, int]:
        """Return by status how many files this job was the first to find with a status that is a problem only once."""
        return file_counts.new_problems(self._source_id, self._job_id)

    def other_bundles(self) -> dict[str, int]:
        """Return how many files were not downloaded because their bundle was not chosen, by bundle name."""
        return file_counts.other_bundles(self._source_id, self._context.options)

    def unread_sets(self) -> set[int] | None:
        """Return the item sets that no item may leave (see `left_item_sets`), or None for all."""
        return left_item_sets.unread_sets(self._context)

    def leave_sets(self, unread: Collection[int]) -> None:
        """Take items out of the item sets of collections that they have left. `unread`: see `unread_sets`."""
        left_item_sets.leave_sets(self._context, unread)

    def items_without_set(self) -> int:
        """Return how many items are in no item set because their collection cannot be read."""
        return left_item_sets.items_without_set(self._context)
