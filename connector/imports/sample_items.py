"""The sample items of a preview: items of a scope, chosen for variety and shown as finished item pages.

The catalogue is not changed. A light listing of up to 300 items is read first. Then three times as many complete items
as wanted are read, with one or two requests each. The most varied of these are shown. Only complete items have files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, insert, select

from .. import dspace
from ..catalogue import file_rows, item_rows, takedown
from ..catalogue.identity import free_key, source_key
from ..catalogue.repository_context import RepositoryContext
from ..dspace.records import Failure, Item, Scope, SourceState, separated
from ..errors import NotFoundError
from ..extensions import count_rows, db, transaction
from ..i18n import gettext as _, ngettext, ngettext_or_empty
from ..models.catalogue import CatalogueFile, CatalogueItem, FileStatus
from ..models.previews import SAMPLE_ITEM, SampleItem
from ..models.repositories import Repository
from .context.import_context import ImportContext
from .recording.change_records import identity, name_of

MAX_CANDIDATES = 300
READ_FOR_ONE = 3
USUAL, MOST = 10, 50
KIND = "dc.type"


def read(context: ImportContext) -> tuple[bool, str]:
    """Read the sample items of a preview and return (clean, message). Sample items from before are replaced."""
    run, repository, number = context.attempt, context.repository, context.options.rehearse or USUAL
    run.say(_("Listing %(name)s", name=context.scope.name))
    listed = _allowed(repository, _first_items(context.client, context.scope))
    run.say(_("Reading some of the items"))
    items, failures = separated(context.client.complete(various(listed, READ_FOR_ONE * number)))
    run.check()
    shown = various(_allowed(repository, [item for item in items if item.is_present]), number)
    with transaction():
        db.session.execute(delete(SAMPLE_ITEM).where(SAMPLE_ITEM.c.job_id == run.job_id))
        rows = _distinct([*(_row(repository, item) for item in shown), *map(_failure, failures)])
        if rows:
            db.session.execute(insert(SAMPLE_ITEM), [{"job_id": run.job_id, **row} for row in rows])
        totals = {"samples": len(shown)}
        if context.options.samples_only:
            run.advance(totals=totals | {"seen": len(rows), "failed": len(failures)}, expected=len(rows))
        else:
            run.advance(totals=totals)
    return _verdict(len(listed), len(failures))


def are_read(job_id: int) -> bool:
    """Return whether an earlier attempt at this job has read the sample items."""
    found = db.session.scalar(select(SAMPLE_ITEM.c.id).where(SAMPLE_ITEM.c.job_id == job_id).limit(1))
    db.session.rollback()
    return found is not None


def outcome(job_id: int) -> tuple[bool, str]:
    """Return whether all items chosen as sample items could be read, and a sentence if not."""
    failed = count_rows(SAMPLE_ITEM, SAMPLE_ITEM.c.job_id == job_id, SAMPLE_ITEM.c.reason.is_not(None))
    db.session.rollback()
    return not failed, _unread_in_words(failed)


def of_job(job_id: int) -> Select[SampleItem]:
    """Return a SELECT of the sample items of a job that could be read, in the order found."""
    query = select(SampleItem).where(SampleItem.job_id == job_id, SampleItem.reason.is_(None))
    return query.order_by(SampleItem.id)


def get(job_id: int, sample_id: int) -> SampleItem:
    """Return the sample item of this job with this id. Raises NotFoundError."""
    found: SampleItem | None = db.session.scalar(of_job(job_id).where(SampleItem.id == sample_id))
    if found is None:
        raise NotFoundError(_("Job %(job_id)s no longer has this item. Its results are kept for a day.", job_id=job_id))
    return found


def various(items: Sequence[Item], number: int) -> list[Item]:
    """Return up to `number` items that are as varied as possible, in the given order.

    The first three have the most values, the most files and the longest value. Each further item has the most traits
    that no chosen item has yet: fields, languages, types, kinds of files. The rest are spread evenly over the list.
    """
    left = list(items)
    chosen: list[Item] = []
    for most in (_values, _files, _longest):
        if left and len(chosen) < number and most(best := max(left, key=most)):
            chosen.append(best)
            left.remove(best)
    known = {trait for item in chosen for trait in traits(item)}
    while left and len(chosen) < number:
        best = max(left, key=lambda item: len(traits(item) - known))
        if not traits(best) - known:
            break
        chosen.append(best)
        left.remove(best)
        known |= traits(best)
    rest = min(number - len(chosen), len(left))
    chosen += [left[place * len(left) // rest] for place in range(rest)]
    places = {item.id: place for place, item in enumerate(items)}
    return sorted(chosen, key=lambda item: places[item.id])


def traits(item: Item) -> set[tuple[str, str | None]]:
    """Return the traits by which an item differs from others, as (kind, value)."""
    values, files = item.metadata or (), item.bitstreams or ()
    found = {("field", value.field) for value in values} | {("language", value.language) for value in values}
    found |= {("type", value.value) for value in values if value.field == KIND}
    found |= {("bundle", file.bundle) for file in files} | {("file", file.media_type) for file in files}
    return found if item.name else found | {("title", None)}


def page_of(row: SampleItem, repository: Repository) -> CatalogueItem:
    """Return a sample item as the catalogue would hold it, for its page. It belongs to no database session."""
    files = [CatalogueFile(**file, status=FileStatus.NOT_DOWNLOADED.value) for file in row.data["files"]]
    return CatalogueItem(**row.data["item"], source_state=SourceState.PRESENT.value, repository=repository, files=files)


def _first_items(client: dspace.Client, scope: Scope) -> list[Item]:
    """Return the first items of a scope, at most MAX_CANDIDATES, from light pages."""
    found: list[Item] = []
    pages = client.walk(scope, cursor=None, light=True, with_collection=False, seen=lambda ids: set(), not_visible={})
    for page in pages:
        found += (item for item in page.items if item.is_present)
        if len(found) >= MAX_CANDIDATES:
            break
    return found[:MAX_CANDIDATES]


def _allowed(repository: RepositoryContext, items: Sequence[Item]) -> list[Item]:
    """Return the items that no takedown excludes."""
    out = takedown.excluded_ids(repository.id, items)
    db.session.rollback()
    return [item for item in items if item.id not in out]


def _row(repository: RepositoryContext, item: Item) -> dict[str, Any]:
    data = {"item": item_rows.item_columns(repository, item), "files": file_rows.stored_files(item)}
    return identity(source_key(item), item) | {"data": data, "reason": None}


def _failure(failure: Failure) -> dict[str, Any]:
    key = failure.handle or name_of(failure)
    return identity(key, failure) | {"data": {"technical_details": failure.technical_details}, "reason": failure.reason}


def _distinct(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Return the rows, each with a unique key, because several items may have the same handle."""
    taken: set[str] = set()
    for row in rows:
        row["source_key"] = free_key((row["source_key"], row["source_id"]), taken)
        taken.add(row["source_key"])
    return rows


def _values(item: Item) -> int:
    return len(item.metadata or ())


def _files(item: Item) -> int:
    return len(item.bitstreams or ())


def _longest(item: Item) -> int:
    return max((len(value.value or "") for value in item.metadata or ()), default=0)


def _verdict(looked: int, failed: int) -> tuple[bool, str]:
    if not looked:
        return True, _("There is no item to show.")
    chosen = ngettext("Chosen from the first %(num)s item.", "Chosen from the first %(num)s items.", looked)
    return not failed, " ".join(filter(None, (chosen if looked > 1 else "", _unread_in_words(failed))))


def _unread_in_words(number: int) -> str:
    """Return a sentence about sample items that could not be read, or ""."""
    return ngettext_or_empty(
        "%(num)s sample item could not be read.", "%(num)s sample items could not be read.", number
    )
