"""The rules of the crosswalk of each repository: which ones are in use, and their changes by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from ..accounts import audit
from ..extensions import count_rows, db
from ..models.catalogue import ITEM
from ..models.repositories import CrosswalkRow, Repository
from .crosswalk import DEFAULT_RULES, CrosswalkRules, ignored_by

DEFAULT, IGNORE = "default", "ignore"  # in place of a term


def get(rules_id: int) -> CrosswalkRules:
    """Return the rules with this id. 0 stands for the default rules."""
    if not rules_id:
        return DEFAULT_RULES
    row = db.session.get_one(CrosswalkRow, rules_id)
    return CrosswalkRules(row.id, row.terms, tuple(row.ignored))


def in_use(repository: Repository) -> CrosswalkRules:
    """Return the rules that imports of a repository use."""
    return get(repository.crosswalk_id)


def replace(repository: Repository, terms: Mapping[str, str], ignored: Sequence[str]) -> None:
    """Use these rules in imports of a repository from now on. The caller owns the transaction."""
    old = in_use(repository)
    if set(ignored) != set(old.ignored):
        audit.note("ignored fields", repository.site_url, before=list(old.ignored), after=list(ignored))
    if terms != old.terms:
        before, after = (
            {field: term for field, term in some.items() if other.get(field) != term}
            for some, other in ((old.terms, terms), (terms, old.terms))
        )
        audit.note("crosswalk", repository.site_url, before=before, after=after)
    repository.crosswalk_id = _stored(repository.id, dict(terms), list(ignored))


def waiting_count(repository: Repository) -> int:
    """Return how many items of a repository were mapped with other rules than those in use."""
    return count_rows(ITEM, ITEM.c.repository_id == repository.id, ITEM.c.crosswalk_id != repository.crosswalk_id)


def _stored(repository_id: int, terms: dict[str, str], ignored: list[str]) -> int:
    """Return the id of a row with these rules. Create the row if there is none."""
    if not terms and not ignored:
        return 0
    rows = db.session.scalars(select(CrosswalkRow).where(CrosswalkRow.repository_id == repository_id))
    for row in rows:
        if (row.terms, set(row.ignored)) == (terms, set(ignored)):
            return row.id
    row = CrosswalkRow(repository_id=repository_id, terms=terms, ignored=ignored)
    db.session.add(row)
    db.session.flush()
    return row.id


def choice_of(rules: CrosswalkRules, field: str) -> str:
    """Return the choice for a field: a term, the field itself for no term, IGNORE or DEFAULT."""
    return IGNORE if ignored_by(field, rules.ignored) else rules.terms.get(field, DEFAULT)


def with_choice(rules: CrosswalkRules, field: str, choice: str) -> CrosswalkRules:
    """Return rules that are not stored yet, with another choice for a field."""
    terms = {name: term for name, term in rules.terms.items() if name != field}
    ignored = [name for name in rules.ignored if name.lower() != field.lower()]
    if choice == IGNORE:
        ignored.append(field)
    elif choice != DEFAULT:
        terms[field] = choice
    return CrosswalkRules(terms=terms, ignored=tuple(ignored))


def ignoring_pattern(rules: CrosswalkRules, field: str) -> str:
    """Return the pattern such as dc.subject.* that ignores a field together with others, or ""."""
    others = (pattern for pattern in rules.ignored if pattern.lower() != field.lower())
    return next((pattern for pattern in others if ignored_by(field, (pattern,))), "")
