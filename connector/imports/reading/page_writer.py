"""Writes pages of items. Each page, its cursor and its counts are one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...catalogue import identity, store, takedown
from ...catalogue.store import Saved
from ...dspace.records import Failure, Item, Page, ScopeKind, SourceState, ids_in
from ...extensions import LARGEST_INTEGER, db, transaction
from ..context.import_context import ImportContext
from ..context.import_progress import Listing
from ..files import left_files
from .item_states import states_of
from .server_clock import begin_time

FULL_PAGE = 80  # items of a page that is worth a transaction


@dataclass(frozen=True, slots=True)
class _Parts:
    """The items of a page by what happens to them.

    `unchanged`: items with the same time stamp as in the catalogue. `complete`: items to save. `failures`: those not
    recorded before. `absent`: ids of items that were listed but are not present. Reconciliation checks them if they are
    held.
    """

    unchanged: Sequence[Saved]
    complete: Sequence[Item]
    failures: Sequence[Failure]
    absent: set[str]

    @property
    def present(self) -> list[Item]:
        return [*(saved.item for saved in self.unchanged), *self.complete]

    def without(self, excluded: set[str]) -> _Parts:
        """Return the parts without these items and failures, given by id or handle."""
        return replace(
            self,
            unchanged=[saved for saved in self.unchanged if saved.item.id not in excluded],
            complete=[item for item in self.complete if item.id not in excluded],
            failures=[failure for failure in self.failures if (failure.id or failure.handle) not in excluded],
        )


class PageWriter:
    """Writer of the pages of one attempt at an import."""

    def __init__(self, context: ImportContext):
        self._context, self._recorder, self._progress = context, context.recorder, context.progress

    def write(self, page: Page, places: Mapping[Listing, Any]) -> list[int]:
        """Write a page and return the ids of its catalogue items. Wait first if the disk has no room.

        `places`: how far each listing has been read with this page (see `ImportProgress`).
        """
        context, recorder = self._context, self._recorder
        context.room.wait()
        page, excluded = self._allowed(replace(page, items=context.with_known_ids(page.items)))
        db.session.rollback()
        parts = self._parts(page)
        closed = left_files.closed_file_values(context, parts.complete)
        recorder.prepare(context.access, parts.present, page.again)
        context.access.confirm()
        self._progress.note_counts(page, context.known_not_visible)
        begin_time(context)
        kept = self._still_there(parts.complete)
        met = recorder.seen(ids_in(parts.present, parts.failures))
        with transaction():
            late = takedown.excluded_ids(context.repository.id, [*parts.present, *parts.failures])
            parts = parts.without(late)
            new = recorder.save(parts.complete, kept | {saved.item.id for saved in parts.unchanged}, closed)
            saved = recorder.record([*parts.unchanged, *new], parts.failures)
            recorder.put_in_item_sets(page.again)
            counts = self._counts(saved, parts.failures, met)
            counts.update(self._not_present(parts.absent, excluded | late))
            self._advance(counts, page, places)
        return [each.item_id for each in saved if each.item_id is not None]

    def _advance(self, counts: Counter[str], page: Page, places: Mapping[Listing, Any]) -> None:
        """Write the counts and the cursor of a page to the job row."""
        requests = self._context.requests
        if self._recorder.is_named:
            counts["related"] = counts.pop("seen", 0)
        self._progress.places, self._progress.is_stored = dict(places), True
        values: dict[str, Any] = {"cursor": self._progress.to_json(), "traffic": requests.traffic()}
        if page.total is not None:
            values["expected"] = min(page.total, LARGEST_INTEGER)
        self._context.attempt.advance({**counts, **requests.new()}, **values)

    def _not_present(self, absent: set[str], excluded: set[str]) -> Counter[str]:
        """Note newly met items that are absent or excluded. Return the change to the job counters."""
        progress = self._progress
        absent, excluded = absent - progress.absent, excluded - progress.excluded
        counts = self._recorder.forget(absent)
        if not self._recorder.is_named:  # the source counts them
            counts["seen"] += len(absent) + len(excluded)
        progress.absent |= absent
        progress.excluded |= excluded
        return counts

    def _still_there(self, items: Sequence[Item]) -> set[str]:
        """Return the source ids of held items that share a handle with these items and still exist at the source."""
        rows = identity.rivals(self._context.repository.id, items)
        db.session.rollback()
        states = self._context.access.read_with_valid_login(lambda: states_of(self._context, rows)) if rows else []
        return {row.source_id for row, state in states if state is not SourceState.DELETED}

    def _counts(self, saved: Sequence[Saved], failures: Sequence[Failure], met: set[str]) -> Counter[str]:
        """Return the change to the job counters.

        Items in `met` are already counted as unchanged. They move to another count if they changed or failed.
        """
        fresh = [s for s in saved if s.item.id not in met]
        counts = self._recorder.counts(fresh, len(failures))
        changed = sum(s.outcome == "updated" for s in saved if s.item.id in met)
        failed = sum(failure.id in met for failure in failures)
        counts.update(updated=changed, unchanged=-changed - failed, seen=-failed)
        return counts

    def _allowed(self, page: Page) -> tuple[Page, set[str]]:
        """Return the page without the items and failures that a takedown excludes, and the excluded ids or handles."""
        excluded = takedown.excluded_ids(self._context.repository.id, [*page.items, *page.failures])
        items = tuple(item for item in page.items if item.id not in excluded)
        failures = tuple(failure for failure in page.failures if (failure.id or failure.handle) not in excluded)
        return replace(page, items=items, failures=failures), excluded

    def _parts(self, page: Page) -> _Parts:
        """Return the items of a page by what happens to them. Read in full the items that need it."""
        complete = [item for item in page.items if item.is_complete]
        light = [item for item in page.items if not item.is_complete and self._is_there(item)]
        held = store.stored_items(self._context.repository.id, light) if light else {}
        db.session.rollback()
        same = {item.id: item for item in light if item.id in held and held[item.id].is_as(item)}
        unchanged = [Saved(item, held[id].key, held[id].item_id, "unchanged", {}) for id, item in same.items()]
        self._progress.has_trusted = self._progress.has_trusted or bool(same)
        changed = [item for item in light if item.id not in same]
        results = list(self._context.client.complete(changed)) if changed else []
        failures = [*page.failures, *(result for result in results if isinstance(result, Failure))]
        complete += [result for result in results if isinstance(result, Item)]
        absent = {item.id for item in (*page.items, *complete) if not self._is_there(item)}
        if self._reads_lists:
            absent |= {failure.id for failure in failures if failure.is_gone and failure.id is not None}
            failures = [failure for failure in failures if not failure.is_gone]
        complete = [item for item in complete if self._is_there(item)]
        return _Parts(unchanged, complete, self._recorder.new(failures), absent)

    def _is_there(self, item: Item) -> bool:
        """Return whether an item can be imported. A private item needs a login that can see it (design rule 15)."""
        return item.is_present or (item.state is SourceState.NOT_PUBLIC and self._context.access.is_signed_in)

    @property
    def _reads_lists(self) -> bool:
        """Return whether this job finds items in lists.

        If a listed item cannot be found when it is read, it was deleted after it was listed.
        """
        context = self._context
        return context.scope.kind is not ScopeKind.ITEM and not context.options.reads_some_items
