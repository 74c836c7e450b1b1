"""What a preview does instead of recording the result for the source: it changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select

from ...extensions import db
from ...models.previews import ROW
from ..context.import_context import ImportContext
from ..recording.preview_recorder import MET
from ..results.missing_questions import Missing, Unlisted
from ..start.preview_rows import PreviewAction


class PreviewSourceRecorder:
    """A replacement for the SourceRecorder. The source, its item sets and its questions stay unchanged."""

    def __init__(self, context: ImportContext):
        self._context = context

    def save(self, values: dict[str, Any]) -> None:
        """Do nothing: the source row stays unchanged."""

    def ask(self, question: Missing | Unlisted) -> str:
        """Return the sentence that an import would ask a question."""
        return question.forecast

    def close_questions(self) -> None:
        """Do nothing: questions of imports stay open."""

    def shared_handles(self) -> list[str]:
        """Return the handles that more than one of the recorded items have."""
        mine = (ROW.c.job_id == self._context.job_id, ROW.c.action.in_(MET), ROW.c.handle.is_not(None))
        query = select(ROW.c.handle).where(*mine).group_by(ROW.c.handle).having(func.count() > 1)
        return list(db.session.scalars(query.order_by(ROW.c.handle)))

    def items_with_unlisted_files(self) -> int:
        """Return the number of items whose files could not be listed."""
        query = select(func.count()).where(ROW.c.job_id == self._context.job_id, ROW.c.has_problem.is_(True))
        return db.session.scalars(query.where(ROW.c.action != PreviewAction.FAILED)).one()

    def files_by_status(self) -> dict[str, int]:
        """Return no counts: a preview downloads no files."""
        return {}

    def new_file_problems(self) -> dict[str, int]:
        """Return no counts: a preview downloads no files."""
        return {}

    def other_bundles(self) -> dict[str, int]:
        """Return no counts: a preview downloads no files."""
        return {}

    def unread_sets(self) -> set[int] | None:
        """Return no sets: no item leaves a set."""
        return set()

    def leave_sets(self, unread: Collection[int]) -> None:
        """Do nothing: item sets stay unchanged."""

    def items_without_set(self) -> int:
        """Return 0: a preview does not use item sets."""
        return 0
