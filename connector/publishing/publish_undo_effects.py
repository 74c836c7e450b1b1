"""Counts the effects of the undo of a publishing job, or of a deletion of items, for the confirmation pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from ..errors import ConnectorError
from ..extensions import count_rows, db
from ..jobs import counters
from ..models.jobs import JOB, Job, State
from ..models.publishing import PUBLISHED_CHANGE, PUBLISHED_FILE, PUBLISHED_ITEM, PUBLISHED_SET, Destination
from ..omeka.resources import Item
from . import destinations, file_uploads
from .destination_connections import connected_to
from .edits_since import has_edited_media, is_edited
from .job_kind import LASTING
from .publish_options import DestinationOptions
from .stored_items import sent_of
from .withdrawal_jobs import of_items

MOST_COMPARED = 300  # items that a page compares with the site; each hundred takes about half a second


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers of items to delete, of changed items, of files uploaded to other items, and of item sets.

    `lasting`: changed items that cannot be restored (see `old_changes`).
    """

    items: int
    changed: int
    files: int
    item_sets: int
    lasting: int


@dataclass(frozen=True, slots=True)
class Edited:
    """An item that somebody edited since. `url`: its page for people who work at the site."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The items of a job that were edited since, of the first `compared`. `error`: why they could not be compared."""

    edited: tuple[Edited, ...] = ()
    compared: int = 0
    error: str = ""


def counted(job_id: int) -> Counted:
    """Return what the job left at the destination, in numbers."""
    created = (PUBLISHED_ITEM.c.created_by_job_id == job_id, PUBLISHED_ITEM.c.omeka_id.is_not(None))
    files = PUBLISHED_FILE.join(PUBLISHED_ITEM, PUBLISHED_ITEM.c.id == PUBLISHED_FILE.c.published_item_id)
    elsewhere = PUBLISHED_ITEM.c.created_by_job_id.is_distinct_from(job_id)
    return Counted(
        count_rows(PUBLISHED_ITEM, *created),
        count_rows(PUBLISHED_CHANGE, PUBLISHED_CHANGE.c.job_id == job_id),
        count_rows(files, PUBLISHED_FILE.c.job_id == job_id, elsewhere),
        count_rows(PUBLISHED_SET, PUBLISHED_SET.c.job_id == job_id),
        counters.value(job_id, LASTING),
    )


def compared(job: Job) -> Comparison:
    """Return which of the items that the job created were edited in Omeka S later. The site is asked."""
    return _compared(
        destinations.get(DestinationOptions.of(job).destination), PUBLISHED_ITEM.c.created_by_job_id == job.id
    )


def compared_items(destination: Destination, item_ids: Select[Any] | None) -> Comparison:
    """Return which of these items were edited at a destination since. The site is asked.

    `item_ids`: None for the items that have left the catalogue.
    """
    return _compared(destination, of_items(item_ids))


def _compared(destination: Destination, which: ColumnElement[bool]) -> Comparison:
    query = select(PUBLISHED_ITEM.c.id, PUBLISHED_ITEM.c.omeka_id, PUBLISHED_ITEM.c.wanted, PUBLISHED_ITEM.c.accepted)
    query = query.where(
        PUBLISHED_ITEM.c.destination_id == destination.id, PUBLISHED_ITEM.c.omeka_id.is_not(None), which
    )
    rows = db.session.execute(query.order_by(PUBLISHED_ITEM.c.id).limit(MOST_COMPARED)).all()
    files, site = file_uploads.known([row.id for row in rows]), destination.site_url
    try:
        with connected_to(destination) as connection:
            items = connection.client.items([row.omeka_id for row in rows])
    except ConnectorError as error:
        return Comparison(error=error.in_short)
    edited = tuple(
        Edited(item.title or str(item.id), f"{site}/admin/item/{item.id}")
        for row in rows
        if (item := items.get(row.omeka_id)) and _is_edited(item, row, files.get(row.id, {}))
    )
    return Comparison(edited, len(rows))


def _is_edited(item: Item, row: Any, files: Mapping[int, int | None]) -> bool:
    return is_edited(item, sent_of(row.wanted, row.accepted)) or has_edited_media(item, files)


def sets_made_by(job_id: int, destination_id: int) -> Any:
    """Return the SQL condition on item sets made by this job, or by a job that is undone."""
    undone = select(JOB.c.undoes_id).where(JOB.c.undoes_id.is_not(None), JOB.c.state == State.COMPLETED)
    return (PUBLISHED_SET.c.destination_id == destination_id) & (
        (PUBLISHED_SET.c.job_id == job_id) | PUBLISHED_SET.c.job_id.in_(undone)
    )
