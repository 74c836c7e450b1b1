"""Exports of the catalogue as JSON lines or CSV. Items are read page by page, so that memory use does not grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import select

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..storage.content_store import FileFolder
from ..storage.garbage_collection import the_folder
from .export_formats import FIXED_COLUMNS, csv_rows, json_line
from .file_rows import files_of
from .item_presentation import texts_of
from .restricted_values import open_terms
from .search import Selection, jobs_of, set_names_of

PAGE = 100
FILE_FIELDS = (
    "name",
    "description",
    "bundle",
    "sequence",
    "size",
    "media_type",
    "checksum",
    "sha256",
)


def as_jsonl(selection: Selection) -> Iterator[str]:
    """Return an iterator of JSON lines, one for each item, oldest first."""
    return (json_line(record) for record in records(selection))


def as_csv(selection: Selection) -> Iterator[str]:
    """Return an iterator of CSV lines: a header, then a row for each item. All items are read twice.

    The first pass finds their terms, which become columns.
    """
    return csv_rows([*FIXED_COLUMNS, *_terms(selection)], records(selection))


FORMATS: dict[str, Callable[[Selection], Iterator[str]]] = {"jsonl": as_jsonl, "csv": as_csv}


def records(selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield the selected items, each as the dict of a JSON line (see `export_formats`)."""
    folder, with_restricted = the_folder(), selection.with_restricted
    for items in _pages(selection):
        ids = [item.id for item in items]
        files, sets, jobs = files_of(ids), set_names_of(ids), jobs_of(ids)
        yield from [_record(item, files, sets, jobs, folder, with_restricted) for item in items]
        db.session.expunge_all()
        db.session.rollback()


def _pages(selection: Selection) -> Iterator[list[CatalogueItem]]:
    """Yield pages of items. Each query starts after the last id, so that a slow reader holds no cursor open."""
    after = 0
    while True:
        query = selection.query().where(CatalogueItem.id > after).order_by(CatalogueItem.id).limit(PAGE)
        items = list(db.session.scalars(query))
        if not items:
            return
        after = items[-1].id
        yield items


def _record(
    item: CatalogueItem, files: Any, sets: Any, jobs: Any, folder: FileFolder, with_restricted: bool
) -> dict[str, Any]:
    texts = texts_of(item, with_restricted)
    return {
        "id": item.id,
        "repository": item.repository.site_url,
        "source_id": item.source_id,
        "handle": item.handle,
        "link": item.link,
        "handle_link": item.handle_link,
        "page_link": item.page_link,
        "title": texts.title,
        "source_state": item.source_state,
        "restricted": item.is_restricted,
        "last_modified": item.last_modified,
        "metadata": texts.metadata,
        "values": texts.values,
        "files": [
            _file(file, folder) for file in files.get(item.id, []) if with_restricted or not file["name_is_restricted"]
        ],
        "item_sets": sets.get(item.id, []),
        "jobs": jobs.get(item.id, []),
    }


def _file(file: dict[str, Any], folder: FileFolder) -> dict[str, Any]:
    path = folder.relative(file["sha256"]) if file["sha256"] else None
    return {name: file[name] for name in FILE_FIELDS} | {
        "fate": file["status"],
        "reason": file["reason"],
        "restricted": file["content_is_restricted"] or file["name_is_restricted"],
        "outdated": file["is_outdated"],
        "path": path,
    }


def _terms(selection: Selection) -> list[str]:
    """Return the sorted terms of the selected items."""
    terms: set[str] = set()
    after = 0
    while True:
        query = select(CatalogueItem.id, CatalogueItem.mapped_values).where(*selection.conditions())
        rows = db.session.execute(query.where(CatalogueItem.id > after).order_by(CatalogueItem.id).limit(PAGE)).all()
        if not rows:
            return sorted(terms)
        after = rows[-1].id
        for row in rows:
            terms.update(row.mapped_values if selection.with_restricted else open_terms(row.mapped_values))
