"""Use cases: queue jobs that make published items private at a destination, or that delete them there.

`item_ids` is a SELECT of items of the catalogue. It is None for all items that have left the catalogue since, for
example by a takedown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, literal, select

from ..errors import InvalidInputError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..jobs import creation
from ..models.catalogue import ITEM, CatalogueItem
from ..models.job_kinds import JobKind
from ..models.jobs import JOB
from ..models.publishing import PUBLISHED_ITEM, WITHDRAWAL_SELECTION, Destination
from ..models.repositories import SOURCE, Source
from . import destinations, publish_jobs
from .publish_options import WithdrawalOptions
from .row_work import MAY_BE_IN_OMEKA

# The job that last looked at an item, or else the one that began to create it, tells the source of the item.
_JOB_ID = func.coalesce(PUBLISHED_ITEM.c.job_id, PUBLISHED_ITEM.c.created_by_job_id)
# If that job was deleted, it is the first source of the repository, or else the first source of all.
_FIRST = select(func.min(SOURCE.c.id)).scalar_subquery()
_OF_REPOSITORY = select(func.min(SOURCE.c.id)).join(ITEM, ITEM.c.repository_id == SOURCE.c.repository_id)


@dataclass(frozen=True, slots=True)
class Holder:
    """A destination that has some items, with their number."""

    destination: Destination
    items: int


def holders(item_ids: Select[Any] | None) -> list[Holder]:
    """Return the destinations that have some of these items, by name."""
    count = func.count().label("items")
    held = select(PUBLISHED_ITEM.c.destination_id, count).where(of_items(item_ids), MAY_BE_IN_OMEKA)
    numbers = {
        row.destination_id: row.items for row in db.session.execute(held.group_by(PUBLISHED_ITEM.c.destination_id))
    }
    return [Holder(one, numbers[one.id]) for one in destinations.every() if one.id in numbers]


def items_at(destination_id: int, item_ids: Select[Any]) -> Select[CatalogueItem]:
    """Return a SELECT of those of the items that are at a destination, in the order of their ids."""
    there = select(PUBLISHED_ITEM.c.item_id).where(*_which(destination_id, item_ids))
    return select(CatalogueItem).where(CatalogueItem.id.in_(there)).order_by(CatalogueItem.id)


def left_at(destination_id: int, most: int) -> list[int]:
    """Return the ids at a destination of the first items there that have left the catalogue."""
    ids = select(PUBLISHED_ITEM.c.omeka_id).where(*_which(destination_id, None), PUBLISHED_ITEM.c.omeka_id.is_not(None))
    return list(db.session.scalars(ids.order_by(PUBLISHED_ITEM.c.omeka_id).limit(most)))


def create(
    item_ids: Select[Any] | None, destination_id: int, kind: JobKind, *, deletes_edited: bool = False
) -> list[int]:
    """Queue the withdrawal of items and return the ids of the jobs, one for each source.

    `kind`: MAKE_PRIVATE or DELETE_PUBLISHED. Raise InvalidInputError if the destination has none of the items.
    """
    with transaction():
        job_ids = queue(item_ids, destination_id, kind, deletes_edited=deletes_edited)
        if not job_ids:
            raise InvalidInputError(_("None of these items is in Omeka S."))
        return job_ids


def queue(
    item_ids: Select[Any] | None, destination_id: int, kind: JobKind, *, deletes_edited: bool = False
) -> list[int]:
    """Do the same as `create`, in the caller's transaction. Return no ids if the destination has none of the items."""
    destination = destinations.get(destination_id)
    rows = select(PUBLISHED_ITEM.c.id).outerjoin(JOB, JOB.c.id == _JOB_ID).where(*_which(destination_id, item_ids))
    first = _OF_REPOSITORY.where(ITEM.c.id == PUBLISHED_ITEM.c.item_id).scalar_subquery()
    source_id = func.coalesce(JOB.c.source_id, first, _FIRST)
    sources = sorted(db.session.scalars(rows.with_only_columns(source_id).distinct()))
    return [_queued(kind, one, destination, rows.where(source_id == one), deletes_edited) for one in sources]


def _queued(
    kind: JobKind, source_id: int, destination: Destination, published_ids: Select[Any], deletes_edited: bool
) -> int:
    """Queue a job of one source, or add the items to one that no worker has claimed yet. Return its id."""
    source = db.session.get_one(Source, source_id)
    creation.lock_repository(source.repository_id)
    options = WithdrawalOptions(destination.id, edited=deletes_edited)
    job_id = publish_jobs.same(kind, source_id, destination, options.__eq__, *publish_jobs.IS_UNCLAIMED)
    if job_id is None:
        job_id = publish_jobs.add(kind, source, destination, options)
    known = select(WITHDRAWAL_SELECTION.c.published_item_id).where(WITHDRAWAL_SELECTION.c.job_id == job_id)
    new = published_ids.where(PUBLISHED_ITEM.c.id.not_in(known)).add_columns(literal(job_id))
    db.session.execute(insert(WITHDRAWAL_SELECTION).from_select(["published_item_id", "job_id"], new))
    return job_id


def of_items(item_ids: Select[Any] | None) -> ColumnElement[bool]:
    """Return the SQL condition on published items that are these items."""
    return PUBLISHED_ITEM.c.item_id.is_(None) if item_ids is None else PUBLISHED_ITEM.c.item_id.in_(item_ids)


def _which(destination_id: int, item_ids: Select[Any] | None) -> tuple[Any, ...]:
    return PUBLISHED_ITEM.c.destination_id == destination_id, of_items(item_ids), MAY_BE_IN_OMEKA
