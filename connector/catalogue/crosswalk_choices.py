"""What a person chooses for a field of a repository: a term, no term, to ignore it, or the default."""

from __future__ import annotations

from .crosswalk import CrosswalkRules, ignored_by

DEFAULT, IGNORE = "default", "ignore"  # in place of a term


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
