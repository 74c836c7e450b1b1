"""Rows of items: made from the data of a source, with the columns computed from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import update

from .. import json_text
from ..characters import storable
from ..dspace.records import Item
from ..extensions import db
from ..models.catalogue import ITEM
from ..word_search import fold, search_text
from . import facet_values, property_codes, relation_rows, restricted_values
from .crosswalk import CrosswalkRules, crosswalk
from .file_rows import BITSTREAM, file_rows
from .identity import source_key
from .repository_context import RepositoryContext
from .source_links import handle_link, page_link

# Columns that an undo restores. The time stamp has its own group.
SORTED_CHARACTERS = 250  # of a title
DATA = (
    *("source_key", "source_id", "handle", "handle_link", "page_link"),
    *("title", "source_metadata", "content_hash"),
)


def item_columns(repository: RepositoryContext, item: Item) -> dict[str, Any]:
    """Return the columns of an item as `save` would fill them, with mapped values."""
    row = item_row(repository, item_data(repository, item, source_key(item)), file_rows(item, {}))
    return {"repository_id": repository.id, **row}


def stored_metadata(item: Item) -> list[dict[str, Any]]:
    """Return the metadata of an item as stored: a list of dicts, one for each value."""
    return [
        {
            "field": v.field,
            "value": v.value,
            "language": v.language,
            "authority": v.authority,
            "confidence": v.confidence,
        }
        for v in item.metadata or ()
    ]


def item_data(repository: RepositoryContext, item: Item, key: str) -> dict[str, Any]:
    """Return the columns that hold the source's data of an item. `key`: its `source_key`."""
    metadata = stored_metadata(item)
    return {
        "source_key": key,
        "source_id": item.id,
        "handle": item.handle,
        "handle_link": handle_link(item.handle, metadata),
        "page_link": page_link(repository.server, item.id, item.handle),
        "title": storable(item.name),
        "source_metadata": metadata,
        "last_modified": item.last_modified,
        "is_restored": item.files_error is not None,
        "content_hash": content_hash(item, item.id, metadata),
    }


def content_hash(item: Item, id: str, metadata: list[dict[str, Any]]) -> str:
    """Return the SHA-256 of the source's data alone, so that options never make an item "updated".

    `id`: that of the item, or its handle for what was stored of it over OAI-PMH.
    """
    files = [[b.id, *(getattr(b, name) for name in BITSTREAM)] for b in item.bitstreams or ()]
    text = json_text.encode_ascii([id, item.handle, item.name, metadata, files])
    return hashlib.sha256(text.encode()).hexdigest()


def item_row(repository: RepositoryContext, data: dict[str, Any], files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the columns of an item with this data and these file rows."""
    row = {name: data[name] for name in (*DATA, "last_modified", "is_restored")}
    return row | derived_columns(repository.rules, data["title"], data["source_metadata"], files)


def derived_columns(
    rules: CrosswalkRules, title: str | None, metadata: Any, files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the columns computed from the source's data: mapped values, their rules and codes, texts and sort keys."""
    mapped = crosswalk(metadata, rules)
    is_closed = restricted_values.closes_title(metadata, title)
    names, closed_names = restricted_values.open_names(files), restricted_values.restricted_names(files)
    return {
        "title_sort": "" if is_closed else fold(title or "")[:SORTED_CHARACTERS],
        "date_sort": facet_values.sort_date(mapped),
        "mapped_values": mapped,
        "crosswalk_id": rules.id,
        "property_codes": property_codes.codes_of(mapped, files),
        "title_is_restricted": is_closed,
        "search_text": search_text(None if is_closed else title, restricted_values.open_terms(mapped), names),
        "restricted_search_text": (
            search_text(title if is_closed else None, restricted_values.restricted_terms(mapped), closed_names)
            if restricted_values.is_marked(metadata) or closed_names
            else None
        ),
    }


def write(item_id: int, values: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> None:
    """Update an item with values that include the derived ones, and store its facet values. `files`: its file rows.

    If the values include its metadata, store its relations, too.
    """
    db.session.execute(update(ITEM).where(ITEM.c.id == item_id).values(values))
    facet_values.store({item_id: facet_values.values_of(values["mapped_values"], files)})
    if "source_metadata" in values:
        relation_rows.store({item_id: values["source_metadata"]})
