"""Earlier states of items: the groups of `Change.before` that an undo restores."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, exists, select, update

from ..extensions import db
from ..models.catalogue import FILE, ITEM, STORED_FILE, FileStatus
from . import identity, problem_files, restricted_values
from .file_rows import LOST, files_of, insert_files
from .item_rows import DATA, derived_columns, write
from .repository_context import RepositoryContext

# Keys of files in stored states. They keep the names that these columns had before migration 0029.
KEYS = {
    "status": "fate",
    "last_tried_job_id": "tried_by",
    "status_since_job_id": "first_met_by",
    "content_is_restricted": "by_login",
    "embargo_ends_on": "until",
}
STATUS = ("status", "reason", "technical_details", "embargo_ends_on")
COLUMNS = {key: column for column, key in KEYS.items()}


def state_group(row: Any) -> dict[str, Any]:
    """Return the "state" group of a change: the state of the item at its source."""
    return {"source_state": row.source_state, "state_since": row.state_since and row.state_since.isoformat()}


def data_groups(item_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the "data" groups of changes by item id: all source data of these items with their files."""
    rows = db.session.execute(select(ITEM.c.id, *(ITEM.c[name] for name in DATA)).where(ITEM.c.id.in_(item_ids)))
    files = files_of(item_ids)
    return {row.id: data_group(row, files.get(row.id, [])) for row in rows}


def data_group(row: Any, files: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the "data" group of a change: the source's data of an item, from its row and those of its files."""
    return {name: getattr(row, name) for name in DATA} | {"files": [_renamed(file, KEYS) for file in files]}


def restore_data(repository: RepositoryContext, item_id: int, group: Mapping[str, Any]) -> None:
    """Restore the source's data of an item and its files from the "data" group of a change.

    The next import reads the item in full and checks its files, because the source may have changed without a new time
    stamp. Values, files and file names that are restricted now stay restricted.
    """
    held = db.session.execute(select(ITEM.c.source_metadata, ITEM.c.crosswalk_id).where(ITEM.c.id == item_id)).one()
    metadata = restricted_values.with_marks_of(held.source_metadata, group["source_metadata"])
    values = {name: group[name] for name in DATA} | {"source_metadata": metadata, "is_restored": True}
    if not identity.is_free(repository.id, group["source_key"], item_id):
        del values["source_key"]
    present = {file["bitstream_id"]: file for file in files_of([item_id]).get(item_id, [])}
    files = [_restored(_renamed(file, COLUMNS), present.get(file["bitstream_id"])) for file in group["files"]]
    values |= derived_columns(repository.rules_of(held.crosswalk_id), group["title"], metadata, files)
    write(item_id, values, files)
    db.session.execute(delete(FILE).where(FILE.c.item_id == item_id))
    if files:
        insert_files({item_id: files})
        lost = (FILE.c.sha256.is_not(None), ~exists().where(STORED_FILE.c.sha256 == FILE.c.sha256))
        db.session.execute(update(FILE).where(FILE.c.item_id == item_id, *lost).values(LOST))
    problem_files.mark([item_id])


def restore_crosswalk(repository: RepositoryContext, item_id: int, rules_id: int) -> None:
    """Map the source's data of an item again with earlier rules: the "crosswalk" group of a change."""
    held = db.session.execute(select(ITEM.c.title, ITEM.c.source_metadata).where(ITEM.c.id == item_id)).one()
    files = files_of([item_id]).get(item_id, [])
    write(item_id, derived_columns(repository.rules_of(rules_id), held.title, held.source_metadata, files), files)


def _restored(file: Mapping[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an earlier row of a file, with the restrictions of its present row."""
    name_is_restricted = file.get("name_is_restricted", False) or bool(present and present["name_is_restricted"])
    since = file.get("status_since_job_id") or file.get("last_tried_job_id")
    row = {**file, "name_is_restricted": name_is_restricted, "last_tried_job_id": None, "status_since_job_id": since}
    row["technical_details"] = file.get("technical_details")
    if present is None or not (present["content_is_restricted"] or present["status"] == FileStatus.RESTRICTED):
        return row
    status = STATUS if present["status"] == FileStatus.RESTRICTED else ()
    return row | {name: present[name] for name in status} | {"content_is_restricted": file["sha256"] is not None}


def _renamed(file: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in file.items()}
