"""The item set at a destination that has the items of a source. It is found again, or created."""

from __future__ import annotations

from sqlalchemy import select

from ..errors import NotFoundError, OutcomeUnknownError
from ..extensions import db, transaction
from ..http import OutageWait
from ..models.publishing import PublishedSet
from ..models.repositories import Source
from ..omeka import ItemSet, OmekaClient, literal, uri
from ..omeka.resources import IDENTIFIER, TITLE, URI
from .mapping import identifier_of


def item_set_of(client: OmekaClient, outage: OutageWait, destination_id: int, source_id: int, job_id: int) -> int:
    """Return the id of the item set of a source at a destination. Create the set if it is not there."""
    source = db.session.get_one(Source, source_id)
    mine = (PublishedSet.destination_id == destination_id, PublishedSet.source_id == source_id)
    known = db.session.scalar(select(PublishedSet.omeka_id).where(*mine))
    identifier = identifier_of(source.repository.address_key, f"{source.kind}/{source.scope_key}")
    link = (uri(URI, source.link),) if source.link else ()
    values = (literal(TITLE, source.name), literal(IDENTIFIER, identifier), *link)
    db.session.rollback()
    if known is not None and outage.retry_until_available("destination", lambda: _is_there(client, known)):
        return known

    def find() -> int | None:
        found = client.find_item_sets([identifier], {IDENTIFIER}).get(identifier, [])
        return min((item_set.id for item_set in found), default=None)

    number = outage.retry_until_available("destination", find)
    created_by = None
    if number is None:
        try:
            number = outage.retry_until_available("destination", lambda: client.create_item_set(ItemSet(values))).id
        except OutcomeUnknownError:
            number = outage.retry_until_available("destination", find)
            if number is None:
                raise
        created_by = job_id
    with transaction():
        row = db.session.scalar(select(PublishedSet).where(*mine))
        if row is None:
            row = PublishedSet(destination_id=destination_id, source_id=source_id)
            db.session.add(row)
        row.omeka_id, row.job_id = number, created_by
    return number


def _is_there(client: OmekaClient, item_set_id: int) -> bool:
    try:
        client.item_set(item_set_id)
    except NotFoundError:
        return False
    return True
