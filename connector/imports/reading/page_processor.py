"""Reads listings of a scope page by page, writes the pages and downloads their files."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ...dspace.records import Page, ScopeKind, Subset, names_of
from ...errors import ConnectorError
from ...extensions import db
from ...i18n import lazy_gettext as _l
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from ..files.access_checks import AccessCheck
from ..files.file_downloads import FileDownloader
from ..files.preview_files import ExpectedFiles, NoAccessCheck
from .page_writer import FULL_PAGE, PageWriter

MAX_WAIT_SECONDS = 1.0

READING = _l("Reading %(scope)s")


class PageProcessor:
    """Processor of the pages of one attempt at an import.

    `files`: downloads the files, None if the import leaves them out.
    """

    def __init__(
        self,
        context: ImportContext,
        writer: PageWriter,
        access_check: AccessCheck | NoAccessCheck,
        files: FileDownloader | ExpectedFiles | None,
    ):
        self._context, self._writer, self._access_check, self._files = context, writer, access_check, files
        self._read_ahead: set[str] = set()  # ids of items that are read but not written yet

    def pages(
        self,
        cursor: dict[str, Any] | None,
        *,
        light: bool,
        seen: Callable[[Collection[str]], set[str]] | None = None,
        with_access: bool = False,
        subset: Subset | None = None,
        may_use_oai: bool = False,
    ) -> Iterator[Page]:
        """Return the pages of the scope, or of a `subset` of it, after a cursor.

        `seen`: a function that returns which of the given ids to leave out, by default those seen by this job.
        `with_access`: include who may read the files. `may_use_oai`: see `HalClient.walk`.
        """
        context = self._context
        db.session.rollback()  # no transaction is open while the repository is asked
        return context.client.walk(
            context.scope,
            cursor=cursor,
            light=light,
            with_collection=context.options.item_set_from_collection,
            seen=seen or self._seen,
            not_visible=context.known_not_visible,
            with_access=with_access and context.access.asks_for_refused,
            subset=subset,
            may_use_oai=may_use_oai,
        )

    def process(
        self,
        pages: Iterator[Page],
        listing: Listing,
        doing: str = READING,
        *,
        is_repeated: bool = False,
        kept: Mapping[Listing, Any] | None = None,
    ) -> None:
        """Write the pages of a listing as they arrive, check the access to their files, and download them.

        `doing`: what the job's page says, with a placeholder for the name of the scope. `is_repeated`: the items are
        read although the source reports no change, since some changes are not reported. `kept`: places of other
        listings that the cursor keeps.
        """
        context = self._context
        reading = doing % {"scope": self._scope_name}
        context.attempt.say(reading)
        for page in self._gathered(pages):
            item_ids = self._writer.write(page, {listing: page.cursor, **(kept or {})})
            if reads_again := is_repeated or context.options.full:
                self._access_check.check(item_ids, page.items)
            if self._files:
                self._files.fetch(item_ids, reads_again)
            context.attempt.say(reading)
            context.attempt.check()

    def restart(self) -> None:
        """Forget the pages that were read but not written, because they will be read again."""
        self._read_ahead.clear()

    @property
    def _scope_name(self) -> str:
        """Return the name of the scope. The title of a single item may be restricted, so its handle or id is used."""
        scope = self._context.scope
        return scope.handle or scope.id if scope.kind is ScopeKind.ITEM else scope.name

    def _seen(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids this job has recorded or has read for the next write."""
        return self._context.recorder.seen(ids) | self._read_ahead.intersection(ids)

    def _gathered(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Yield pages, joined up to FULL_PAGE items. Yield earlier if MAX_WAIT_SECONDS have passed."""
        waiting: list[Page] = []
        since = time.monotonic()
        try:
            for page in pages:
                if waiting and self._read_ahead.intersection(
                    names_of(page.items)
                ):  # their first versions are written first
                    yield _join(waiting)
                    waiting, since = [], time.monotonic()
                    self._read_ahead.clear()
                waiting.append(page)
                self._context.progress.note_total(page.total)
                self._read_ahead.update(names_of(page.items))
                if sum(len(p.items) for p in waiting) >= FULL_PAGE or time.monotonic() - since > MAX_WAIT_SECONDS:
                    yield _join(waiting)
                    waiting, since = [], time.monotonic()
                    self._read_ahead.clear()
        except ConnectorError:
            if waiting:  # keep the pages read before the error
                yield _join(waiting)
            raise
        if waiting:
            yield _join(waiting)


def _join(pages: Sequence[Page]) -> Page:
    """Join pages into one. The cursor and the total come from the last page."""
    not_visible = {key: number for page in pages for key, number in page.not_visible.items()}
    items = tuple(item for page in pages for item in page.items)
    failures = tuple(failure for page in pages for failure in page.failures)
    again = tuple(item for page in pages for item in page.again)
    unlisted = {key: number for page in pages for key, number in page.unlisted.items()}
    overcounted = {key: number for page in pages for key, number in page.overcounted.items()}
    return Page(items, pages[-1].cursor, pages[-1].total, failures, not_visible, again, unlisted, overcounted)
