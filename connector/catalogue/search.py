"""Selection of items by words, item set, repository and job, for pages and exports."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from ..dspace.records import SourceState
from ..errors import InvalidInputError
from ..extensions import db
from ..i18n import gettext as _
from ..models.catalogue import CatalogueItem, Holding, ItemSet, Membership
from ..models.changes import Action, Change
from ..models.item_facets import Facet, ItemFacet
from ..row_ids import row_id
from ..storage import search_index
from ..word_search import Term, escape_like, search_terms
from .facet_values import KINDS, is_date, value_id
from .item_set_queries import labels
from .property_codes import has_files
from .property_search import MOST_ROWS, Criterion, code_conditions, combined, required_strings
from .related_queries import Related, is_related, related_ids

SHORT = 1000  # items
MEDIUM = 5 * SHORT  # items; to read these is faster than to look up a frequent word in its index
LONG = 20 * SHORT  # ids of a list are counted up to this number; shorter lists are read whole, others looked up by id
CHECKED = 3 * SHORT  # items; reading the values of more would make pages slow
TEXTS = 10 * SHORT  # items; reading the search texts of more would make pages slow


@dataclass(frozen=True, slots=True)
class Selection:
    """Criteria for items; None means any. `job_id`: items that this job added or updated. Hidden items only if wanted.

    `facets`: values that each item has. `criteria`: values of properties. `dates`: the first and the last date of
    issue, or "". `older_than_id`: only items imported before the one with this id. `with_restricted`: also include
    restricted items and values. Raise InvalidInputError if there are too many words or criteria, or for invalid dates.
    """

    words: str = ""
    item_set_id: int | None = None
    repository_id: int | None = None
    job_id: int | None = None
    related: Related | None = None
    state: SourceState | None = None
    facets: tuple[tuple[Facet, str], ...] = ()
    criteria: tuple[Criterion, ...] = ()
    dates: tuple[str, str] = ("", "")
    has_files: bool | None = None
    older_than_id: int | None = None
    with_hidden: bool = False
    with_restricted: bool = True

    def __post_init__(self) -> None:
        search_terms(self.words)
        if len(self.criteria) > MOST_ROWS:
            raise InvalidInputError(_("The search has too many rows. Use at most %(most)s.", most=MOST_ROWS), "value")
        if not all(is_date(date) for date in self.dates if date):
            raise InvalidInputError(_("Write dates as 1911, 1911-05 or 1911-05-17."), "date")
        first, last = self.dates
        if last and first > f"{last}~":  # a year ends after its months
            raise InvalidInputError(_("“Date from” is after “Date to”. Change one of them."), "date")

    @property
    def reads_values(self) -> bool:
        """Return whether the texts or values of items are read that an index does not rule out."""
        is_read = any(term.is_excluded or term.is_prefix for term in search_terms(self.words))
        return is_read or any(criterion.reads_values for criterion in self.criteria)

    def most_checked(self) -> int | None:
        """Return how many items a page may read to check them, None if an index finds the items without many others."""
        if self.reads_values:
            return CHECKED // max(1, len(self.criteria))
        strings = self._required_strings()
        return None if not any(strings) or search_index.is_precise(strings, TEXTS) else TEXTS

    @property
    def is_everything(self) -> bool:
        """Return whether all items are selected that the reader may see."""
        return self == Selection(with_restricted=self.with_restricted)

    def _own_conditions(self, *, by_date: bool = False) -> list[Any]:
        """Return the conditions on columns of CatalogueItem. `by_date`: see `_dated`."""
        found: list[Any] = [self._matches(term) for term in search_terms(self.words)]
        found += self._visible(CatalogueItem)
        if self.repository_id is not None:
            found.append(CatalogueItem.repository_id == self.repository_id)
        if self.related is not None:
            found.append(is_related(self.related))
        if self.state is not None:
            found.append(CatalogueItem.source_state == self.state.value)
        if any(self.dates):
            found.append(self._dated(CatalogueItem.date_sort, by_date=by_date))
        if self.criteria:
            found.append(combined(self.criteria, self.with_restricted))
        if self.has_files is False:
            found.append(not_(has_files(CatalogueItem.property_codes, self.with_restricted)))
        return found

    def _lists(self) -> list[Select[Any]]:
        """Return a SELECT of item ids for each criterion that another table has. No two share a table."""
        lists: list[Select[Any]] = []
        if self.item_set_id is not None:
            lists.append(select(Membership.item_id).where(Membership.item_set_id == self.item_set_id))
        if self.job_id is not None:
            done = Change.action.in_((Action.ADDED, Action.UPDATED))
            changed = select(Change.item_id).where(Change.job_id == self.job_id, done, Change.item_id.is_not(None))
            lists.append(changed)
        if self.related is not None:
            lists.append(related_ids(self.related, self.with_restricted))
        for facet, value in self.facets:
            lists.append(_with_values([value_id(facet, value)], self.with_restricted))
        if self.has_files:
            lists.append(_with_files(self.with_restricted))
        return lists

    def _visible(self, item: Any) -> list[Any]:
        """Return the conditions on columns of an item that a reader may see it, and on its age."""
        found = [] if self.with_hidden else [item.is_hidden.is_(False)]
        if not self.with_restricted:
            found.append(item.is_restricted.is_(False))
        if self.older_than_id is not None:
            found.append(item.id < self.older_than_id)
        return found

    def _listed(self, *, is_needed: bool) -> list[Select[Any]]:
        """Return a SELECT of the ids of the items that an index of items does not rule out.

        It is left out if it rules out no item, unless it is needed. The expressions keep the databases from using other
        indexes, which lack columns.
        """
        item = aliased(CatalogueItem)
        codes = code_conditions(self.criteria, item.property_codes, self.with_restricted)
        if self.has_files is False:
            codes.append(not_(has_files(item.property_codes, self.with_restricted)))
        if not (is_needed or codes or any(self.dates)):
            return []
        conditions = [*codes, *self._visible(item)]
        if self.repository_id is not None:
            conditions.append(item.repository_id + 0 == self.repository_id)
        if self.state is not None:
            state = func.coalesce(item.source_state, "") if codes else item.source_state
            conditions.append(state == self.state.value)
        if any(self.dates):
            conditions.append(self._dated(item.date_sort, by_date=not codes and self.state is None))
        is_listed = item.is_hidden.in_((False, True))  # makes the databases use the index
        return [select(item.id).where(is_listed, *conditions)]

    def _dated(self, column: Any, *, by_date: bool) -> ColumnElement[bool]:
        """Return the condition on a column of dates. `by_date`: SQLite may follow the index of dates.

        PostgreSQL decides by its statistics, which it has for columns, not for expressions.
        """
        first, last = self.dates
        latest = (last or "9999") + "-12-31"[len(last or "9999") - 4 :]
        date = column if by_date or _is_postgresql() else func.coalesce(column, "")
        is_between: ColumnElement[bool] = date.between(first or "0000", latest)
        return is_between

    def ids(self) -> Select[Any]:
        """Return a SELECT of the ids of the selected items.

        It follows the index of a list or of the words, so that the database reads no more rows than a page shows.
        """
        candidates = self.candidates()
        return self.query(CatalogueItem.id) if candidates is None else self.matches(candidates)

    def candidates(self, *, to_check: bool = False) -> Select[Any] | None:
        """Return a SELECT of ids, among them those of the selected items, or None if no index rules out any item.

        `to_check`: the newest of them are checked. Then there is always a SELECT, without items of other repositories.
        """
        lists = self._lists()
        listed = self._listed(is_needed=to_check or (bool(lists) and self.state is not None))
        with_words = search_index.candidates(self._required_strings())
        if to_check and self.reads_values and search_index.is_precise(self._required_strings(), TEXTS):
            with_words = self._with_strings()
        if with_words is None and len(lists + listed) < 2:
            return self._within(lists[0], []).distinct() if lists else next(iter(listed), None)
        sized = sorted(((_length(ids), ids) for ids in (*listed, *lists)), key=itemgetter(0))
        excludes_repositories = to_check and self.repository_id is not None
        useful = [pair for pair in sized if pair[0] < LONG or pair[1] in lists or excludes_repositories]
        if with_words is not None and not (sized and sized[0][0] <= MEDIUM):
            return self._within(with_words, useful)
        first = sized[0][1]
        found = self._within(first, [pair for pair in useful if pair[1] is not first])
        return found.distinct() if first in lists else found

    def _within(self, ids: Select[Any], lists: Sequence[tuple[int, Select[Any]]]) -> Select[Any]:
        """Return a SELECT of the ids that are in all lists and old enough. `lists`: each with its length."""
        [column] = ids.selected_columns
        is_old = true() if self.older_than_id is None else column < self.older_than_id
        among = ((column + 0).in_(listed) if length < LONG else _is_among(column, listed) for length, listed in lists)
        return ids.where(*among, is_old)

    def matches(self, candidates: Select[Any], *, one_by_one: bool = False) -> Select[Any]:
        """Return a SELECT of the candidates that meet the conditions on the item itself.

        `one_by_one`: each candidate is read. Else PostgreSQL may follow the index of texts to items that are none.
        """
        [column] = candidates.selected_columns
        item = select(CatalogueItem.id).where(CatalogueItem.id == column, *self._own_conditions())
        return candidates.where(exists(item.offset(0) if one_by_one else item))

    def _with_strings(self) -> Select[Any]:
        """Return a SELECT of the ids of the items whose search text has the required strings, for PostgreSQL."""
        item = aliased(CatalogueItem)
        texts = (item.search_text, item.restricted_search_text)[: 1 + self.with_restricted]

        def has(string: str) -> ColumnElement[bool]:
            return or_(*(text.like(f"%{escape_like(string)}%", escape="\\") for text in texts))

        every = (and_(true(), *map(has, strings)) for strings in self._required_strings())
        return select(item.id).where(or_(*every))

    def relevance(self) -> ColumnElement[int]:
        """Return 1 for items that have all words of the search in the title, else 0."""
        terms = [term for term in search_terms(self.words) if not term.is_excluded]
        patterns = [f"%{escape_like(term.text)}%" for term in terms]
        in_title = and_(true(), *(CatalogueItem.title_sort.like(pattern, escape="\\") for pattern in patterns))
        return case((in_title, literal_column("1", Integer)), else_=literal_column("0", Integer))

    def _required_strings(self) -> list[list[str]]:
        """Return alternatives. The search text of each selected item has all strings of one of them."""
        terms = [term for term in search_terms(self.words) if not term.is_excluded]
        words = [string for term in terms for string in term.strings]
        return [words + strings for strings in required_strings(self.criteria)]

    def _matches(self, term: Term) -> ColumnElement[bool]:
        """Return the condition that an item has a term, or that it does not have an excluded term."""
        texts = (CatalogueItem.search_text, CatalogueItem.restricted_search_text)[: 1 + self.with_restricted]
        found = and_(*(or_(*(text.like(pattern, escape="\\") for text in texts)) for pattern in term.patterns))
        if term.is_prefix:
            found &= or_(*(text.regexp_match(term.expression) for text in texts))
        return not_(func.coalesce(found, false())) if term.is_excluded else found

    def query(self, *columns: Any) -> Select[Any]:
        """Return a SELECT of these columns (by default whole items) of the selected items."""
        by_date = any(column is CatalogueItem.date_sort for column in columns)
        among = (_is_among(CatalogueItem.id, ids) for ids in self._lists())
        return select(*(columns or (CatalogueItem,))).where(*self._own_conditions(by_date=by_date), *among)


@dataclass(frozen=True, slots=True)
class FoundItems:
    """Selected items. `query`: a SELECT of their ids.

    `few`: the ids if there are at most SHORT, so that the search is not repeated for each use. `oldest_checked_id`: the
    id of the oldest of the `checked` items if older ones may match, too, else None.
    """

    selection: Selection
    query: Select[Any]
    few: Sequence[int] | None
    oldest_checked_id: int | None = None
    checked: int = 0

    def ids(self) -> Select[Any]:
        """Return a SELECT of the ids of the items."""
        return self.query if self.few is None else self._few(CatalogueItem.id)

    def keys(self, *columns: Any) -> Select[Any]:
        """Return a SELECT of sort keys of the items. If there are many, it follows the index of the keys."""
        return self.selection.query(*columns) if self.few is None else self._few(*columns)

    def newest(self, most: int | None) -> Select[Any]:
        """Return a SELECT of the ids of the newest items."""
        return newest_first(self.ids()).limit(most)

    def _few(self, *columns: Any) -> Select[Any]:
        return select(*columns).where(CatalogueItem.id.in_(self.few or ()))


def find(selection: Selection) -> FoundItems:
    """Return the selected items."""
    query = selection.ids()
    ids = db.session.scalars(query.limit(SHORT + 1)).all()
    return FoundItems(selection, query, ids if len(ids) <= SHORT else None)


def find_newest(selection: Selection) -> FoundItems:
    """Return the selected items. If many items have to be read to check them, check only the newest."""
    most = selection.most_checked()
    if most is None or (candidates := selection.candidates(to_check=True)) is None:
        return find(selection)
    checked = newest_first(candidates).limit(most + 1)
    matches = selection.matches(select(checked.limit(most).subquery()), one_by_one=True)
    ids = db.session.scalars(matches.limit(SHORT + 1)).all()
    if len(ids) > SHORT:
        return FoundItems(selection, selection.ids(), None)
    all_ids = db.session.scalars(checked).all()
    oldest_id = all_ids[most - 1] if len(all_ids) > most else None
    return FoundItems(selection, selection.matches(candidates), ids, oldest_id, most)


def newest_first(ids: Select[Any]) -> Select[Any]:
    """Return a SELECT of ids of items, sorted by the newest import."""
    return ids.order_by(ids.selected_columns[0].desc())


def _with_files(with_restricted: bool) -> Select[Any]:
    """Return a SELECT of the ids of items with original files."""
    return _with_values([value_id(Facet.KIND, kind) for kind in KINDS], with_restricted)


def _with_values(value_ids: Sequence[int], with_restricted: bool) -> Select[Any]:
    """Return a SELECT of the ids of items with one of these facet values."""
    facet = aliased(ItemFacet)
    query = select(facet.item_id).where(facet.value_id.in_(value_ids))
    return query if with_restricted else query.where(facet.is_restricted.is_(False))


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"


def _length(listed: Select[Any]) -> int:
    """Return the number of rows of a SELECT, counted up to LONG."""
    return db.session.scalars(select(func.count()).select_from(listed.limit(LONG).subquery())).one()


def _is_among(item_id: Any, listed: Select[Any]) -> Any:
    """Return the condition that an id is in a list. It is looked up in the index of the list."""
    return listed.where(listed.selected_columns[0] == item_id).exists()


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
    """Return the names of the item sets of each of these items (see `item_set_queries.labels`), by item id."""
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
