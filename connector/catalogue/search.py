"""Selection of items by words, item set, repository and job, for pages and exports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, exists, select

from ..errors import InvalidInputError
from ..extensions import db
from ..i18n import gettext as _
from ..models.catalogue import CatalogueItem, Holding, ItemSet, Membership
from ..models.changes import Action, Change
from ..row_ids import row_id
from ..storage import search_index
from ..word_search import like_patterns, searched_strings
from .set_names import labels

SHORT = 1000  # items


@dataclass(frozen=True, slots=True)
class Selection:
    """Criteria for items; None means any. `job_id`: items that this job added or updated. Hidden items only if wanted.

    `with_restricted`: also include restricted items and values. Raise InvalidInputError if the search is too long.
    """

    words: str = ""
    item_set_id: int | None = None
    repository_id: int | None = None
    job_id: int | None = None
    with_hidden: bool = False
    with_restricted: bool = True

    def __post_init__(self) -> None:
        searched_strings(self.words)

    def conditions(self) -> list[Any]:
        """Return SQL conditions on CatalogueItem."""
        found = [self._has(pattern) for pattern in like_patterns(self.words)]
        if not self.with_hidden:
            found.append(CatalogueItem.is_hidden.is_(False))
        if not self.with_restricted:
            found.append(CatalogueItem.is_restricted.is_(False))
        if self.repository_id is not None:
            found.append(CatalogueItem.repository_id == self.repository_id)
        # No correlated EXISTS: SQLite would read all changes of the job again for each item.
        return found + [_is_among(listed) for _, listed in self._lists()]

    def _lists(self) -> Iterator[tuple[str, Select[Any]]]:
        """Yield (attribute, SELECT of item ids) for the selected item set and job."""
        if self.item_set_id is not None:
            yield "item_set_id", select(Membership.item_id).where(Membership.item_set_id == self.item_set_id)
        if self.job_id is not None:
            done = Change.action.in_((Action.ADDED, Action.UPDATED))
            changed = select(Change.item_id).where(Change.job_id == self.job_id, done, Change.item_id.is_not(None))
            yield "job_id", changed

    def ids(self) -> Select[Any]:
        """Return a SELECT of the ids of the selected items.

        It follows the index of the item set, job or words, so that the database reads no more rows than a page shows.
        """
        lists = list(self._lists())
        with_words = search_index.candidates(searched_strings(self.words))
        if with_words is not None and not any(_is_short(listed) for _, listed in lists):
            [column] = with_words.selected_columns
            others = replace(self, item_set_id=None, job_id=None).conditions()
            within = [listed.where(listed.selected_columns[0] == column).exists() for _, listed in lists]
            return with_words.where(exists().where(CatalogueItem.id == column, *others), *within)
        for name, listed in lists:
            [column] = listed.selected_columns
            without: dict[str, Any] = {name: None}
            others = replace(self, **without).conditions()
            return listed.where(exists().where(CatalogueItem.id == column, *others)).distinct()
        return self.query(CatalogueItem.id)

    def _has(self, pattern: str) -> Any:
        """Return the condition that an item matches a pattern, which fits at most one line of a search text."""
        is_open = CatalogueItem.search_text.like(pattern, escape="\\")
        if not self.with_restricted:
            return is_open
        return is_open | CatalogueItem.restricted_search_text.like(pattern, escape="\\")

    def query(self, *columns: Any) -> Select[Any]:
        """Return a SELECT of these columns (by default whole items) of the selected items."""
        return select(*(columns or (CatalogueItem,))).where(*self.conditions())


def _is_short(listed: Select[Any]) -> bool:
    """Return whether the list has so few items that checking the words of each one is faster than the word index."""
    return len(db.session.scalars(listed.limit(SHORT + 1)).all()) <= SHORT


def _is_among(item_ids: Select[Any]) -> Any:
    """Return the condition that an item is one of these.

    The sum keeps SQLite from reading the wide row of each item. It reads the narrow index `ix_item_listed` instead.
    """
    return (CatalogueItem.id + 0).in_(item_ids)


def item_set_named(text: str) -> int:
    """Return the id of the item set with this name or number. Raise InvalidInputError if there is none or several."""
    ids = db.session.scalars(select(ItemSet.id).where(ItemSet.name == text)).all()
    if not ids:
        with suppress(ValueError):  # not a number
            ids = db.session.scalars(select(ItemSet.id).where(ItemSet.id == row_id(text))).all()
    if not ids:
        raise InvalidInputError(_("“%(text)s” names no item set.", text=text), "item_set")
    if len(ids) > 1:
        raise InvalidInputError(_("“%(text)s” names more than one item set.", text=text), "item_set")
    return ids[0]


def jobs_of(item_ids: list[int]) -> dict[int, list[int]]:
    """Return the jobs that added or updated each of these items, oldest first."""
    done = Change.action.in_((Action.ADDED, Action.UPDATED))
    query = select(Change.item_id, Change.job_id).where(Change.item_id.in_(item_ids), done)
    return _grouped(query.order_by(Change.job_id))


def set_names_of(item_ids: list[int]) -> dict[int, list[str]]:
    """Return the names of the item sets of each of these items (see `set_names`), by item id."""
    query = select(Membership.item_id, ItemSet.id).join(ItemSet, ItemSet.id == Membership.item_set_id)
    query = query.where(Membership.item_id.in_(item_ids)).distinct().add_columns(ItemSet.name)
    found = db.session.execute(query.order_by(ItemSet.name, ItemSet.id)).all()
    sets = select(ItemSet.id, ItemSet.name, ItemSet.origin).where(ItemSet.id.in_({row.id for row in found}))
    names = labels(db.session.execute(sets))
    groups: dict[int, list[str]] = {}
    for row in found:
        groups.setdefault(row.item_id, []).append(names[row.id])
    return groups


def brought_by(item_id: int) -> list[int]:
    """Return the jobs that first found this item in each source, oldest first."""
    return list(
        db.session.scalars(
            select(Holding.created_by_job_id).where(Holding.item_id == item_id).order_by(Holding.created_by_job_id)
        )
    )


def _grouped(query: Select[*tuple[Any, ...]]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for key, value in db.session.execute(query):
        groups.setdefault(key, []).append(value)
    return groups
