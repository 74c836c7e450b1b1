"""The catalogue as plain values, to compare one state with another."""

from __future__ import annotations

import json
from pathlib import Path

from connector.catalogue.export import as_jsonl
from connector.catalogue.search import Selection
from connector.extensions import db
from connector.models.catalogue import StoredFile
from connector.models.changes import Change, ChangeFile

PASSING = ("id", "jobs")
UNTOUCHED = ("job", "job_counter", "preview_row", "sample_item", "audit")


def titles(app) -> dict[str, str]:
    """Title by id at the source."""
    return {record["source_id"]: record["title"] for record in records(app)}


def records(app) -> list[dict]:
    """Every item as its export, without what differs between two ways to the same state."""
    with app.app_context():
        lines = [json.loads(line) for line in as_jsonl(Selection())]
    kept = [{name: value for name, value in line.items() if name not in PASSING} for line in lines]
    return sorted(kept, key=lambda record: record["source_id"])


def stored_bytes(app) -> set[str]:
    """The paths below the files folder."""
    folder = Path(app.config["INSTANCE"]) / "files"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def stored_rows(app) -> set[str]:
    """What the database says lies there."""
    with app.app_context():
        return {f"{sha[:2]}/{sha[2:]}" for sha in db.session.scalars(db.select(StoredFile.sha256))}


def dump(app) -> dict[str, list]:
    """Every row of every table that a preview has nothing to write to."""
    with app.app_context():
        tables = [table for table in db.metadata.sorted_tables if table.name not in UNTOUCHED]
        return {
            t.name: [tuple(row) for row in db.session.execute(db.select(t).order_by(*t.primary_key))] for t in tables
        }


def files_recorded_for_undo() -> set[tuple[int, str]]:
    """Return (id of a change, SHA-256) of the files that garbage collection keeps for an undo."""
    found = {(row.change_id, row.sha256) for row in db.session.scalars(db.select(ChangeFile))}
    db.session.rollback()
    return found


def files_that_undo_needs() -> set[tuple[int, str]]:
    """Return (id of a change, SHA-256) of the files in the earlier states of items."""
    changes = db.session.execute(db.select(Change.id, Change.before).where(Change.before.is_not(None))).all()
    db.session.rollback()
    files = [(row.id, file) for row in changes for file in row.before.get("data", {"files": []})["files"]]
    return {(change_id, file["sha256"]) for change_id, file in files if file["sha256"]}
