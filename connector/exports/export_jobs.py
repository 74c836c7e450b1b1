"""Use case: queue the export of items."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, insert, literal, select

from ..accounts import names
from ..actor import current_actor
from ..catalogue.search import Selection
from ..errors import InvalidInputError
from ..extensions import count_rows, db, transaction
from ..formatting import item_count
from ..i18n import gettext as _
from ..jobs import creation
from ..models.catalogue import HOLDING, ITEM, CatalogueItem
from ..models.exports import ExportItem
from .export_kind import EXPORT, ExportOptions
from .formats import FORMATS


def of_source(source_id: int, *, with_restricted: bool) -> Select[int]:
    """Return a SELECT of the ids of the items that a source holds and that a list shows to this reader."""
    held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == source_id, HOLDING.c.left_at.is_(None))
    return Selection(with_restricted=with_restricted).query(CatalogueItem.id).where(CatalogueItem.id.in_(held))


def create(item_ids: Select[Any], options: ExportOptions) -> int:
    """Queue the export of these items and return the id of the job. Each person has one running export at a time.

    Raise InvalidInputError if there are no items.
    """
    chosen = select(ITEM.c.id).where(ITEM.c.id.in_(item_ids))
    if not options.restricted:
        chosen = chosen.where(ITEM.c.is_restricted.is_(False))
    with transaction():
        number = count_rows(chosen.subquery())
        if not number:
            raise InvalidInputError(_("There are no items to export."))
        comment = _("%(format)s: %(items)s", format=FORMATS[options.format].label, items=item_count(number))
        job_id = creation.add_without_source(
            EXPORT.name, options, comment, comment=comment, expected=number, resource=_resource()
        )
        rows = chosen.add_columns(literal(job_id))
        db.session.execute(insert(ExportItem).from_select(["item_id", "job_id"], rows))
    return job_id


def _resource() -> str:
    return f"export:{names.key_of(current_actor())}"
