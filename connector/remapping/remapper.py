"""Maps all items of a repository again from their stored metadata. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select, update

from ..catalogue import crosswalk_rules, facet_values, item_rows
from ..catalogue.crosswalk import CrosswalkRules
from ..catalogue.file_rows import files_of
from ..catalogue.job_changes import insert_changes
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import ITEM
from ..models.changes import Action
from .remap_jobs import RemapOptions

ITEMS_PER_STEP = 200
COLUMNS = ("id", "title", "source_metadata", "source_key", "source_id", "handle", "crosswalk_id")
DERIVED = (
    *("mapped_values", "search_text", "restricted_search_text"),
    *("property_codes", "title_sort", "date_sort", "title_is_restricted"),
)


@dataclass(frozen=True, slots=True)
class RemapCursor:
    """How far a job is. `last_item_id`: the id of the last item that is done, 0 before the first."""

    last_item_id: int = 0


def run(attempt: JobAttempt) -> tuple[bool, str]:
    """Map the items after the cursor again. Return (clean, message)."""
    job = lifecycle.get(attempt.job_id)
    repository_id, last = job.repository_id, RemapCursor(**job.cursor or {}).last_item_id
    rules = crosswalk_rules.get(RemapOptions.of(job).crosswalk_id)
    attempt.say(_("Mapping the items"))
    while rows := _rows_after(repository_id, last):
        attempt.check()
        last = rows[-1].id
        mapped = _mapped_again(rows, rules)  # outside the transaction, so that other writers wait less
        with transaction():
            _write(attempt, rows, mapped, rules)
    return True, ""


def _rows_after(repository_id: int, last: int) -> Sequence[Any]:
    columns = (ITEM.c[name] for name in (*COLUMNS, *DERIVED))
    query = select(*columns).where(ITEM.c.repository_id == repository_id, ITEM.c.id > last)
    return db.session.execute(query.order_by(ITEM.c.id).limit(ITEMS_PER_STEP)).all()


def _mapped_again(rows: Sequence[Any], rules: CrosswalkRules) -> dict[int, tuple[dict[str, Any], facet_values.Values]]:
    """Return new values of columns and new facet values by item id. Items that stay as they are are left out."""
    files, found = files_of([row.id for row in rows]), {}
    for row in rows:
        its_files = files.get(row.id, [])
        values = item_rows.derived_columns(rules, row.title, row.source_metadata, its_files)
        if new := {name: values[name] for name in DERIVED if getattr(row, name) != values[name]}:
            found[row.id] = new, facet_values.values_of(values["mapped_values"], its_files)
    return found


def _write(
    attempt: JobAttempt,
    rows: Sequence[Any],
    mapped: Mapping[int, tuple[dict[str, Any], facet_values.Values]],
    rules: CrosswalkRules,
) -> None:
    """Write the mapped items, their changes, the counts and the cursor. Leave out items that were deleted since."""
    ids = select(ITEM.c.id).where(ITEM.c.id.in_([row.id for row in rows])).with_for_update()
    held = set(db.session.scalars(ids))
    changed = {item_id: found for item_id, found in mapped.items() if item_id in held}
    for item_id, (values, _facets) in changed.items():
        db.session.execute(update(ITEM).where(ITEM.c.id == item_id).values(values))
    facet_values.store({item_id: facets for item_id, (_values, facets) in changed.items()})
    moved = held.intersection(row.id for row in rows if row.crosswalk_id != rules.id)
    db.session.execute(update(ITEM).where(ITEM.c.id.in_(moved)).values(crosswalk_id=rules.id))
    recorded = [row for row in rows if row.id in moved or row.id in changed]
    insert_changes([_change(attempt.job_id, row, rules, row.id in changed) for row in recorded])
    counts = {"updated": len(changed), "unchanged": len(held) - len(changed)}
    attempt.advance(counts, cursor=asdict(RemapCursor(rows[-1].id)))


def _change(job_id: int, row: Any, rules: CrosswalkRules, is_changed: bool) -> Mapping[str, Any]:
    """Return the change of an item. Without other rules before, a new version of the app changed the mapping."""
    action = Action.UPDATED if is_changed else Action.TOUCHED
    before = None if row.crosswalk_id == rules.id else {"crosswalk": row.crosswalk_id}
    values = {"job_id": job_id, "item_id": row.id, "action": action.value, "before": before}
    return values | {name: getattr(row, name) for name in ("source_key", "source_id", "handle", "title")}
