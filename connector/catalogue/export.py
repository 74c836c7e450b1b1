"""Exports of the catalogue as JSON lines or CSV. Items are read page by page, so that memory use does not grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Select

from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..storage.content_store import FileFolder
from ..storage.garbage_collection import the_folder
from .export_formats import FIXED_COLUMNS, csv_rows, json_line
from .file_rows import files_of
from .item_presentation import texts_of
from .item_record import FileRecord, ItemRecord, MetadataRecord, ValueRecord
from .related_items import named_items
from .restricted_values import open_terms
from .search import Selection, jobs_of, set_names_of

PAGE = 100


def as_jsonl(selection: Selection) -> Iterator[str]:
    """Return an iterator of JSON lines, one for each item, oldest first."""
    return map(json_line, _records(selection))


def as_csv(selection: Selection) -> Iterator[str]:
    """Return an iterator of CSV lines: a header, then a row for each item. All items are read twice.

    The first pass finds their terms, which become columns.
    """
    found = terms(selection.query(), selection.with_restricted)
    return csv_rows([*FIXED_COLUMNS, *found], _records(selection))


FORMATS: dict[str, Callable[[Selection], Iterator[str]]] = {"jsonl": as_jsonl, "csv": as_csv}


def _records(selection: Selection) -> Iterator[ItemRecord]:
    """Yield the records of the selected items."""
    for items in pages(selection.query()):
        yield from records(items, selection.with_restricted)


def pages(query: Select[CatalogueItem], size: int = PAGE) -> Iterator[list[CatalogueItem]]:
    """Yield the items of a SELECT in pages, oldest first. Before the next page, forget them and close the transaction.

    Each query starts after the last id, so that a slow reader holds no cursor open.
    """
    after = 0
    while items := list(
        db.session.scalars(query.where(CatalogueItem.id > after).order_by(CatalogueItem.id).limit(size))
    ):
        after = items[-1].id
        yield items
        db.session.expunge_all()
        db.session.rollback()


def records(items: Sequence[CatalogueItem], with_restricted: bool) -> list[ItemRecord]:
    """Return the records of items, as exports and the API contain them."""
    ids, folder = [item.id for item in items], the_folder()
    files, sets, jobs = files_of(ids), set_names_of(ids), jobs_of(ids)
    relations = named_items(ids, with_restricted)
    return [_record(item, relations, files, sets, jobs, folder, with_restricted) for item in items]


def _record(
    item: CatalogueItem, relations: Any, files: Any, sets: Any, jobs: Any, folder: FileFolder, with_restricted: bool
) -> ItemRecord:
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
        "metadata": cast(list[MetadataRecord], texts.metadata),
        "values": cast(dict[str, list[ValueRecord]], texts.values),
        "relations": relations.get(item.id, []),
        "files": [
            _file(file, folder) for file in files.get(item.id, []) if with_restricted or not file["name_is_restricted"]
        ],
        "item_sets": sets.get(item.id, []),
        "jobs": jobs.get(item.id, []),
    }


def _file(file: dict[str, Any], folder: FileFolder) -> FileRecord:
    return {
        "name": file["name"],
        "description": file["description"],
        "bundle": file["bundle"],
        "sequence": file["sequence"],
        "size": file["size"],
        "media_type": file["media_type"],
        "checksum": file["checksum"],
        "sha256": file["sha256"],
        "fate": file["status"],
        "reason": file["reason"],
        "restricted": file["content_is_restricted"] or file["name_is_restricted"],
        "outdated": file["is_outdated"],
        "path": folder.relative(file["sha256"]) if file["sha256"] else None,
    }


def terms(query: Select[CatalogueItem], with_restricted: bool) -> list[str]:
    """Return the sorted terms of the items of a SELECT."""
    found: set[str] = set()
    after = 0
    columns = query.with_only_columns(CatalogueItem.id, CatalogueItem.mapped_values).order_by(CatalogueItem.id)
    while rows := db.session.execute(columns.where(CatalogueItem.id > after).limit(PAGE)).all():
        after = rows[-1].id
        for row in rows:
            found.update(row.mapped_values if with_restricted else open_terms(row.mapped_values))
    return sorted(found)
