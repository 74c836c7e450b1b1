"""Reads the items outside the scope that the items of the scope name, such as the authors of publications.

DSpace 7 and later have people, projects and organisations as items. Design rule 22 says what they are to a source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import exists, select

from ...dspace.records import MOST_IDS, Item, Page, SourceState, Subset
from ...dspace.uuid_partitions import part_of
from ...errors import RequestRejectedError
from ...extensions import db, transaction
from ...i18n import gettext as _
from ...models.catalogue import HOLDING, ITEM
from ..context.earlier_imports import had_other_login, was_completed
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from ..files.access_checks import AccessCheck
from ..files.file_downloads import FileDownloader
from ..files.preview_files import ExpectedFiles, NoAccessCheck
from .item_states import states_of
from .page_processor import PageProcessor
from .page_writer import PageWriter
from .rolling_recheck import Part

MOST_REQUESTS = 1_000  # for single items, in one run


@dataclass(frozen=True, slots=True)
class _NamedItem:
    """An item of which only the id is known, as `states_of` takes it."""

    source_id: str
    handle: None = None


def are_read(context: ImportContext) -> bool:
    """Return whether this job reads named items: if it is to, and reads the scope or its first items."""
    return context.options.related_items and context.client.can_select and not context.options.reads_some_items


def read(
    context: ImportContext,
    access_check: AccessCheck | NoAccessCheck,
    files: FileDownloader | ExpectedFiles | None,
    part: Part | None,
) -> None:
    """Read the items that the recorded items of the scope name, if this job is to read them.

    Items that the source holds are read in full only if they changed or are in this slice of the rolling recheck. A
    test import reads only items that the source does not hold yet.
    """
    if are_read(context):
        named = context.for_named_items()
        _Reader(named, PageProcessor(named, PageWriter(named), access_check, files)).read(part)


def unread_ids(context: ImportContext) -> set[str]:
    """Return the ids that the items of the scope name, and that this job has not read or failed to read."""
    recorder = context.recorder.for_named_items()
    ids = recorder.named_ids() - context.progress.excluded
    ids -= recorder.seen(ids)
    return {item.id for item in recorder.not_failed([Item(id, None, None, None) for id in ids])}


def held_ids(context: ImportContext, ids: Collection[str]) -> set[str]:
    """Return those of these ids at the source whose items the source holds."""
    mine = (HOLDING.c.source_id == context.source_id, HOLDING.c.left_at.is_(None))
    # EXISTS makes SQLite begin with the few items. It would begin a join with all holdings of the source.
    is_held = exists().where(HOLDING.c.item_id == ITEM.c.id, *mine)
    query = select(ITEM.c.source_id).where(ITEM.c.repository_id == context.repository.id, is_held)
    found = {id for some in _batches(ids) for id in db.session.scalars(query.where(ITEM.c.source_id.in_(some)))}
    db.session.rollback()
    return found


class _Reader:
    """Reader of named items. `context`: that of named items (see `ImportContext.for_named_items`)."""

    def __init__(self, context: ImportContext, processor: PageProcessor):
        self._context, self._processor = context, processor
        self._kept = dict(context.progress.places)  # a resumed import goes on there
        self._kept.pop(Listing.NAMED, None)

    def read(self, part: Part | None) -> None:
        """Read what the job has not read yet. `part`: the slice of items to read in full, if any."""
        ids = unread_ids(self._context)
        held = held_ids(self._context, ids)
        if self._context.options.is_partial:
            ids, held = ids - held, set()
        trusted = {id for id in held if not (part and part_of(id, part[1]) == part[0])} if self._trusts() else set()
        try:
            self._process(self._searched(trusted, light=True, with_access=False), is_repeated=False)
            whole = self._searched(ids - trusted, light=False, with_access=bool(held))
            self._process(whole, is_repeated=bool(held))
        except RequestRejectedError:  # the site takes no search for ids
            left = unread_ids(self._context) & ids
            self._keep(left & trusted)
            self._process(self._single(left - trusted), is_repeated=bool(held))

    def _trusts(self) -> bool:
        """Return whether the run trusts the time stamps of the source."""
        context = self._context
        return was_completed(context) and not context.options.full and not had_other_login(context)

    def _process(self, pages: Iterator[Page], *, is_repeated: bool) -> None:
        doing = _("Reading the items that these items name")
        self._processor.process(pages, Listing.NAMED, doing, is_repeated=is_repeated, kept=self._kept)

    def _searched(self, ids: Collection[str], *, light: bool, with_access: bool) -> Iterator[Page]:
        for some in _batches(ids):
            for page in self._processor.pages(None, light=light, with_access=with_access, subset=Subset(ids=some)):
                yield replace(page, total=None)  # the number of the scope stays

    def _single(self, ids: Collection[str]) -> Iterator[Page]:
        """Yield pages of items that are read one by one, after a request whether they can be read.

        If there are more than MOST_REQUESTS, each run begins elsewhere.
        """
        ordered = sorted(ids)
        start = self._context.job_id * MOST_REQUESTS % max(len(ordered), 1)
        for some in _batches([*ordered[start:], *ordered[:start]][:MOST_REQUESTS]):
            states = states_of(self._context, [_NamedItem(id) for id in some])
            present = [row.source_id for row, state in states if state is SourceState.PRESENT]
            yield Page(tuple(Item(id, None, None, None) for id in present), {})

    def _keep(self, ids: Collection[str]) -> None:
        """Record held items as seen and unchanged, because reading each of them would take a request."""
        mine = select(HOLDING.c.id).where(HOLDING.c.source_id == self._context.source_id)
        here = select(ITEM.c.id).where(ITEM.c.repository_id == self._context.repository.id)
        for some in _batches(ids):
            items = here.where(ITEM.c.source_id.in_(some))
            with transaction():
                number = self._context.recorder.keep(mine.where(HOLDING.c.item_id.in_(items)))
                self._context.attempt.advance({"related": number, "unchanged": number})


def _batches(ids: Collection[str]) -> Iterator[tuple[str, ...]]:
    ordered: Sequence[str] = sorted(ids)
    for start in range(0, len(ordered), MOST_IDS):
        yield tuple(ordered[start : start + MOST_IDS])
