"""The import: reads the scope, writes items page by page, downloads their files and reconciles at the end."""

from __future__ import annotations

from collections.abc import Callable

from ..dspace.records import ScopeKind
from ..errors import NotFoundError, RestrictedError
from ..extensions import transaction
from ..i18n import ngettext_or_empty
from ..jobs import counters
from ..jobs.attempt import JobAttempt
from ..models.repositories import Source
from ..repositories.connections import RepositoryConnection, open_connection
from ..storage.garbage_collection import delete_unreferenced_files
from .completeness.preview_source_recorder import PreviewSourceRecorder
from .completeness.reconcile import reconcile
from .completeness.source_recorder import SourceRecorder
from .context.earlier_imports import had_other_login, is_lost, was_completed
from .context.import_context import ImportContext, open_context
from .context.import_progress import Listing
from .files.access_checks import AccessCheck
from .files.file_counts import due_before
from .files.file_downloads import FileDownloader
from .files.preview_files import ExpectedFiles, NoAccessCheck
from .reading import named_items, rolling_recheck, selected_items
from .reading.incremental import read_changes
from .reading.page_processor import PageProcessor
from .reading.page_writer import PageWriter
from .reading.relist import relist_if_changed
from .reading.scope_pages import first_items, scope_pages
from .recording.recorder import Recorder
from .results.import_kinds import in_counts
from .start import preview_selection


def run(attempt: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection) -> tuple[bool, str]:
    """Run an import. Return (clean, message).

    `connect`: opens the connection to the repository (see `open_connection`).
    """
    with open_context(attempt, connect, Recorder) as context:
        files = FileDownloader(context) if context.options.files else None
        return Importer(context, SourceRecorder(context), AccessCheck(context), files).run()


class Importer:
    """The order of the steps of one attempt at an import. A preview replaces the parts that write (see `preview`)."""

    def __init__(
        self,
        context: ImportContext,
        source_recorder: SourceRecorder | PreviewSourceRecorder,
        access_check: AccessCheck | NoAccessCheck,
        files: FileDownloader | ExpectedFiles | None,
    ):
        self._context, self._source_recorder = context, source_recorder
        self._access_check, self._files = access_check, files
        self._writer = PageWriter(context)
        self._processor = PageProcessor(context, self._writer, access_check, files)

    def run(self) -> tuple[bool, str]:
        """Read what is left of the scope, then reconcile. Return (clean, message)."""
        context = self._context
        with transaction():
            totals = in_counts(self._source_recorder.files_by_status()) | due_before(context.counts_before)
            context.attempt.advance(totals=totals)
        context.access.read_with_valid_login(lambda: context.client.searches_private)
        if not context.progress.has_walked:
            self._read()
        self._access_check.check_rest()
        if self._files:
            self._files.fetch_all()
        clean, message = reconcile(context, self._source_recorder, self._access_check.left_out)
        if excluded := context.progress.excluded:
            delete_unreferenced_files()  # files whose download was running when their item was taken down
        return clean, f"{message} {_excluded_in_words(len(excluded))}".strip()

    def _read(self) -> None:
        """Read everything after the cursor, unless the scope no longer exists, and record that this is done."""
        context, part = self._context, None
        try:
            part = context.access.read_with_valid_login(self._read_listings)
        except (NotFoundError, RestrictedError) as error:
            if not is_lost(context, error):
                raise
            context.progress.scope_is_gone = True
        context.progress.has_walked = True
        with transaction():
            context.attempt.advance(context.requests.new(), cursor=context.progress.to_json())
            preview_selection.forget(context.job_id)
            if part:
                self._source_recorder.save({"recheck_slice": Source.recheck_slice + 1})

    def _read_listings(self) -> rolling_recheck.Part | None:
        """Read everything after the cursor. Return the slice whose files were read again, if any."""
        context = self._context
        self._processor.restart()
        part = rolling_recheck.begun_slice(context)
        if failed_job := context.options.retry:
            selected_items.read_failed(context, self._writer, failed_job)
        elif context.options.only:
            selected_items.read_selected(context)
        elif part is None:
            self._read_scope()
            part = rolling_recheck.due_slice(context) if context.progress.has_trusted else None
        if part:
            rolling_recheck.read(context, self._processor, part)
        named_items.read(context, self._access_check, self._files, part)
        return part

    def _read_scope(self) -> None:
        """Read the scope: only its changes where this is possible, otherwise the whole list."""
        context = self._context
        if read_changes(context, self._processor):
            context.progress.has_trusted = True
            return
        is_held = was_completed(context)
        trusts = is_held and not context.options.full and not had_other_login(context)
        pages = first_items(scope_pages(context, self._processor, trusts), _left_to_test(context))
        # Every run reads a single item in full, with its files.
        is_repeated = is_held and context.scope.kind is ScopeKind.ITEM
        self._processor.process(pages, Listing.WALK, is_repeated=is_repeated)
        relist_if_changed(context, self._processor)


def _left_to_test(context: ImportContext) -> int | None:
    """Return how many items a test import has still to read, or None if this is not a test import."""
    if not (test := context.options.test):
        return None
    return test - counters.value(context.job_id, "seen")


def _excluded_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item is excluded by a takedown.", "%(num)s items are excluded by a takedown.", number
    )
