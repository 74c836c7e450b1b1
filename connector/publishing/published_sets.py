"""The item set at a destination that has the items of a source: the chosen one, or one with the name of the source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from ..errors import InvalidInputError, NotFoundError, OutcomeUnknownError
from ..extensions import db, execute_counted, transaction, utcnow
from ..i18n import gettext as _
from ..jobs.attempt import JobAttempt
from ..models.publishing import ItemSetChoice, PublishedSet
from ..models.repositories import Source
from ..omeka.resources import IDENTIFIER, TITLE, URI, ItemSet, literal, uri
from .attempt_connections import wait_for_requests
from .destination_connections import DestinationConnection
from .mapping import identifier_of


@dataclass(frozen=True, slots=True)
class _OwnSet:
    """The item set with the name of a source. `known_id`: its id there, if we know it.

    `begun_at`: when a job that did not know the answer began to create it, in UTC. `begun_by`: that job.
    """

    identifier: str
    data: ItemSet
    known_id: int | None = None
    begun_at: datetime | None = None
    begun_by: int | None = None


class ItemSets:
    """The item sets at one destination."""

    def __init__(self, connection: DestinationConnection, destination_id: int):
        self._client, self._asked, self._destination_id = connection.client, connection.asked, destination_id

    def expected(self, source_id: int) -> frozenset[int]:
        """Return the ids of the item sets for the items of a source. Nothing is created."""
        if (chosen := self._chosen_sets(source_id)) is not None:
            return chosen
        own = self._own(source_id)
        number = own.known_id if self._is_there(own.known_id) else self._find_id(own)
        return frozenset() if number is None else frozenset({number})

    def ensured(self, source_id: int, attempt: JobAttempt) -> frozenset[int]:
        """Return the ids of the item sets for the items of a source. Create the set of the source if it is missing.

        Raise InvalidInputError if the chosen set is no longer there.
        """
        if (chosen := self._chosen_sets(source_id)) is not None:
            return chosen
        own = self._own(source_id)
        if own.known_id is not None and self._is_there(own.known_id):
            return frozenset({own.known_id})
        number, job_id = self._answered_id(own, attempt), own.begun_by
        if number is None:
            job_id = attempt.job_id
            self._save(attempt, source_id, sending_since=utcnow(), omeka_id=None, job_id=job_id)
            number = self._created(own)
        self._save(attempt, source_id, sending_since=None, omeka_id=number, job_id=job_id)
        return frozenset({number})

    def settle(self, source_id: int, attempt: JobAttempt) -> None:
        """Find out whether the item set of a source is there, whose creation was not answered."""
        own = self._own(source_id)
        number = self._answered_id(own, attempt)
        self._save(attempt, source_id, sending_since=None, omeka_id=number, job_id=own.begun_by)

    def _answered_id(self, own: _OwnSet, attempt: JobAttempt) -> int | None:
        """Return the id of the set, or None if it is not there when the site must have ended the earlier request."""
        number = self._find_id(own)
        if number is not None or own.begun_at is None:
            return number
        wait_for_requests(attempt, own.begun_at)
        return self._find_id(own)

    def _chosen_sets(self, source_id: int) -> frozenset[int] | None:
        """Return the ids of the sets that a person chose, or None without a choice."""
        row = db.session.get(ItemSetChoice, (self._destination_id, source_id))
        number = row.omeka_id if row else None
        db.session.rollback()
        if row is None or number is None:
            return None if row is None else frozenset()
        if not self._is_there(number):
            raise InvalidInputError(
                _("The item set that was chosen for this source is no longer in Omeka S. Choose another one.")
            )
        return frozenset({number})

    def _own(self, source_id: int) -> _OwnSet:
        source = db.session.get_one(Source, source_id)
        row = db.session.scalar(select(PublishedSet).where(*self._rows_of(source_id)))
        begun_by = row.job_id if row and row.sending_since else None
        known = (row.omeka_id, row.sending_since, begun_by) if row else ()
        identifier = identifier_of(source.repository.address_key, f"{source.kind}/{source.scope_key}")
        link = (uri(URI, source.link),) if source.link else ()
        data = ItemSet((literal(TITLE, source.name), literal(IDENTIFIER, identifier), *link))
        db.session.rollback()
        return _OwnSet(identifier, data, *known)

    def _is_there(self, number: int | None) -> bool:
        def read() -> bool:
            try:
                self._client.item_set(number or 0)
            except NotFoundError:
                return False
            return True

        return number is not None and self._asked(read)

    def _find_id(self, own: _OwnSet) -> int | None:
        """Return the id of the set that has the identifier of the source, or None."""

        def find() -> int | None:
            found = self._client.find_item_sets([own.identifier], {IDENTIFIER}).get(own.identifier, [])
            return min((item_set.id for item_set in found), default=None)

        return self._asked(find)

    def _created(self, own: _OwnSet) -> int:
        try:
            return self._asked(lambda: self._client.create_item_set(own.data)).id
        except OutcomeUnknownError:
            if (number := self._find_id(own)) is None:
                raise
            return number

    def _save(self, attempt: JobAttempt, source_id: int, **values: Any) -> None:
        with transaction():
            attempt.advance()
            if not execute_counted(update(PublishedSet).where(*self._rows_of(source_id)).values(values)):
                db.session.add(PublishedSet(destination_id=self._destination_id, source_id=source_id, **values))

    def _rows_of(self, source_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return PublishedSet.destination_id == self._destination_id, PublishedSet.source_id == source_id
