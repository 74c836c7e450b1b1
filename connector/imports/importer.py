"""The import itself: walks the scope, has it written page by page, lets the files follow, settles the end."""

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
from ..extensions import db, transaction
from ..http import RequestStats
from ..jobs import lifecycle, report
from ..jobs.attempt import JobAttempt
from ..models.catalogue import Holding
from ..models.jobs import ImportJob, Kind, State
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
MIXED = False  # as a name: that of nobody
MOST_EXPECTED = 2**31 - 1  # an integer of PostgreSQL: counts of sources may be false
LAST = 50  # jobs among which the last whole one is looked for


def run(
    run: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection, **parts: Any
) -> tuple[bool, str]:
    """Carry out an import; gives (clean, message). `connect` opens the way to the repository (see open_connection).

    `parts`: what takes the place of the Recorder, the FileDownloader and the AccessCheck (see `preview`).
    """
    harvest = Importer(run, connect, **parts)
    try:
        return harvest()
    finally:
        harvest.close()


class Importer:
    """One attempt at an import: reads through the client, has each page written with its cursor in one transaction."""

    def __init__(
        self,
        run: JobAttempt,
        connect: Callable[..., RepositoryConnection],
        recorder: Callable[[JobAttempt, ImportJob, RepositoryContext], Recorder] = Recorder,
        fetcher: Callable[[Importer], FileDownloader] = FileDownloader,
        access_check: Callable[[Importer], AccessCheck] = AccessCheck,
    ):
        job = lifecycle.get(run.job_id)
        repository = job.source.repository
        self.run, self.job_id, self.source_id = run, job.id, job.source_id
        self.question, self.proof = job.question, job.source.proof
        self.scope, self.options, self.cursor = job.source.scope, job.options, job.cursor or {}
        self.known_hidden = dict(job.source.hidden)
        self.hidden: dict[str, int] = dict(self.cursor.get("hidden", {}))  # as this job explained them
        self.unlisted: dict[str, int] = dict(self.cursor.get("unlisted", {}))  # by id of a collection (see Page)
        self.overcounted: dict[str, int] = dict(self.cursor.get("overcounted", {}))  # likewise
        self.place = RepositoryContext(repository.id, repository.server, tuple(repository.ignored_fields))
        connection = run.reach(connect, repository)
        self.client, self.http, self.patience = connection.client, connection.http, connection.patience
        self.access = LoginGuard(connection, repository.login_name if connection.login else None)
        # Who has read: whom the next run asks for (see `sees_otherwise`), or MIXED where that changed between attempts.
        self.reader = self.access.name if self.cursor.get("login", self.access.name) == self.access.name else MIXED
        self._connection = connection
        self.recorder = recorder(run, job, self.place)
        self.room = Room(current_app.config["INSTANCE"], current_app.config["MIN_FREE"], run)
        self.scanner = Scanner(current_app.config["CLAMD"], run)
        self.spent = job.bytes  # of files, by earlier attempts
        self._files = fetcher(self) if self.options.get("files") else None
        self.access_check = access_check(self)
        self._read_ahead: set[str] = set()
        self.totals: set[int] = set(self.cursor.get("totals", ()))  # which the source gave of the scope
        self._counted, self._counting = 0, threading.Lock()
        run.new_requests = self.requests
        self._traffic_before = job.traffic
        self.recent: int | None = self.cursor.get("recent")  # items indexed shortly before this job (see incremental)
        self._began: str | None = self.cursor.get("began")
        # Whether some items count as unchanged because of their time stamps: their files are not known to be the same.
        self._has_trusted: bool = self.cursor.get("trusted", False)
        self._excluded: set[str] = set(self.cursor.get("excluded", ()))
        self.scope_is_gone = bool(self.cursor.get("scope_is_gone"))
        self.searches_private = False  # until the repository was asked (see the clients)
        self._absent: set[str] = set(self.cursor.get("absent", ()))  # ids that came with another state than present
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
        delete_unreferenced_files()  # a file that was on its way when its item was taken down
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
        """Read what there is after the cursor; gives the slice of which the files were read again, if any."""
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
        """Read the scope, as cheaply as can be."""
        if read_changes(self):
            self._has_trusted = True
            return
        is_held = self._is_held()
        trusts = is_held and not self.is_full and not self.sees_otherwise
        left = self._left_to_test()
        # A single item is read in full in each run, so its files are, too.
        is_repeated = is_held and self.scope.kind is ScopeKind.ITEM
        self.record(_first(scope_pages(self, trusts), left), "walk", is_repeated=is_repeated)
        relist_if_changed(self)

    def close(self) -> None:
        """Let go of the network, and note what was asked since the last write."""
        self._connection.close()
        with transaction():
            self.run.advance(self.requests(), traffic=self._traffic())
            service.note_unanswered(self.place.repository_id, self._connection.unanswered)

    def width(self) -> int:
        """How many requests may be under way at once now."""
        return self.http.width

    def repository_answers(self, kind: str) -> bool:
        """Return whether a request of this kind failed through its one object: the repository itself is well."""
        try:
            return self.patience.is_well(kind, self.client.ping)
        except (RepositoryError, AddressNotAllowedError):
            return False

    def requests(self) -> dict[str, int]:
        """The requests made since they were last counted, to be added to the job with whatever is written next."""
        with self._counting:  # the heartbeat asks, too
            made = self._connection.requests_made
            self._counted, new = made, made - self._counted
        return {"requests": new}

    @property
    def is_full(self) -> bool:
        """Whether everything is read again, whatever the source says of changes."""
        return bool(self.options.get("full"))

    @property
    def is_partial(self) -> bool:
        """Whether it reads only a part of its scope, so that what it did not see tells nothing."""
        return _is_partial(self.options)

    @property
    def _reads_lists(self) -> bool:
        """Return whether it finds items in lists: one that is gone when it is read was deleted since it was listed."""
        return self.scope.kind is not ScopeKind.ITEM and not self.options.keys() & lifecycle.OF_SOME

    def _is_held(self) -> bool:
        """Whether this source was imported to its end before: then only what changed is read in full."""
        job = ImportJob.__table__.c
        done = select(job.id).where(job.source_id == self.source_id, job.kind == Kind.IMPORT, job.id != self.job_id)
        done = done.where(job.state == State.COMPLETED)
        return db.session.scalar(done.limit(1)) is not None and self._holds_some()

    def _holds_some(self) -> bool:
        """Does the source hold items, wherever these are now?"""
        holding = select(Holding.id).where(Holding.source_id == self.source_id)
        found = db.session.scalar(holding.limit(1)) is not None
        db.session.rollback()
        return found

    def _lost_its_scope(self) -> bool:
        """Does the repository, which answers otherwise, say that what is imported is no longer there?"""
        try:
            self.access.read_with_valid_login(
                lambda: self.client.find(self.scope.kind, self.scope.handle or self.scope.id)
            )
        except (NotFoundError, RestrictedError) as error:
            return self._may_be_gone(error) and self.repository_answers("page")
        return False

    def _may_be_gone(self, error: NotFoundError | RestrictedError) -> bool:
        """Return whether an error may mean that something is gone: DSpace 4 answers so for what is closed, too."""
        return isinstance(error, NotFoundError) or not self.client.tells_unknown

    @cached_property
    def sees_otherwise(self) -> bool:
        """Whether the last whole import was signed in as another, or not at all: it saw other items and files."""
        job = ImportJob.__table__.c
        done = select(job.options, job.cursor).where(job.source_id == self.source_id, job.kind == Kind.IMPORT)
        done = done.where(job.state == State.COMPLETED, job.id != self.job_id).order_by(job.id.desc()).limit(LAST)
        whole = (row.cursor or {} for row in db.session.execute(done).all() if not _is_partial(row.options))
        db.session.rollback()
        return next(whole, {}).get("login") != self.access.name

    @property
    def began(self) -> str | None:
        """Return when the first attempt at this job began, by the server's own clock; None where it gives no time.

        A clock far ahead may be that of a proxy, while the index has another one, or may be set right before the next
        run. Then our own clock counts, so that no change is missed.
        """
        if self._began is None and (moment := self.http.server_time) is not None:
            self._began = (moment - max(self.clock_difference, timedelta())).isoformat()
        return self._began

    @property
    def clock_difference(self) -> timedelta:
        """Return how far the server's clock is ahead of ours, negative where it is behind; zero within the overlap."""
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
        """The pages of the scope after a cursor, or of a `subset` of it, without what is `seen` (by this job).

        `with_access`: they tell who may read files, too.
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
        """Write pages as they come, each with its cursor under this name, and let their files follow.

        `is_repeated`: the items are read though the source says nothing of a change, for what it does not tell.
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
        """Read once more the items that an earlier job could not read; the files that did not come follow.

        And those with damaged files: what is wrong may be what the source announced of them, and be mended there.
        """
        rows = list(report.failed_items(job_id))
        if self._files:
            rows += retry_failed.damaged_items(job_id, self.source_id)
            with transaction():
                number = self.recorder.take_over_files(job_id)
                self.run.advance({"seen": number, "unchanged": number})
        items = {row.source_id: Item(row.source_id, row.handle, row.title, None) for row in rows}
        db.session.rollback()
        self._read_only(list(items.values()), "Trying again what failed", len(items))

    def _read_chosen(self) -> None:
        """Read what was ticked in a preview."""
        total = preview_selection.number_to_read(self.job_id)
        for items in preview_selection.to_read(self.job_id):
            self._read_only(items, "Reading what was chosen", total)

    def _read_only(self, items: Sequence[Item], doing: str, total: int) -> None:
        """Read just these, one by one; `total`: how many there are with those before and after."""
        done = self._seen([item.id for item in items])
        left = [item for item in items if item.id not in done]
        for start in range(0, len(left), FULL_PAGE):
            page = Page(tuple(left[start : start + FULL_PAGE]), {}, total)
            self.run.say(doing)
            self._write(page, {})
            self.run.check()

    def _traffic(self) -> dict[str, Any]:
        """What this job asked of the repository so far, earlier attempts included."""
        return RequestStats.merged(self._traffic_before, self._connection.traffic())

    def _cursor(self, **where: Any) -> dict[str, Any]:
        """What an attempt that takes over needs to go on as this one would have."""
        totals = sorted(self.totals)
        kept = {"hidden": self.hidden, "totals": totals, "began": self.began, "excluded": sorted(self._excluded)}
        kept |= {"absent": sorted(self._absent), "unlisted": self.unlisted, "overcounted": self.overcounted}
        kept |= {"recent": self.recent}
        return {**where, **kept, "trusted": self._has_trusted, "login": self.reader}

    def _left_to_test(self) -> int | None:
        """Of a test import, how many items are still to come; None for a whole one."""
        if not (test := self.options.get("test")):
            return None
        return test - db.session.scalar(select(ImportJob.seen).where(ImportJob.id == self.job_id))

    def _gathered(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Small pages put together for one write, unless they come so slowly that somebody would wait for news."""
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
            if waiting:  # what was read before the trouble is not lost with it
                yield _joined(waiting)
            raise
        if waiting:
            yield _joined(waiting)

    def _note_total(self, page: Page) -> None:
        """Of all counts that the source gave of the scope, the least and the greatest."""
        if page.total is not None:
            told = {*self.totals, page.total}
            self.totals = {min(told), max(told)}

    def _seen(self, ids: Collection[str]) -> set[str]:
        """Which of these ids are recorded by this job, or about to be."""
        return self.recorder.seen(ids) | self._read_ahead.intersection(ids)

    def _write(self, page: Page, where: dict[str, Any]) -> list[int]:
        """Write a page with the cursor and counts in one transaction; gives the ids of its catalogue items."""
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
        values = {} if page.total is None else {"expected": min(page.total, MOST_EXPECTED)}
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
        """Return the ids of held items that have the handle of one of these and that the source has not lost."""
        rows = identity.rivals(self.place.repository_id, items)
        db.session.rollback()
        states = self.access.read_with_valid_login(lambda: reconcile.states_of(self, rows)) if rows else []
        return {row.source_id for row, state in states if state is not SourceState.VANISHED}

    def _counts(self, saved: Sequence[Saved], failures: Sequence[Failure], met: set[str]) -> Counter[str]:
        """What to add to the counts. What this job has met before is counted already: as unchanged, until it is not."""
        fresh = [s for s in saved if s.item.id not in met]
        counts = self.recorder.counts(fresh, len(failures))
        changed = sum(s.outcome == "updated" for s in saved if s.item.id in met)
        failed = sum(failure.id in met for failure in failures)
        counts.update(updated=changed, unchanged=-changed - failed, seen=-failed)
        return counts

    def _allowed(self, page: Page) -> tuple[Page, set[str]]:
        """The page without what a takedown excludes, and the ids of that: not read, not saved, and no failure."""
        skipped = takedown.excluded(self.place.repository_id, [*page.items, *page.failures])
        items = tuple(item for item in page.items if item.id not in skipped)
        failures = tuple(failure for failure in page.failures if (failure.id or failure.handle) not in skipped)
        return replace(page, items=items, failures=failures), skipped

    def _sorted_out(self, page: Page) -> tuple[list[Saved], list[Item], list[Failure], set[str]]:
        """What is the same as held (by its time stamp), what is to be saved, what failed for the first time.

        And the ids of what is there no longer, though it was listed: the end of the import asks for those it held.
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
        """Whether an item is to be imported: a private one only where a login lets us see it (design rule 15)."""
        return item.is_present or (item.state is SourceState.HIDDEN and self.access.is_signed_in)


def _is_partial(options: Mapping[str, Any]) -> bool:
    return bool(options.get("test") or options.keys() & lifecycle.OF_SOME)


def _excluded_in_words(number: int) -> str:
    return f"{'1 item is' if number == 1 else f'{number} items are'} excluded by a takedown."


def _joined(pages: Sequence[Page]) -> Page:
    """One page of several; the last knows best where to go on and how many there are."""
    hidden = {key: number for page in pages for key, number in page.hidden.items()}
    items = tuple(item for page in pages for item in page.items)
    failures = tuple(failure for page in pages for failure in page.failures)
    again = tuple(item for page in pages for item in page.again)
    unlisted = {key: number for page in pages for key, number in page.unlisted.items()}
    overcounted = {key: number for page in pages for key, number in page.overcounted.items()}
    return Page(items, pages[-1].cursor, pages[-1].total, failures, hidden, again, unlisted, overcounted)


def _first(pages: Iterator[Page], number: int | None) -> Iterator[Page]:
    """Pages with the first `number` items only; all where it is None."""
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
