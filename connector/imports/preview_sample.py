"""Sample items of a scope, chosen for variety and shown as finished item pages.

The catalogue is unchanged. It reads a light listing of up to 300 items, and then three times as many complete items as
it shows, with one or two requests each. Only complete items have files, so the most varied are chosen among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, insert

from .. import dspace
from ..catalogue import file_rows, item_rows, takedown
from ..catalogue.identity import free_key, source_key
from ..catalogue.repository_context import RepositoryContext
from ..dspace.records import Failure, Item, Scope, SourceState
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..i18n import ngettext
from ..jobs.attempt import JobAttempt
from ..models.catalogue import CatalogueFile, CatalogueItem, FileStatus
from ..models.jobs import PreviewRow
from ..models.repositories import Repository
from ..repositories.connections import RepositoryConnection, open_connection
from .change_records import identity, name_of
from .import_context import ImportContext, open_context
from .preview_recorder import PreviewRecorder
from .preview_rows import PreviewAction

ROW = PreviewRow.__table__
LOOKED_AT = 300
READ_FOR_ONE = 3
USUAL, MOST = 10, 50
KIND = "dc.type"


def run(run: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection) -> tuple[bool, str]:
    """Read sample items and return (clean, message).

    A sample that was stopped starts from the beginning.
    """
    with open_context(run, connect, PreviewRecorder) as context:
        return _show_sample(context)


def _show_sample(context: ImportContext) -> tuple[bool, str]:
    run, repository, number = context.attempt, context.repository, context.options.rehearse or USUAL
    run.say(_("Listing %(name)s", name=context.scope.name))
    listed = _allowed(repository, _listed(context.client, context.scope))
    run.say(_("Reading some of the items"))
    results = list(context.client.complete(various(listed, READ_FOR_ONE * number)))
    run.check()
    shown = various(
        _allowed(repository, [item for item in results if isinstance(item, Item) and item.is_present]), number
    )
    failures = [result for result in results if isinstance(result, Failure)]
    with transaction():
        db.session.execute(delete(ROW).where(ROW.c.job_id == run.job_id))
        rows = _distinct([*(_row(repository, item) for item in shown), *map(_failure, failures)])
        if rows:
            common = {"job_id": run.job_id}
            failed = PreviewAction.FAILED
            db.session.execute(insert(ROW), [{**common, "has_problem": row["action"] == failed, **row} for row in rows])
        totals = {"seen": len(rows), "added": len(shown), "failed": len(failures)}
        run.advance(totals=totals, expected=len(rows))
    return _verdict(len(listed), len(failures))


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


def page_of(row: PreviewRow, repository: Repository) -> CatalogueItem:
    """Return the item of a row as the catalogue would hold it, for its page. It belongs to no database session."""
    files = [CatalogueFile(**file, status=FileStatus.NOT_DOWNLOADED.value) for file in row.data["files"]]
    return CatalogueItem(**row.data["item"], source_state=SourceState.PRESENT.value, repository=repository, files=files)


def _listed(client: dspace.Client, scope: Scope) -> list[Item]:
    """Return the first items of a scope, at most LOOKED_AT, from light pages."""
    found: list[Item] = []
    pages = client.walk(scope, cursor=None, light=True, with_collection=False, seen=lambda ids: set(), not_visible={})
    for page in pages:
        found += (item for item in page.items if item.is_present)
        if len(found) >= LOOKED_AT:
            break
    return found[:LOOKED_AT]


def _allowed(repository: RepositoryContext, items: Sequence[Item]) -> list[Item]:
    """Return the items that no takedown excludes."""
    out = takedown.excluded(repository.id, items)
    db.session.rollback()
    return [item for item in items if item.id not in out]


def _row(repository: RepositoryContext, item: Item) -> dict[str, Any]:
    data = {"item": item_rows.stored(repository, item), "files": file_rows.stored_files(item)}
    return identity(PreviewAction.SHOWN, source_key(item), item) | {"data": data}


def _failure(failure: Failure) -> dict[str, Any]:
    return identity(PreviewAction.FAILED, failure.handle or name_of(failure), failure) | {
        "data": {"reason": failure.reason}
    }


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
    sentences = []
    if looked > 1:
        sentences.append(
            ngettext("Chosen from the first %(num)s item.", "Chosen from the first %(num)s items.", looked)
        )
    if failed:
        sentences.append(ngettext("%(num)s more could not be read.", "%(num)s more could not be read.", failed))
    return not failed, " ".join(sentences)
