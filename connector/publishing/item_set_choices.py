"""Use cases: choose the item set at a destination that gets the items of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..accounts import audit
from ..errors import InvalidInputError, NotFoundError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..models.publishing import ItemSetChoice
from ..models.repositories import Source
from ..omeka.resources import ItemSet
from ..repositories import service
from . import destinations
from .destination_connections import connected_to

MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Matches:
    """Item sets whose title contains the words of a search: the first ones by title, and the number of all."""

    shown: Sequence[ItemSet]
    total: int


def get(destination_id: int, source_id: int) -> ItemSetChoice | None:
    """Return what a person chose for a source at a destination, or None without a choice.

    Raise NotFoundError if there is no such destination or source.
    """
    destinations.get(destination_id)
    service.get_source(source_id)
    return db.session.get(ItemSetChoice, (destination_id, source_id))


def matches(destination_id: int, words: str) -> Matches:
    """Return the item sets at a destination whose title contains these words, ignoring case. The site is asked."""
    with connected_to(destinations.get(destination_id)) as connection:
        item_sets = connection.client.item_sets()
    wanted = words.strip().casefold()
    found = [one for one in item_sets if wanted in (one.title or "").casefold()]
    found.sort(key=lambda one: ((one.title or "").casefold(), one.id))
    return Matches(found[:MOST_LISTED], len(found))


def choose_own(destination_id: int, source_id: int) -> None:
    """Put the items of a source into an item set with the name of the source."""
    with transaction():
        if (known := get(destination_id, source_id)) is not None:
            db.session.delete(known)
            _note(destination_id, source_id, "")


def choose_none(destination_id: int, source_id: int) -> None:
    """Put the items of a source into no item set."""
    _save(destination_id, source_id, None, None)


def choose(destination_id: int, source_id: int, omeka_id: int) -> None:
    """Put the items of a source into this item set. Raise InvalidInputError if it is not at the destination."""
    get(destination_id, source_id)
    with connected_to(destinations.get(destination_id)) as connection:
        try:
            item_set = connection.client.item_set(omeka_id)
        except NotFoundError as error:
            raise InvalidInputError(_("This item set is no longer in Omeka S. Choose another one.")) from error
    _save(destination_id, source_id, omeka_id, item_set.title or str(omeka_id))


def _save(destination_id: int, source_id: int, omeka_id: int | None, title: str | None) -> None:
    with transaction():
        row = get(destination_id, source_id)
        if row is None:
            row = ItemSetChoice(destination_id=destination_id, source_id=source_id)
            db.session.add(row)
        row.omeka_id, row.title = omeka_id, title
        _note(destination_id, source_id, title or "")


def _note(destination_id: int, source_id: int, title: str) -> None:
    name = destinations.get(destination_id).name
    audit.note("item set chosen", name, source=db.session.get_one(Source, source_id).name, item_set=title)
