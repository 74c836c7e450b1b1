"""Maps all items of a repository again from their stored metadata. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping
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
from .remap_kind import RemapOptions

ITEMS_PER_STEP = 200
COLUMNS = ("id", "title", "source_metadata", "source_key", "source_id", "handle", "crosswalk_id")
DERIVED = (
    *("mapped_values", "search_text", "restricted_search_text"),
    *("property_codes", "title_sort", "date_sort", "title_is_restricted"),
)


def run(attempt: JobAttempt) -> tuple[bool, str]:
    """Map the items after the cursor again. Return (clean, message)."""
    job = lifecycle.get(attempt.job_id)
    repository_id, last = job.repository_id, (job.cursor or {}).get("last_item_id", 0)
    rules = crosswalk_rules.get(RemapOptions.of(job).crosswalk_id)
    attempt.say(_("Mapping the items"))
    while last is not None:
        attempt.check()
        with transaction():
            last = _step(attempt, repository_id, rules, last)
    return True, ""


def _step(attempt: JobAttempt, repository_id: int, rules: CrosswalkRules, last: int) -> int | None:
    """Map the next items after this id. Return the id of the last one, or None if there was none."""
    columns = (ITEM.c[name] for name in (*COLUMNS, *DERIVED))
    query = select(*columns).where(ITEM.c.repository_id == repository_id, ITEM.c.id > last).with_for_update()
    rows = db.session.execute(query.order_by(ITEM.c.id).limit(ITEMS_PER_STEP)).all()
    if not rows:
        return None
    files = files_of([row.id for row in rows])
    changed = {}
    for row in rows:
        its_files = files.get(row.id, [])
        values = item_rows.derived_columns(rules, row.title, row.source_metadata, its_files)
        if new := {name: values[name] for name in DERIVED if getattr(row, name) != values[name]}:
            db.session.execute(update(ITEM).where(ITEM.c.id == row.id).values(new))  # keeps indexes of other columns
            changed[row.id] = facet_values.values_of(values["mapped_values"], its_files)
    facet_values.store(changed)
    moved = [row.id for row in rows if row.crosswalk_id != rules.id]
    db.session.execute(update(ITEM).where(ITEM.c.id.in_(moved)).values(crosswalk_id=rules.id))
    recorded = {*changed, *moved}
    insert_changes([_change(attempt.job_id, row, rules, row.id in changed) for row in rows if row.id in recorded])
    counts = {"updated": len(changed), "unchanged": len(rows) - len(changed)}
    attempt.advance(counts, cursor={"last_item_id": rows[-1].id})
    return int(rows[-1].id)


def _change(job_id: int, row: Any, rules: CrosswalkRules, is_changed: bool) -> Mapping[str, Any]:
    """Return the change of an item. Without other rules before, a new version of the app changed the mapping."""
    action = Action.UPDATED if is_changed else Action.TOUCHED
    before = None if row.crosswalk_id == rules.id else {"crosswalk": row.crosswalk_id}
    values = {"job_id": job_id, "item_id": row.id, "action": action.value, "before": before}
    return values | {name: getattr(row, name) for name in ("source_key", "source_id", "handle", "title")}
