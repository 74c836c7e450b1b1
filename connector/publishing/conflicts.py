"""Conflicts: what both sides changed. A person chooses whose values stay, and a publishing job carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.orm import joinedload

from ..errors import ConflictError
from ..extensions import count_rows, db, execute_counted, transaction
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.catalogue import CatalogueItem
from ..models.publishing import CONFLICT, PUBLISHED_ITEM, Choice, PublishedItem, PublishingConflict
from ..omeka.resources import Value
from . import destinations, publish_jobs
from .mapping import local_name, name_of
from .resource_groups import CLASS, ITEM_SETS, SITES, TEMPLATE, VISIBILITY, groups_of
from .stored_items import group_from_json, sent_of

MEMBER_NAMES: Mapping[str, str] = {
    VISIBILITY: _l("visibility"),
    CLASS: _l("class"),
    TEMPLATE: _l("template"),
    ITEM_SETS: _l("item sets"),
    SITES: _l("sites"),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """One part of an item that differs, in words. `url`: the page of the item at the destination.

    `was_sent`: whether we sent the part before, so both sides have changed it. It is False after an adoption. `choice`:
    what a job will carry out, or None.
    """

    id: int
    item: CatalogueItem
    url: str
    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    choice: str | None
    was_sent: bool


def query(destination_id: int) -> Select[PublishingConflict]:
    """Return a SELECT of the conflicts at a destination whose items are in the catalogue."""
    mine = select(PublishingConflict).where(_is_at(destination_id))
    return mine.options(joinedload(PublishingConflict.published_item).joinedload(PublishedItem.destination))


def in_words(row: PublishingConflict) -> Conflict:
    """Return a conflict as pages show it."""
    published = row.published_item
    return Conflict(
        row.id,
        db.session.get_one(CatalogueItem, published.item_id),
        f"{published.destination.site_url}/admin/item/{published.omeka_id}",
        part_name(row.name),
        _part_in_words(row.name, row.ours),
        _part_in_words(row.name, row.theirs),
        row.choice,
        _was_sent(published, row.name),
    )


def _was_sent(published: PublishedItem, name: str) -> bool:
    sent = sent_of(published.wanted, published.accepted)
    return sent is not None and (name in groups_of(sent.wanted) or name in groups_of(sent.accepted))


def part_name(name: str) -> str:
    """Return the name of a part of an item in words."""
    return str(MEMBER_NAMES[name]) if name in MEMBER_NAMES else name_of(name)


def count(destination_id: int) -> int:
    """Return how many conflicts at a destination wait for a choice."""
    return count_rows(CONFLICT, *_waiting(destination_id))


def has_any(destination_id: int) -> bool:
    """Return whether a conflict at a destination waits for a choice. This is faster than to count them."""
    return bool(db.session.scalar(select(exists().where(*_waiting(destination_id)))))


def newest(destination_id: int) -> int:
    """Return the highest id of the conflicts at a destination, or 0."""
    ids = select(CONFLICT.c.id).where(_is_at(destination_id)).order_by(CONFLICT.c.id.desc())
    return db.session.scalar(ids.limit(1)) or 0


def choose(destination_id: int, choice: Choice, conflict_id: int) -> list[int]:
    """Store a choice for one conflict, and return the ids of the jobs that carry it out.

    Raise ConflictError if the values have changed, because another row then has them.
    """
    return _choose(destination_id, choice, CONFLICT.c.id == conflict_id)


def choose_all(destination_id: int, choice: Choice, newest_seen: int) -> list[int]:
    """Store a choice for all conflicts without one, as `choose`. `newest_seen`: the highest id that the person saw."""
    return _choose(destination_id, choice, (CONFLICT.c.id <= newest_seen) & CONFLICT.c.choice.is_(None))


def _choose(destination_id: int, choice: Choice, which: ColumnElement[bool]) -> list[int]:
    with transaction():
        destinations.get(destination_id)
        chosen = update(CONFLICT).where(_is_at(destination_id), which).values(choice=choice.value)
        if not execute_counted(chosen):
            raise ConflictError(_("The values have changed since. Look at the conflicts again."))
    has_choice = select(CONFLICT.c.published_item_id).where(CONFLICT.c.choice.is_not(None))
    items = select(PUBLISHED_ITEM.c.item_id).where(*_held(destination_id), PUBLISHED_ITEM.c.id.in_(has_choice))
    return publish_jobs.create_for(items, destination_id, comment=_("Choices for conflicts"))


def _waiting(destination_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a conflict at a destination waits for a choice."""
    return _is_at(destination_id), CONFLICT.c.choice.is_(None)


def _is_at(destination_id: int) -> ColumnElement[bool]:
    """Return the condition that a conflict is at a destination, of an item that is in the catalogue."""
    return exists().where(PUBLISHED_ITEM.c.id == CONFLICT.c.published_item_id, *_held(destination_id))


def _held(destination_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a published item is at a destination and in the catalogue."""
    return PUBLISHED_ITEM.c.destination_id == destination_id, PUBLISHED_ITEM.c.item_id.is_not(None)


def _part_in_words(name: str, stored: Any) -> tuple[str, ...]:
    part = group_from_json(stored)
    if name == VISIBILITY:
        return (_("Public") if part else _("Private"),)
    if name == CLASS:
        return (local_name(part),) if part else ()
    if name == TEMPLATE:
        return (str(part),) if part else ()
    return tuple(map(_value_in_words, part))


def _value_in_words(value: Value) -> str:
    if value.resource_id is not None:
        return _("Resource %(id)s", id=value.resource_id)
    text = value.text if value.text is not None else value.label or value.uri or ""
    if value.uri and value.label:
        text = f"{value.label} ({value.uri})"
    return " ".join([text, *(f"({note})" for note in _notes_on(value))])


def _notes_on(value: Value) -> list[str]:
    """Return notes on what a choice against this value would lose besides its text."""
    notes = [value.language] if value.language else []
    notes += [] if value.is_public else [_("private")]
    return notes + ([_("with annotations")] if value.extra else [])
