"""The rules of a crosswalk as CSV, for export and import."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping

from ..errors import InvalidInputError
from ..i18n import gettext as _
from ..text import csv_lines, csv_safe
from .crosswalk import CrosswalkRules, is_term
from .crosswalk_rules import DEFAULT, IGNORE

COLUMNS = ("field", "term")
# schema.element[.qualifier], or a prefix of it that ends in `.*`
FIELD_PATTERN = re.compile(r"[\w-]+(?:\.[\w-]+){1,2}|[\w-]+(?:\.[\w-]+){0,2}\.\*")


def write(rules: CrosswalkRules, fields: Iterable[str]) -> str:
    """Return a CSV with a line for each rule, and for each of these fields that has none."""
    terms = dict.fromkeys(fields, DEFAULT) | dict(rules.terms) | dict.fromkeys(rules.ignored, IGNORE)
    return "".join(csv_lines([COLUMNS, *((csv_safe(field), term) for field, term in sorted(terms.items()))]))


def read(text: str, fields: Collection[str]) -> CrosswalkRules:
    """Return the rules in a CSV. `fields`: those of the repository, which may have unusual names (see `csv_safe`).

    Raise InvalidInputError with a line of text for each wrong line.
    """
    reader, unescaped = csv.reader(io.StringIO(text, newline="")), {csv_safe(field): field for field in fields}
    chosen, errors = dict[str, str](), list[str]()
    try:
        if tuple(cell.strip().lower() for cell in next(reader, [])) != COLUMNS:
            raise InvalidInputError(_("The first line must name the columns: field,term"))
        for row in filter(None, reader):
            field, term = (cell.strip() for cell in row) if len(row) == len(COLUMNS) else ("", "")
            field = unescaped.get(field, field)
            if error := _error(field, term, chosen, fields):
                errors.append(_("Line %(line)s: %(error)s", line=reader.line_num, error=error))
            chosen[field] = term
    except csv.Error as error:
        errors.append(_("Line %(line)s: %(error)s", line=reader.line_num, error=error))
    if errors:
        raise InvalidInputError("\n".join(errors))
    terms = {field: term for field, term in chosen.items() if term not in (DEFAULT, IGNORE)}
    return CrosswalkRules(terms=terms, ignored=tuple(field for field, term in chosen.items() if term == IGNORE))


def _error(field: str, term: str, known: Mapping[str, str], fields: Collection[str]) -> str:
    """Return why a line is wrong, or ""."""
    if not (FIELD_PATTERN.fullmatch(field) or field in fields):
        return _("A field such as dc.title and a term are needed.")
    if field in known:
        return _("An earlier line has the field “%(field)s”, too.", field=field)
    if field.endswith(".*") and term != IGNORE:
        return _("“%(field)s” stands for several fields. They can only be ignored.", field=field)
    if term in (DEFAULT, IGNORE, field) or is_term(term):
        return ""
    return _("“%(term)s” is not a term. Examples: dcterms:creator, ignore, default", term=term)
