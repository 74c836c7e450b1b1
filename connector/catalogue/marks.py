"""Updates which values and file names of stored items are marked as restricted (see `restricted_values`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select, update

from ..extensions import db
from ..models.catalogue import FILE, ITEM
from . import file_rows, item_rows, restricted_values
from .repository_context import RepositoryContext
from .restricted_values import Shown


def mark(repository: RepositoryContext, shown: Mapping[int, Shown]) -> None:
    """Mark the restricted values and files of these items and unmark all others. This is no update of the items.

    `shown`: the parts that a signed-out reader sees, by item id. Values or files for which this is unknown keep their
    marks.
    """
    columns = (ITEM.c.id, ITEM.c.title, ITEM.c.source_metadata, ITEM.c.crosswalk_id)
    rows = db.session.execute(select(*columns).where(ITEM.c.id.in_(shown))).all()
    files = file_rows.files_of(list(shown)) if shown else {}
    for row in rows:
        metadata = restricted_values.mark_restricted(row.source_metadata, shown[row.id].values)
        marked = _with_marks(files.get(row.id, []), shown[row.id])
        if (metadata, marked) != (row.source_metadata, files.get(row.id, [])):
            _write_marks(row.id, marked)
            rules = repository.rules_of(row.crosswalk_id)
            derived = item_rows.derived_columns(rules, row.title, metadata, marked)
            item_rows.write(row.id, {"source_metadata": metadata} | derived, marked)


def _with_marks(files: Iterable[Mapping[str, Any]], shown: Shown) -> list[dict[str, Any]]:
    """Return the file rows with updated marks."""
    if shown.files is None:
        return [dict(file) for file in files]
    return [{**file, "name_is_restricted": file["bitstream_id"] not in shown.files} for file in files]


def _write_marks(item_id: int, files: Iterable[Mapping[str, Any]]) -> None:
    closed = [file["bitstream_id"] for file in files if file["name_is_restricted"]]
    values = {"name_is_restricted": FILE.c.bitstream_id.in_(closed)}
    db.session.execute(update(FILE).where(FILE.c.item_id == item_id).values(values))
