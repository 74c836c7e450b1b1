"""Checks which stored files the source has closed, and which restricted files it has opened.

An access change updates no time stamp and no index entry (measured on DSpace 7 to 9), so files must be checked.
A full check compares the access information on the pages of all items. Other runs compare it for the items that they
read again (see `rolling_recheck`). Files without this information are requested one by one, those with the oldest check
first. The number of these requests is limited.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Select, func, select, update

from ...dspace.records import FileAccess, Item
from ...errors import TransientError
from ...extensions import count_rows, db, transaction
from ...i18n import gettext as _, lazy_gettext as _l
from ...models.catalogue import FILE, HOLDING, ITEM, FileStatus
from ..context.import_context import ImportContext
from ..context.item_requests import send_each
from .download_outcomes import Outcome, StatusWriter
from .due_files import is_restored, is_stored, is_untried

FILES_PER_QUERY = 200
KIND = "access"  # of requests
# Limit of single file checks in a run: LEAST, or one for each ITEMS_FOR_ONE items if that is more.
LEAST, ITEMS_FOR_ONE = 30, 40
LEAST_IN_FULL_CHECK, ITEMS_FOR_ONE_IN_FULL_CHECK = 1_000, 5
CLOSED = _l("Closed at the source since it was downloaded. What is stored is kept, and shown to editors only.")
CLOSED_UNTIL = _l(
    "Closed at the source since it was downloaded. What is stored is kept, and shown to editors only. "
    "Its embargo ends on %(day)s."
)
AccessById = Mapping[str, FileAccess]  # by bitstream id


class AccessCheck:
    """Comparison of file access at the source, for a signed-out reader, with the catalogue.

    `left_out`: the number of files that a later run has to check.
    """

    def __init__(self, context: ImportContext):
        self._context, self._run, self._access = context, context.attempt, context.access
        self._writer = StatusWriter(context)
        self._left = _most_requests(context.source_id, context.options.full)
        self._unknown = 0  # files of items read again whose access is still unknown
        self.left_out = 0

    def check(self, item_ids: Collection[int], items: Sequence[Item]) -> None:
        """Compare the files of items that were read again with the access information on their pages."""
        if not self._is_needed:
            return
        access_by_id = self._access_on_pages(items)
        rows = db.session.execute(self._files(FILE.c.item_id.in_(item_ids))).all()
        db.session.rollback()
        changed = [row for row in rows if _is_changed(row, access_by_id)]
        same = [row for row in rows if row.bitstream_id in access_by_id and not _is_changed(row, access_by_id)]
        self._note(same, access_by_id)
        self._unknown += len(rows) - len(same) - self._ask(changed, partial(self._confirmed, access_by_id))

    def check_rest(self) -> None:
        """Check the files that an undo restored, and as many others as had no access information on their pages.

        A full check includes all remaining files. Only files of items that this job has seen are checked, restored
        files first, then those with the oldest check.
        """
        if not self._is_needed:
            return
        mine = (HOLDING.c.source_id == self._context.source_id, HOLDING.c.last_seen_job_id == self._context.job_id)
        is_seen = FILE.c.item_id.in_(select(HOLDING.c.item_id).where(*mine))
        wanted = self._ids(is_seen) if self._context.options.full else self._ids(is_seen, self._least_wanted(is_seen))
        due = wanted[: self._left]
        self.left_out = len(wanted) - len(due)
        for start in range(0, len(due), FILES_PER_QUERY):
            rows = db.session.execute(self._files(FILE.c.id.in_(due[start : start + FILES_PER_QUERY]))).all()
            db.session.rollback()
            self._ask(rows, self._ask_source)
            self._run.check()

    def _least_wanted(self, is_seen: Any) -> int:
        """Return the number of files to check in a run that is not a full check."""
        restored = self._files(is_seen & is_restored()).order_by(None).with_only_columns(func.count())
        return max(self._unknown, db.session.scalars(restored).one())

    def _ids(self, is_seen: Any, most: int | None = None) -> Sequence[int]:
        """Return the ids of at most `most` files to check, those with the oldest check first."""
        oldest = (func.coalesce(FILE.c.last_tried_job_id, 0), FILE.c.item_id, FILE.c.id)
        query = self._files(is_seen).with_only_columns(FILE.c.id).order_by(None).order_by(*oldest).limit(most)
        ids = [] if most == 0 else db.session.scalars(query).all()
        db.session.rollback()
        return ids

    @property
    def _is_needed(self) -> bool:
        """Return whether file lists may contain files that a signed-out reader may not download."""
        return self._access.is_signed_in or self._access.asks_for_refused

    def _files(self, condition: Any) -> Select[Any]:
        """Select the files that this job has not checked yet, ordered by item."""
        asked = is_stored() | (FILE.c.status == FileStatus.RESTRICTED) if self._access.asks_for_refused else is_stored()
        query = select(FILE, ITEM.c.source_id).join(ITEM, ITEM.c.id == FILE.c.item_id)
        query = query.where(condition, is_untried(self._context.job_id), asked)
        return query.order_by(FILE.c.item_id, FILE.c.id)

    def _access_on_pages(self, items: Sequence[Item]) -> AccessById:
        """Return the access information on pages, by bitstream id.

        Return nothing when signed in: the information then applies to our login, not to the public.
        """
        if self._access.is_signed_in:
            return {}
        files = (file for item in items for file in item.bitstreams or ())
        return {file.id: file.access for file in files if file.access is not None}

    def _ask(self, rows: Sequence[Any], ask: Callable[[Sequence[Any]], AccessById]) -> int:
        """Check files with several requests at once, up to the request limit. Return the number of files checked."""
        rows = rows[: self._left]
        self._left -= len(rows)
        items = [list(files) for _, files in groupby(rows, lambda row: row.item_id)]
        asks = [partial(ask, files) for files in items]
        for files, result in zip(items, send_each(self._context, KIND, asks), strict=True):
            self._run.say(_("Asking which files are open"))
            self._note(files, _result_or_nothing(result))
        return len(rows)

    def _ask_source(self, files: Sequence[Any]) -> AccessById:
        """Return the confirmed access of files of one item. Omit files for which the source does not say."""
        found = self._access.public.file_access(files[0].source_id, {file.bitstream_id for file in files})
        return self._confirmed(found, files)

    def _confirmed(self, access_by_id: AccessById, files: Sequence[Any]) -> AccessById:
        """Return the access of these files. Confirm each change with a request for the file itself.

        The access status comes from policies. A file may be closed by its policies and open to us, or the reverse.
        """
        known = {
            file.bitstream_id: access_by_id[file.bitstream_id] for file in files if file.bitstream_id in access_by_id
        }
        changed = [file for file in files if _is_changed(file, known)]
        return {**known, **{file.bitstream_id: self._confirm(file, known[file.bitstream_id]) for file in changed}}

    def _confirm(self, file: Any, access: FileAccess) -> FileAccess:
        """Return the access of a file, determined by requests for it.

        Test our login only for stored files that are not public.
        """
        is_open = self._access.is_public(file.bitstream_id)
        asks_login = not is_open and FileStatus(file.status).is_stored
        opens_by_login = asks_login and self._access.opens_by_login(file.bitstream_id)
        return replace(access, is_open=is_open, opens_by_login=opens_by_login)

    def _note(self, files: Sequence[Any], access_by_id: AccessById) -> None:
        """Record that this job has checked these files, and write the status of those that changed."""
        changed = [file for file in files if _is_changed(file, access_by_id)]
        as_before = [file.id for file in files if not _is_changed(file, access_by_id)]
        with transaction():
            asked = {"last_tried_job_id": self._context.job_id}
            db.session.execute(update(FILE).where(FILE.c.id.in_(as_before)).values(asked))
            for file in changed:
                if (outcome := _outcome(file, access_by_id[file.bitstream_id])) is not None:
                    self._writer.write([file], outcome, {})


def _result_or_nothing(result: Callable[[], AccessById]) -> AccessById:
    """Return the result of a check, or nothing if only the request for this item fails."""
    try:
        return result()
    except TransientError:
        return {}


def _most_requests(source_id: int, is_full: bool) -> int:
    """Return how many single file checks a run of a source may make."""
    held = count_rows(HOLDING, HOLDING.c.source_id == source_id)
    db.session.rollback()
    if is_full:
        return max(LEAST_IN_FULL_CHECK, held // ITEMS_FOR_ONE_IN_FULL_CHECK)
    return max(LEAST, held // ITEMS_FOR_ONE)


def _is_changed(file: Any, access_by_id: AccessById) -> bool:
    """Return whether the access of a file at the source differs from the catalogue."""
    return file.bitstream_id in access_by_id and _outcome(file, access_by_id[file.bitstream_id]) is not None


def _outcome(file: Any, access: FileAccess) -> Outcome | None:
    """Return the new status of a file from its access at the source, or None if it is unchanged."""
    status = FileStatus(file.status)
    embargo_ends_on = access.embargo_ends_on.isoformat() if access.embargo_ends_on else None
    if status.is_stored and access.is_open != file.content_is_restricted:
        return None
    if status.is_stored and (access.is_open or access.opens_by_login):
        details, is_restricted = file.technical_details or (), not access.is_open
        return Outcome(status, file.reason, details, sha256=file.sha256, content_is_restricted=is_restricted)
    if access.is_open:
        return Outcome(FileStatus.NOT_DOWNLOADED)
    if not status.is_stored:
        return None
    reason = CLOSED_UNTIL % {"day": embargo_ends_on} if embargo_ends_on else str(CLOSED)
    return Outcome(FileStatus.RESTRICTED, reason, embargo_ends_on=embargo_ends_on)
