"""Names of sources for readers who may not see restricted items, as the source can be a single restricted item."""

from __future__ import annotations

from sqlalchemy import or_, select

from ..dspace.records import ScopeKind
from ..extensions import db
from ..i18n import gettext as _
from ..models.catalogue import CatalogueItem
from ..models.jobs import Job
from ..models.repositories import Source


def source_label(source: Source, *, with_restricted: bool) -> str:
    """Return the label of a source. The title of a single item is used only if everybody may see it (design rule 16).

    `with_restricted`: the reader may see everything. Other readers get the handle (or id) if the item is restricted or
    not in the catalogue.
    """
    if with_restricted or source.kind != ScopeKind.ITEM or _shows_title(source):
        return source.label
    return _("Item %(handle)s", handle=source.handle or source.scope_id)


def job_label(job: Job, *, with_restricted: bool) -> str:
    """Return the label of what a job works on: its source (see `source_label`), its repository, or "" for neither."""
    if job.source:
        return source_label(job.source, with_restricted=with_restricted)
    return job.repository.label if job.repository else ""


def _shows_title(source: Source) -> bool:
    names = [CatalogueItem.source_id == source.scope_id]
    if source.handle is not None:
        names.append(CatalogueItem.handle == source.handle)
    is_closed = CatalogueItem.is_restricted | CatalogueItem.title_is_restricted | CatalogueItem.is_hidden
    query = select(is_closed).where(CatalogueItem.repository_id == source.repository_id, or_(*names))
    found = db.session.scalars(query).all()  # several if items share the handle
    return bool(found) and not any(found)
