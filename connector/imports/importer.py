"""The import: reads the scope, writes items page by page, downloads their files and reconciles at the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from flask import current_app
from sqlalchemy import select

from ..catalogue import identity, store, takedown
from ..catalogue.store import RepositoryContext, Saved
from ..dspace.records import Failure, Item, Page, ScopeKind, SourceState, Subset
from ..errors import AddressNotAllowedError, ConnectorError, NotFoundError, RepositoryError, RestrictedError
from ..extensions import LARGEST_INTEGER, db, transaction
from ..http import RequestStats
from ..jobs import lifecycle, report
from ..jobs.attempt import JobAttempt
from ..models.catalogue import Holding
from ..models.jobs import Job, Kind, State
from ..models.repositories import Source
from ..repositories import service
from ..repositories.connections import RepositoryConnection, open_connection
from ..storage.disk_space import Room
from ..storage.garbage_collection import delete_unreferenced_files
from ..storage.virus_scan import Scanner
from . import left_files, preview_selection, reconcile, retry_failed, rolling_recheck
from .access_checks import AccessCheck
from .file_downloads import FileDownloader
from .incremental import OVERLAP, read_changes
from .login_guard import LoginGuard
from .recorder import Recorder, in_counts
from .relist import relist_if_changed
from .scope_pages import scope_pages

FULL_PAGE = 80
LONGEST_WAIT = 1.0
MIXED = False  # differs from every login name and from None
LAST = 50  # jobs in which to look for the last whole import


def run(
    run: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection, **parts: Any
) -> tuple[bool, str]:
    """Run an import. Return (clean, message).

    `connect`: opens the connection to the repository (see open_connection). `parts`: replacements for the Recorder, the
    FileDownloader and the AccessCheck (see `preview`).
    """
    importer = Importer(run, connect, **parts)
    try:
        return importer()
    finally:
        importer.close()


class Importer:
    """One attempt at an import. It writes each page together with its cursor in one transaction."""

    def __init__(
        self,
        run: JobAttempt,
        connect: Callable[..., RepositoryConnection],
        recorder: Callable[[JobAttempt, Job, RepositoryContext], Recorder] = Recorder,
        fetcher: Callable[[Importer], FileDownloader] = FileDownloader,
        access_check: Callable[[Importer], AccessCheck] = AccessCheck,
    ):
        job = lifecycle.get(run.job_id)
        repository = job.source.repository
        self.run, self.job_id, self.source_id = run, job.id, job.source_id
        self.question, self.proof = job.question, job.source.proof
        self.scope, self.options, self.cursor = job.source.scope, job.options, job.cursor or {}
        self.known_hidden = dict(job.source.hidden)
        # Explained by this job, by collection id (see Page).
        self.hidden: dict[str, int] = dict(self.cursor.get("hidden", {}))
        self.unlisted: dict[str, int] = dict(self.cursor.get("unlisted", {}))
        self.overcounted: dict[str, int] = dict(self.cursor.get("overcounted", {}))
        self.place = RepositoryContext(repository.id, repository.server, tuple(repository.ignored_fields))
        connection = run.reach(connect, repository)
        self.client, self.http, self.patience = connection.client, connection.http, connection.patience
        self.access = LoginGuard(connection, repository.login_name if connection.login else None)
        # The login name for the next run (see `sees_otherwise`), or MIXED if it changed between attempts.
        self.reader = self.access.name if self.cursor.get("login", self.access.name) == self.access.name else MIXED
        self._connection = connection
        self.recorder = recorder(run, job, self.place)
        self.room = Room(current_app.config["INSTANCE"], current_app.config["MIN_FREE"], run)
        self.scanner = Scanner(current_app.config["CLAMD"], run)
        self.spent = job.counts["bytes"]  # bytes of files that earlier attempts downloaded
        self._files = fetcher(self) if self.options.get("files") else None
        self.access_check = access_check(self)
        self._read_ahead: set[str] = set()
        # The smallest and the largest count of the scope that the source gave.
        self.totals: set[int] = set(self.cursor.get("totals", ()))
        self._counted, self._counting = 0, threading.Lock()
        run.new_requests = self.requests
        self._traffic_before = job.traffic
        # Number of items indexed shortly before this job (see `incremental`).
        self.recent: int | None = self.cursor.get("recent")
        self._began: str | None = self.cursor.get("began")
        # Whether some items count as unchanged because of their time stamps. Their files may still have changed.
        self._has_trusted: bool = self.cursor.get("trusted", False)
        self._excluded: set[str] = set(self.cursor.get("excluded", ()))
        self.scope_is_gone = bool(self.cursor.get("scope_is_gone"))
        self.searches_private = False  # until the repository has been checked (see the clients)
        self._absent: set[str] = set(self.cursor.get("absent", ()))  # ids of items that were listed but are not present
        db.session.rollback()

    def __call__(self) -> tuple[bool, str]:
        with transaction():
            self.run.advance({}, **in_counts(self.recorder.fates()))
        self.searches_private = self.access.read_with_valid_login(lambda: self.client.searches_private)
        if not self.cursor.get("walked"):
            self._read()
        self.access_check.check_rest()
        if self._files:
            self._files.fetch_all()
        clean, message = reconcile.reconcile(self)
        if not self._excluded:
            return clean, message
        delete_unreferenced_files()  # files whose download was running when their item was taken down
        return clean, f"{message} {_excluded_in_words(len(self._excluded))}".strip()

    def _read(self) -> None:
        try:
            part = self.access.read_with_valid_login(self._read_all)
        except (NotFoundError, RestrictedError) as error:
            if self.is_partial or not self._may_be_gone(error) or not (self._holds_some() and self._lost_its_scope()):
                raise
            part, self.scope_is_gone = None, True
        with transaction():
            self.run.advance(self.requests(), cursor=self._cursor(walked=True, scope_is_gone=self.scope_is_gone))
            preview_selection.forget(self.job_id)
            if part:
                self.recorder.settle({"turn": Source.turn + 1})

    def _read_all(self) -> rolling_recheck.Part | None:
        """Read everything after the cursor. Return the slice whose files were read again, if any."""
        self._read_ahead.clear()
        part = rolling_recheck.begun(self)
        if self.options.get("retry"):
            self._retry(self.options["retry"])
        elif "only" in self.options:
            self._read_chosen()
        elif part is None:
            self._read_scope()
            part = rolling_recheck.due(self) if self._has_trusted else None
        if part:
            rolling_recheck.read(self, part)
        return part

    def _read_scope(self) -> None:
        """Read the scope: only its changes where this is possible, otherwise the whole list."""
        if read_changes(self):
            self._has_trusted = True
            return
        is_held = self._is_held()
        trusts = is_held and not self.is_full and not self.sees_otherwise
        left = self._left_to_test()
        # Every run reads a single item in full, with its files.
        is_repeated = is_held and self.scope.kind is ScopeKind.ITEM
        self.record(_first(scope_pages(self, trusts), left), "walk", is_repeated=is_repeated)
        relist_if_changed(self)

    def close(self) -> None:
        """Close the connection, and record the requests made since the last write."""
        self._connection.close()
        with transaction():
            self.run.advance(self.requests(), traffic=self._traffic())
            service.note_unanswered(self.place.repository_id, self._connection.unanswered)

    def width(self) -> int:
        """Return the current concurrency: how many requests may run at once."""
        return self.http.width

    def repository_answers(self, kind: str) -> bool:
        """Return whether the repository answers a control request.

        If so, a failed request of this kind concerns only its object.
        """
        try:
            return self.patience.is_well(kind, self.client.ping)
        except (RepositoryError, AddressNotAllowedError):
            return False

    def requests(self) -> dict[str, int]:
        """Return the requests made since the last call, as a change to the job counters. The caller must write it."""
        with self._counting:  # the heartbeat thread calls this, too
            made = self._connection.requests_made
            self._counted, new = made, made - self._counted
        return {"requests": new}

    @property
    def is_full(self) -> bool:
        """Return whether this is a full check, which reads everything again."""
        return bool(self.options.get("full"))

    @property
    def is_partial(self) -> bool:
        """Return whether this job reads only a part of its scope, so that unseen items may still exist."""
        return _is_partial(self.options)

    @property
    def _reads_lists(self) -> bool:
        """Return whether this job finds items in lists.

        If a listed item cannot be found when it is read, it was deleted after it was listed.
        """
        return self.scope.kind is not ScopeKind.ITEM and not self.options.keys() & lifecycle.OF_SOME

    def _is_held(self) -> bool:
        """Return whether an earlier import of this source was completed, so that only changes are read in full."""
        job = Job.__table__.c
        done = select(job.id).where(job.source_id == self.source_id, job.kind == Kind.IMPORT, job.id != self.job_id)
        done = done.where(job.state == State.COMPLETED)
        return db.session.scalar(done.limit(1)) is not None and self._holds_some()

    def _holds_some(self) -> bool:
        """Return whether the source holds any items, including those missing at the source."""
        holding = select(Holding.id).where(Holding.source_id == self.source_id)
        found = db.session.scalar(holding.limit(1)) is not None
        db.session.rollback()
        return found

    def _lost_its_scope(self) -> bool:
        """Return whether the repository is available and says that the scope no longer exists."""
        try:
            self.access.read_with_valid_login(
                lambda: self.client.find(self.scope.kind, self.scope.handle or self.scope.id)
            )
        except (NotFoundError, RestrictedError) as error:
            return self._may_be_gone(error) and self.repository_answers("page")
        return False

    def _may_be_gone(self, error: NotFoundError | RestrictedError) -> bool:
        """Return whether an error may mean that an object is missing. DSpace 4 answers the same for closed objects."""
        return isinstance(error, NotFoundError) or not self.client.tells_unknown

    @cached_property
    def sees_otherwise(self) -> bool:
        """Return whether the last whole import used another login, or none, and so saw other items and files."""
        job = Job.__table__.c
        done = select(job.options, job.cursor).where(job.source_id == self.source_id, job.kind == Kind.IMPORT)
        done = done.where(job.state == State.COMPLETED, job.id != self.job_id).order_by(job.id.desc()).limit(LAST)
        whole = (row.cursor or {} for row in db.session.execute(done).all() if not _is_partial(row.options))
        db.session.rollback()
        return next(whole, {}).get("login") != self.access.name

    @property
    def began(self) -> str | None:
        """Return when the first attempt at this job began, by the server's clock. None if the server gives no time.

        A clock far ahead of ours may belong to a proxy, while the index uses another clock. It may also be corrected
        before the next run. In these cases our own clock counts, so that no change is missed.
        """
        if self._began is None and (moment := self.http.server_time) is not None:
            self._began = (moment - max(self.clock_difference, timedelta())).isoformat()
        return self._began

    @property
    def clock_difference(self) -> timedelta:
        """Return how far the server's clock is ahead of ours (negative if behind), or zero if within OVERLAP."""
        ahead = self.http.clock_ahead
        return ahead if abs(ahead) > OVERLAP else timedelta()

    def pages(
        self,
        cursor: dict[str, Any] | None,
        *,
        light: bool,
        seen: Callable[[Collection[str]], set[str]] | None = None,
        with_access: bool = False,
        **only: Subset,
    ) -> Iterator[Page]:
        """Return the pages of the scope, or of a `subset` of it, after a cursor.

        `seen`: a function that returns which of the given ids to leave out, by default those seen by this job.
        `with_access`: include who may read the files.
        """
        db.session.rollback()  # no transaction is open while the repository is asked
        return self.client.walk(
            self.scope,
            cursor=cursor,
            light=light,
            with_collection=self.options.get("item_set_from_collection", False),
            seen=seen or self._seen,
            hidden=self.known_hidden,
            with_access=with_access and self.access.asks_for_refused,
            **only,
        )

    def record(
        self, pages: Iterator[Page], name: str, doing: str = "Reading", *, is_repeated: bool = False, **where: Any
    ) -> None:
        """Write pages as they arrive, each with its cursor under this name, and download their files.

        `is_repeated`: the items are read although the source reports no change, since some changes are not reported.
        """
        # The title of a single item may be restricted.
        is_item = self.scope.kind is ScopeKind.ITEM
        reading = f"{doing} {self.scope.handle or self.scope.id if is_item else self.scope.name}"
        self.run.say(reading)
        for page in self._gathered(pages):
            item_ids = self._write(page, {name: page.cursor, **where})
            if reads_again := is_repeated or self.is_full:
                self.access_check.check(item_ids, page.items)
            if self._files:
                self._files.fetch(item_ids, reads_again)
            self.run.say(reading)
            self.run.check()

    def _retry(self, job_id: int) -> None:
        """Read again the items that an earlier job could not read, and take over its files for a retry.

        Also read the items with damaged files, since the source may have corrected the announced size or checksum.
        """
        rows = list(report.failed_items(job_id))
        if self._files:
            rows += retry_failed.damaged_items(job_id, self.source_id)
            with transaction():
                number = self.recorder.take_over_files(job_id)
                self.run.advance({"seen": number, "unchanged": number})
        items = {row.source_id: Item(row.source_id, row.handle, row.title, None) for row in rows}
        db.session.rollback()
        self._read_only(list(items.values()), "Retrying failed items and files", len(items))

    def _read_chosen(self) -> None:
        """Read the items that were selected in a preview."""
        total = preview_selection.number_to_read(self.job_id)
        for items in preview_selection.to_read(self.job_id):
            self._read_only(items, "Reading the chosen items", total)

    def _read_only(self, items: Sequence[Item], doing: str, total: int) -> None:
        """Read only these items, one by one. `total`: the number of items in all such calls together."""
        done = self._seen([item.id for item in items])
        left = [item for item in items if item.id not in done]
        for start in range(0, len(left), FULL_PAGE):
            page = Page(tuple(left[start : start + FULL_PAGE]), {}, total)
            self.run.say(doing)
            self._write(page, {})
            self.run.check()

    def _traffic(self) -> dict[str, Any]:
        """Return the request statistics of this job, including earlier attempts."""
        return RequestStats.merged(self._traffic_before, self._connection.traffic())

    def _cursor(self, **where: Any) -> dict[str, Any]:
        """Return the cursor with which a later attempt can continue this job."""
        totals = sorted(self.totals)
        kept = {"hidden": self.hidden, "totals": totals, "began": self.began, "excluded": sorted(self._excluded)}
        kept |= {"absent": sorted(self._absent), "unlisted": self.unlisted, "overcounted": self.overcounted}
        kept |= {"recent": self.recent}
        return {**where, **kept, "trusted": self._has_trusted, "login": self.reader}

    def _left_to_test(self) -> int | None:
        """Return how many items a test import has still to read, or None if this is not a test import."""
        if not (test := self.options.get("test")):
            return None
        return test - db.session.scalar(select(Job.seen).where(Job.id == self.job_id))

    def _gathered(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Yield pages, joined up to FULL_PAGE items. Yield earlier if LONGEST_WAIT seconds have passed."""
        waiting: list[Page] = []
        since = time.monotonic()
        try:
            for page in pages:
                waiting.append(page)
                self._note_total(page)
                self._read_ahead.update(item.id for item in page.items)
                if sum(len(p.items) for p in waiting) >= FULL_PAGE or time.monotonic() - since > LONGEST_WAIT:
                    yield _joined(waiting)
                    waiting, since = [], time.monotonic()
                    self._read_ahead.clear()
        except ConnectorError:
            if waiting:  # keep the pages read before the error
                yield _joined(waiting)
            raise
        if waiting:
            yield _joined(waiting)

    def _note_total(self, page: Page) -> None:
        """Keep the smallest and the largest count of the scope that the source gave."""
        if page.total is not None:
            told = {*self.totals, page.total}
            self.totals = {min(told), max(told)}

    def _seen(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids this job has recorded or has read for the next write."""
        return self.recorder.seen(ids) | self._read_ahead.intersection(ids)

    def _write(self, page: Page, where: dict[str, Any]) -> list[int]:
        """Write a page with its cursor and counts in one transaction. Return the ids of its catalogue items."""
        self.room.wait()
        page, skipped = self._allowed(page)
        db.session.rollback()
        same, complete, failures, absent = self._sorted_out(page)
        closed = left_files.closed(self, complete)
        self.recorder.prepare(self.access, [*(s.item for s in same), *complete], page.again)
        self.access.confirm()
        self.hidden.update({key: number for key, number in page.hidden.items() if number or key in self.known_hidden})
        self.unlisted.update(page.unlisted)
        self.overcounted.update(page.overcounted)
        kept = self._still_there(complete)
        met = self.recorder.seen([*(s.item.id for s in same), *(each.id for each in (*complete, *failures) if each.id)])
        values = {} if page.total is None else {"expected": min(page.total, LARGEST_INTEGER)}
        with transaction():
            late = takedown.excluded(self.place.repository_id, [*(s.item for s in same), *complete, *failures])
            same = [s for s in same if s.item.id not in late]
            complete = [item for item in complete if item.id not in late]
            failures = [failure for failure in failures if (failure.id or failure.handle) not in late]
            new = self.recorder.save(complete, kept | {s.item.id for s in same}, closed)
            saved = self.recorder.record(same + new, failures)
            self.recorder.shelve(page.again)
            counts = self._counts(saved, failures, met)
            counts.update(self.recorder.forget(absent - self._absent))
            counts["seen"] += len(absent - self._absent)
            self._absent |= absent
            counts["seen"] += len((skipped | late) - self._excluded)
            self._excluded |= skipped | late
            cursor = self._cursor(**where)
            self.run.advance(counts | self.requests(), cursor=cursor, traffic=self._traffic(), **values)
        self.cursor = cursor
        return [s.item_id for s in saved]

    def _still_there(self, items: Sequence[Item]) -> set[str]:
        """Return the source ids of held items that share a handle with these items and still exist at the source."""
        rows = identity.rivals(self.place.repository_id, items)
        db.session.rollback()
        states = self.access.read_with_valid_login(lambda: reconcile.states_of(self, rows)) if rows else []
        return {row.source_id for row, state in states if state is not SourceState.VANISHED}

    def _counts(self, saved: Sequence[Saved], failures: Sequence[Failure], met: set[str]) -> Counter[str]:
        """Return the change to the job counters.

        Items in `met` are already counted as unchanged. They move to another count if they changed or failed.
        """
        fresh = [s for s in saved if s.item.id not in met]
        counts = self.recorder.counts(fresh, len(failures))
        changed = sum(s.outcome == "updated" for s in saved if s.item.id in met)
        failed = sum(failure.id in met for failure in failures)
        counts.update(updated=changed, unchanged=-changed - failed, seen=-failed)
        return counts

    def _allowed(self, page: Page) -> tuple[Page, set[str]]:
        """Return the page without the items and failures that a takedown excludes, and the excluded ids or handles."""
        skipped = takedown.excluded(self.place.repository_id, [*page.items, *page.failures])
        items = tuple(item for item in page.items if item.id not in skipped)
        failures = tuple(failure for failure in page.failures if (failure.id or failure.handle) not in skipped)
        return replace(page, items=items, failures=failures), skipped

    def _sorted_out(self, page: Page) -> tuple[list[Saved], list[Item], list[Failure], set[str]]:
        """Return (unchanged, complete, failures, absent), and read in full the items that need it.

        `unchanged`: items with the same time stamp as in the catalogue. `complete`: items to save. `failures`: those
        not recorded before. `absent`: ids of items that were listed but are not present. Reconciliation checks them if
        they are held.
        """
        complete = [item for item in page.items if item.is_complete]
        light = [item for item in page.items if not item.is_complete and self._is_there(item)]
        held = store.held(self.place.repository_id, light) if light else {}
        db.session.rollback()
        same = {item.id: item for item in light if item.id in held and held[item.id].is_as(item)}
        unchanged = [Saved(item, held[id].key, held[id].item_id, "unchanged", {}) for id, item in same.items()]
        self._has_trusted = self._has_trusted or bool(same)
        changed = [item for item in light if item.id not in same]
        results = list(self.client.complete(changed)) if changed else []
        failures = [*page.failures, *(result for result in results if isinstance(result, Failure))]
        complete += [result for result in results if isinstance(result, Item)]
        absent = {item.id for item in (*page.items, *complete) if not self._is_there(item)}
        if self._reads_lists:
            absent |= {failure.id for failure in failures if failure.is_gone and failure.id is not None}
            failures = [failure for failure in failures if not failure.is_gone]
        return unchanged, [item for item in complete if self._is_there(item)], self.recorder.new(failures), absent

    def _is_there(self, item: Item) -> bool:
        """Return whether an item can be imported. A private item needs a login that can see it (design rule 15)."""
        return item.is_present or (item.state is SourceState.HIDDEN and self.access.is_signed_in)


def _is_partial(options: Mapping[str, Any]) -> bool:
    return bool(options.get("test") or options.keys() & lifecycle.OF_SOME)


def _excluded_in_words(number: int) -> str:
    return f"{'1 item is' if number == 1 else f'{number} items are'} excluded by a takedown."


def _joined(pages: Sequence[Page]) -> Page:
    """Join pages into one. The cursor and the total come from the last page."""
    hidden = {key: number for page in pages for key, number in page.hidden.items()}
    items = tuple(item for page in pages for item in page.items)
    failures = tuple(failure for page in pages for failure in page.failures)
    again = tuple(item for page in pages for item in page.again)
    unlisted = {key: number for page in pages for key, number in page.unlisted.items()}
    overcounted = {key: number for page in pages for key, number in page.overcounted.items()}
    return Page(items, pages[-1].cursor, pages[-1].total, failures, hidden, again, unlisted, overcounted)


def _first(pages: Iterator[Page], number: int | None) -> Iterator[Page]:
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
