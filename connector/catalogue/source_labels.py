"""The names of sources, for people who may not see what only a login shows: a single item may be restricted."""

from __future__ import annotations

from sqlalchemy import or_, select

from ..dspace.records import ScopeKind
from ..extensions import db
from ..models.catalogue import CatalogueItem
from ..models.repositories import Source


def source_label(source: Source, *, with_restricted: bool) -> str:
    """Return the label of a source. Of a single item it is the title only if everybody may see that (design rule 16).

    `with_restricted`: for a person who may see all. Others get the handle (or id) of an item that is not in the
    catalogue, or is restricted there.
    """
    if with_restricted or source.kind != ScopeKind.ITEM or _shows_title(source):
        return source.label
    return f"Item {source.handle or source.scope_id}"


def _shows_title(source: Source) -> bool:
    names = or_(CatalogueItem.source_id == source.scope_id, CatalogueItem.handle == source.handle)
    query = select(CatalogueItem.id).where(CatalogueItem.repository_id == source.repository_id, names)
    is_open = ~CatalogueItem.by_login, ~CatalogueItem.title_is_restricted, ~CatalogueItem.is_hidden
    return db.session.scalar(query.where(*is_open).limit(1)) is not None
