"""Criteria for the values of a property: the rows of the advanced search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ColumnElement, and_, exists, false, func, literal_column, not_, or_, true, type_coerce

from ..errors import InvalidInputError
from ..extensions import db
from ..i18n import decimal, gettext as _
from ..models.catalogue import CatalogueItem
from ..word_search import LETTERS, MARKS, MOST_CHARACTERS, Term, escape_like, fold
from .property_codes import has_property, is_coded
from .restricted_values import MARK

MOST_ROWS = 10  # because each reads the values of many items


class Join(StrEnum):
    """How a criterion is combined with those before it. The names are part of addresses."""

    AND = "and"
    OR = "or"
    NOT = "not"


class Operator(StrEnum):
    """What a criterion asks of a value. The names are part of addresses."""

    CONTAINS = "contains"
    IS = "is"
    STARTS = "starts"
    ANY = "any"


_TERM = re.compile(r"[\w.:-]{0,200}")
_PATTERNS = {Operator.CONTAINS: "%{}%", Operator.IS: "{}", Operator.STARTS: "{}%"}  # of a whole value


@dataclass(frozen=True, slots=True)
class Criterion:
    """What an item must have. `term`: a property such as dcterms:title, or "" for any. `value`: folded when compared.

    Raise InvalidInputError if the value is missing or too long.
    """

    join: Join
    term: str
    operator: Operator
    value: str = ""

    def __post_init__(self) -> None:
        if not _TERM.fullmatch(self.term):
            raise InvalidInputError(_("“%(term)s” is no property.", term=self.term), "term")
        if self.operator is not Operator.ANY and not fold(self.value):
            raise InvalidInputError(_("Write a value in each row, or choose “has any value”."), "value")
        if len(self.value) > MOST_CHARACTERS:
            most = decimal(MOST_CHARACTERS)
            raise InvalidInputError(_("A value is too long. Use at most %(most)s characters.", most=most), "value")

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """Return join, term, operator and value as texts."""
        return self.join.value, self.term, self.operator.value, self.value

    @property
    def reads_values(self) -> bool:
        """Return whether the values of an item are read to check it. An index answers the other criteria."""
        return self.operator is not Operator.ANY or not is_coded(self.term)

    @property
    def strings(self) -> list[str]:
        """Return the strings that the search text of an item with such a value has."""
        value = fold(self.value)
        strings = {Operator.IS: [f"\n{value}\n"], Operator.STARTS: [f"\n{value}"], Operator.ANY: []}
        return strings.get(self.operator, Term(value).strings)

    def condition(self, with_restricted: bool) -> ColumnElement[bool]:
        """Return the condition that an item has such a value, apart from `join`."""
        columns = (CatalogueItem.search_text, CatalogueItem.restricted_search_text)[: 1 + with_restricted]
        patterns = [f"%{escape_like(string)}%" for string in self.strings]
        in_text = and_(true(), *(or_(*(c.like(pattern, escape="\\") for c in columns)) for pattern in patterns))
        if not self.term:
            return in_text
        has_any = has_property(CatalogueItem.property_codes, self.term, with_restricted)
        if not self.reads_values:
            return has_any
        return and_(has_any, in_text, self._has_value(with_restricted))

    def _has_value(self, with_restricted: bool) -> ColumnElement[bool]:
        """Return the condition that the property itself has such a value."""
        is_sqlite = db.engine.dialect.name == "sqlite"
        elements = func.json_each if is_sqlite else func.json_array_elements
        element = elements(CatalogueItem.mapped_values[self.term]).table_valued("value")
        entry = type_coerce(element.c.value, JSON)
        conditions = [element.c.value.is_not(None)]  # SQLite has a row without value where the item lacks the property
        if not with_restricted:
            conditions.append(entry[MARK].as_string().is_(None))
        if self.operator is not Operator.ANY:
            text = func.coalesce(entry["value"].as_string(), entry["uri"].as_string())
            folded = func.fold(text) if is_sqlite else _folded_by_postgresql(text)
            pattern = _PATTERNS[self.operator].format(escape_like(fold(self.value)))
            conditions.append(folded.like(pattern, escape="\\"))
        return exists().select_from(element).where(*conditions)


def _folded_by_postgresql(text: ColumnElement[str]) -> ColumnElement[str]:
    """Return the text as `fold` does it, apart from rare letters whose case Python folds and PostgreSQL does not."""
    letters = {**LETTERS, "ß": "ss", "ς": "σ", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl"}
    single = {letter: other for letter, other in letters.items() if len(other) == 1}
    folded = func.lower(func.normalize(text, literal_column("NFD")))
    folded = func.translate(folded, "".join(single), "".join(single.values()))
    for letter in letters.keys() - single.keys():
        folded = func.replace(folded, letter, letters[letter])
    one_line = func.regexp_replace(func.regexp_replace(folded, MARKS, "", "g"), r"\s+", " ", "g")
    return func.normalize(one_line, literal_column("NFC"))


def combined(criteria: Sequence[Criterion], with_restricted: bool) -> ColumnElement[bool]:
    """Return the condition of all criteria, combined from the first to the last."""
    found: ColumnElement[bool] = true()
    for number, criterion in enumerate(criteria):
        condition = criterion.condition(with_restricted)
        if criterion.join is Join.NOT:  # a condition on a text that is NULL is unknown
            found = and_(found, not_(func.coalesce(condition, false())))
        elif criterion.join is Join.OR and number:
            found = or_(found, condition)
        else:
            found = and_(found, condition)
    return found


def required_strings(criteria: Sequence[Criterion]) -> list[list[str]]:
    """Return alternatives. The search text of each selected item has all strings of one of them."""
    found: list[list[str]] = [[]]
    for number, criterion in enumerate(criteria):
        if criterion.join is Join.OR and number:
            found.append(criterion.strings)
        elif criterion.join is not Join.NOT:
            found = [[*strings, *criterion.strings] for strings in found]
    return found


def code_conditions(criteria: Sequence[Criterion], column: Any, with_restricted: bool) -> list[ColumnElement[bool]]:
    """Return the conditions on a column of property codes that each selected item meets."""
    if any(criterion.join is Join.OR for criterion in criteria[1:]):
        return []
    wanted = [one.term for one in criteria if one.join is not Join.NOT and one.term]
    unwanted = [one.term for one in criteria if one.join is Join.NOT and not one.reads_values and one.term]
    return [
        *(has_property(column, term, with_restricted) for term in wanted),
        *(not_(has_property(column, term, with_restricted)) for term in unwanted),
    ]
