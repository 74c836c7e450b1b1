"""Downloads of the files of imported items.

A failure marks the file, never the item. Bytes that are already stored are not downloaded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import exists, insert, or_, select

from ...catalogue import problem_files
from ...catalogue.checksums import comparable
from ...dspace.fault_isolation import IN_A_ROW
from ...dspace.ordered_pool import ordered_map
from ...errors import BotChallengeError, TransientError
from ...extensions import db, transaction
from ...http.current_waits import LONG_RETRY_AFTER
from ...i18n import gettext as _
from ...models.catalogue import FILE, HOLDING, STORED_FILE, FileStatus
from ...storage.garbage_collection import the_folder
from ...text import human_size
from ..context.earlier_imports import had_other_login
from ..context.import_context import ImportContext
from . import file_counts
from .download_meter import DownloadMeter
from .download_outcomes import Outcome, StatusWriter
from .due_files import is_due
from .single_download import KIND, TRIES, Downloader

FILES_PER_QUERY = 50
ITEMS = 500  # items whose files are selected together
CONTROLS = 3
# Stored bytes that are public. Bytes that no file uses any more, and those of older versions, were all public.
_CAME_BY_LOGIN = exists().where(FILE.c.sha256 == STORED_FILE.c.sha256, FILE.c.content_is_restricted)
_IS_OPEN = ~_CAME_BY_LOGIN | exists().where(FILE.c.sha256 == STORED_FILE.c.sha256, ~FILE.c.content_is_restricted)
_COLUMNS = {"md5": STORED_FILE.c.md5, "sha256": STORED_FILE.c.sha256}  # columns that identify stored bytes
Key = tuple[str, str, int]


class FileDownloader:
    """Downloader of the files in the chosen bundles that are due and that this job has not tried yet."""

    def __init__(self, context: ImportContext):
        self._context, self._run, self._client = context, context.attempt, context.client
        self._folder = the_folder()
        self._folder.tidy()
        self._meter = DownloadMeter()
        context.attempt.new_progress = self._meter.new
        self._download = Downloader(context, self._folder, self._meter)
        self._writer = StatusWriter(context)
        self._outage, self._has_other_login = context.outage, had_other_login(context)
        self._due: dict[int, float] = {}  # ids of postponed files, with the time of the retry by the clock of `_outage`
        self._last_downloaded: Any = None
        self._failed_in_a_row = 0
        self._batch_rows: Sequence[Any] = ()
        self._well_since = float("-inf")  # start of the last successful control request, in monotonic seconds

    def fetch(self, item_ids: Collection[int], reads_again: bool) -> None:
        """Download the files of these items. `reads_again`: see `is_due`."""
        self._fetch(FILE.c.item_id.in_(item_ids), reads_again)

    def fetch_all(self) -> None:
        """Download the remaining due files of all items that this job has seen, then retry postponed files.

        Files remain if an earlier attempt crashed between a page and its files.
        """
        last = 0
        while item_ids := seen_items(self._context.source_id, self._context.job_id, last):
            self.fetch(item_ids, self._context.options.full)
            last = item_ids[-1]
        self._fetch_put_off()

    def _fetch(self, condition: Any, reads_again: bool) -> None:
        context = self._context
        due = is_due(
            context.job_id,
            context.options,
            has_other_login=self._has_other_login,
            reads_again=reads_again,
            tries_refused=not context.access.asks_for_refused,
        )
        query = select(FILE).where(condition, due).order_by(FILE.c.id).limit(FILES_PER_QUERY)
        rows = db.session.execute(query).all()
        counts = file_counts.due(rows) if len(rows) < FILES_PER_QUERY else file_counts.due_in_all(condition & due)
        db.session.rollback()
        if rows:
            with transaction():
                self._run.advance(counts)
        self._meter.start()
        while rows:
            self._batch(rows)
            rows = db.session.execute(query).all()
            db.session.rollback()
        self._meter.stop()

    def _batch(self, rows: Sequence[Any]) -> None:
        groups: dict[Any, list[Any]] = {}
        for row in rows:
            groups.setdefault(_bytes_key(row) or row.id, []).append(row)
        for key, same in self._already_stored(groups):
            del groups[key]
            self._write_stored(key, same)
        for same, outcome in self._downloads(list(groups.values())):
            self._write_outcome(same, outcome)

    def _already_stored(self, groups: dict[Any, list[Any]]) -> list[tuple[Key, list[Any]]]:
        """Return the groups whose bytes are already stored and public.

        Bytes downloaded with a login are not used, since it is not known who may read them.
        """
        if not (keys := [key for key in groups if isinstance(key, tuple)]):
            return []
        query = select(STORED_FILE.c.md5, STORED_FILE.c.sha256, STORED_FILE.c.size).where(
            or_(*map(_has, keys)), _IS_OPEN
        )
        rows = db.session.execute(query).all()
        db.session.rollback()
        held = {key for row in rows for key in (("md5", row.md5, row.size), ("sha256", row.sha256, row.size))}
        return [(key, groups[key]) for key in keys if key in held]

    def _write_stored(self, key: Key, rows: Sequence[Any]) -> None:
        with self._folder.lock(), transaction():
            if (sha256 := db.session.scalar(select(STORED_FILE.c.sha256).where(_has(key), _IS_OPEN))) is not None:
                self._writer.write(
                    rows, Outcome(FileStatus.STORED, sha256=sha256), self._meter.finish(rows, FileStatus.STORED)
                )

    def _downloads(self, groups: list[list[Any]]) -> Iterator[tuple[list[Any], Outcome]]:
        """Download one file of each group with the same bytes, concurrently. Yield groups and outcomes in order."""
        self._batch_rows = [group[0] for group in groups]
        tasks = [partial(self._attempt, row) for row in self._batch_rows]
        for group, future in zip(groups, ordered_map(tasks, self._context.width, self._run.stop), strict=False):
            self._run.say(_fetching(group[0]))
            yield group, self._final_outcome(group, future.result)

    def _attempt(self, row: Any) -> Outcome:
        """Download a file. After IN_A_ROW failures in a row, try each file only once before checking the repository."""
        return self._download(row, tries=TRIES if self._failed_in_a_row < IN_A_ROW else 1)

    def _final_outcome(self, group: list[Any], result: Callable[[], Outcome]) -> Outcome:
        """Return the outcome of a download. While the repository does not answer, wait and download again.

        A failure counts only if the repository was available before and after the try. A bot challenge counts only if
        other files can be downloaded, so that it concerns this file alone.
        """
        row, was_well = group[0], False
        while True:
            outcome = result()
            if outcome.error is None:
                if outcome.part:
                    self._last_downloaded, self._failed_in_a_row = row, 0
                return outcome
            if not self._is_repository_well(row, outcome):
                self._outage.wait(KIND, _transient(outcome))
                was_well, result = False, partial(self._download, row)
                continue
            self._outage.object_failed(KIND, outcome.error)
            if _asks_for_long_wait(outcome):
                return self._put_off(group, outcome)
            if was_well or isinstance(outcome.error, BotChallengeError):
                self._failed_in_a_row += 1
                return outcome
            was_well, result = True, partial(self._download, row, tries=1)

    def _is_repository_well(self, row: Any, outcome: Outcome) -> bool:
        """Return whether the repository has answered a control request since the failure.

        A bot challenge or a rate limit may block all files while the API answers. In these cases, check whether another
        file can be downloaded.
        """
        others = self._other_files(row)
        if isinstance(outcome.error, BotChallengeError) or (others and _asks_for_long_wait(outcome)):
            return any(self._is_answered(other) for other in others)
        if self._well_since < outcome.failed_at:
            began = time.monotonic()
            if not self._context.repository_answers(KIND):
                return False
            self._well_since = began
        return True

    def _put_off(self, group: list[Any], outcome: Outcome) -> Outcome:
        """Postpone files to the end of this run, or to the next run if the requested wait is longer.

        Return the outcome with the reason.
        """
        seconds = _transient(outcome).retry_after or 0
        self._due.update(dict.fromkeys((row.id for row in group), self._outage.clock() + seconds))
        when = self._outage.time_in(seconds)
        reason = _(
            "Put off: the repository asks to wait until %(time)s for this file. If this import still runs then, it "
            "tries again at its end; otherwise the next import does. %(reason)s",
            time=when,
            reason=outcome.reason,
        )
        return replace(outcome, reason=reason)

    def _fetch_put_off(self) -> None:
        """Retry the postponed files whose wait has ended."""
        now = self._outage.clock()
        due = sorted(file_id for file_id, at in self._due.items() if at <= now)
        for start in range(0, len(due), FILES_PER_QUERY):
            rows = db.session.execute(select(FILE).where(FILE.c.id.in_(due[start : start + FILES_PER_QUERY]))).all()
            db.session.rollback()
            with transaction():
                problem_files.forget(self._context.job_id, rows)
                self._run.advance(file_counts.retried_counts(rows))
            self._batch(rows)

    def _other_files(self, row: Any) -> Sequence[Any]:
        """Return files for a control request: the last one that was downloaded, or else some of the current batch."""
        if self._last_downloaded:
            return [self._last_downloaded]
        return [other for other in self._batch_rows if other.id != row.id][:CONTROLS]

    def _is_answered(self, row: Any) -> bool:
        try:
            self._client.is_open(row.bitstream_id)
        except TransientError:
            return False
        return True

    def _write_outcome(self, rows: Sequence[Any], outcome: Outcome) -> None:
        with self._folder.lock(), transaction():
            if outcome.part and outcome.sha256:
                self._folder.keep(outcome.part, outcome.sha256)
                if not db.session.scalar(select(exists().where(STORED_FILE.c.sha256 == outcome.sha256))):
                    values = {"sha256": outcome.sha256, "md5": outcome.md5, "size": outcome.size}
                    db.session.execute(insert(STORED_FILE).values(values))
            self._writer.write(rows, outcome, {"bytes": outcome.size} | self._meter.finish(rows, outcome.status))


def seen_items(source_id: int, job_id: int, after: int) -> Sequence[int]:
    """Return the ids of the next items after this id that the job was the last to see, at most ITEMS, in order."""
    # `+ 0` makes SQLite use the index of the items of the source. With the index of the jobs it would sort each time.
    mine = (HOLDING.c.source_id == source_id, HOLDING.c.last_seen_job_id + 0 == job_id, HOLDING.c.item_id > after)
    item_ids = db.session.scalars(select(HOLDING.c.item_id).where(*mine).order_by(HOLDING.c.item_id).limit(ITEMS)).all()
    db.session.rollback()
    return item_ids


def _bytes_key(row: Any) -> Key | None:
    """Return a key that is equal for files with the same bytes: algorithm, checksum and size given by the source.

    Return None if the source does not give them, or if the file is stored: such a file is requested to find out whether
    it is public.
    """
    checksum = None if FileStatus(row.status).is_stored else comparable(row.checksum, row.checksum_algorithm)
    if checksum is None or row.size is None or checksum.algorithm not in _COLUMNS:
        return None
    return checksum.algorithm, checksum.digits, row.size


def _has(key: Key) -> Any:
    """Return the SQL condition that stored bytes match a key."""
    algorithm, digits, size = key
    return (_COLUMNS[algorithm] == digits) & (STORED_FILE.c.size == size)


def _transient(outcome: Outcome) -> TransientError:
    return outcome.error if isinstance(outcome.error, TransientError) else TransientError(str(outcome.error))


def _asks_for_long_wait(outcome: Outcome) -> bool:
    return (_transient(outcome).retry_after or 0) > LONG_RETRY_AFTER


def _fetching(row: Any) -> str:
    """Return the status message for a download. It leaves out restricted names, since all users can read it."""
    name = None if row.name_is_restricted else row.name
    return _("Downloading %(name)s (%(size)s)", name=name or _("a file"), size=human_size(row.size or 0))
