"""The running import whose items a publishing job sends.

The import does not depend on the job, so a slow or unreachable Omeka S site neither delays nor ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from sqlalchemy import exists, select

from ..errors import NotFoundError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..jobs import creation, lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import FILE, FileStatus
from ..models.changes import CHANGE, Action
from ..models.job_options import FileOptions
from ..models.jobs import IN_PROGRESS, JOB, Job, State
from .items_to_send import ITEMS_PER_BATCH
from .publish_cursors import PublishCursor


class FollowedImport:
    """The import of one attempt at a publishing job that takes its items (see `import_wait.takes_items`).

    `has_files`: whether items wait here until the import has tried to download their files. `cursor`: how far the job
    is with the changes of the import.
    """

    def __init__(self, attempt: JobAttempt, job: Job, import_id: int, *, has_files: bool):
        self._attempt, self._repository_id = attempt, job.repository_id
        self.job_id, self.cursor = import_id, PublishCursor.from_json(job.cursor)
        bundles = self._options().chosen_bundles if has_files else ()
        is_untried = FILE.c.last_tried_job_id.is_distinct_from(self.job_id)
        due = (FILE.c.item_id == CHANGE.c.item_id, FILE.c.bundle.in_(bundles), is_untried)
        self._lacks_files = exists().where(*due, FILE.c.status == FileStatus.NOT_DOWNLOADED)

    def is_running(self) -> bool:
        """Return whether the import still writes items. If not, store that the job continues with the whole source.

        If the import waits in the queue, this attempt ends, so that it does not keep a worker from the import.
        """
        if self._state() in IN_PROGRESS:
            return True
        with transaction():
            # An import that begins again takes this lock before it looks whether the job still takes its items.
            creation.lock_repository(self._repository_id)
            state = self._state()
            if state not in (*IN_PROGRESS, State.QUEUED):
                self._attempt.advance(cursor=PublishCursor(after=0).to_json())
        if state == State.QUEUED:
            self._attempt.pause()
            self._attempt.check()
        return state in IN_PROGRESS

    def next_items(self) -> Sequence[Any]:
        """Return the next items that the import has finished, as rows with `item_id` and the `id` of the change."""
        columns = (CHANGE.c.id, CHANGE.c.item_id, self._lacks_files.label("lacks_files"))
        written = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED))
        mine = (CHANGE.c.job_id == self.job_id, CHANGE.c.id > self.cursor.change, CHANGE.c.item_id.is_not(None))
        query = select(*columns).where(*mine, written).order_by(CHANGE.c.id).limit(ITEMS_PER_BATCH)
        found = db.session.execute(query).all()
        db.session.rollback()
        return list(takewhile(lambda row: not row.lacks_files, found))

    def skip(self, rows: Sequence[Any]) -> None:
        """Store that these items have been sent, and how many items the import expects."""
        self.cursor = PublishCursor(change=rows[-1].id)
        with transaction():
            expected = db.session.scalar(select(JOB.c.expected).where(JOB.c.id == self.job_id))
            self._attempt.advance(cursor=self.cursor.to_json(), expected=expected)

    def _options(self) -> FileOptions:
        try:
            return FileOptions.of(lifecycle.get(self.job_id))
        except NotFoundError:  # it was deleted, so it writes no more items
            return FileOptions()

    def _state(self) -> str | None:
        return db.session.scalar(select(JOB.c.state).where(JOB.c.id == self.job_id))


def unfinished_in_words(job_id: int) -> str:
    """Return a sentence about an import that has not completed, or ""."""
    state = db.session.scalar(select(JOB.c.state).where(JOB.c.id == job_id))
    if state in (None, State.COMPLETED):
        return ""
    return _("Import job %(job)s has not completed. Only the items that it had finished were published.", job=job_id)
