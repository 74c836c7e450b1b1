"""The repository of items that are stored."""

from __future__ import annotations

from dataclasses import dataclass

from ..dspace.records import Server
from ..models.repositories import Repository
from . import crosswalk_rules
from .crosswalk import DEFAULT_RULES, CrosswalkRules


@dataclass(frozen=True, slots=True)
class RepositoryContext:
    """The repository of items, and its settings that affect how items are stored. `rules`: those of new data."""

    id: int
    server: Server
    rules: CrosswalkRules = DEFAULT_RULES

    def rules_of(self, rules_id: int) -> CrosswalkRules:
        """Return the rules with which an item was mapped."""
        return self.rules if rules_id == self.rules.id else crosswalk_rules.get(rules_id)


def context_of(repository: Repository) -> RepositoryContext:
    """Return the context of a repository, with the rules that are in use now."""
    return RepositoryContext(repository.id, repository.server, crosswalk_rules.in_use(repository))
