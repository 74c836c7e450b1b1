"""The database tables.

SQL uses the constants at the end of each module. The name of a constant is the last word of the name of its table, or
the whole name where several tables end with the same word.
"""

from . import (
    accounts,
    catalogue,
    changes,
    exports,
    item_facets,
    item_relations,
    jobs,
    previews,
    publishing,
    repositories,
)

# A process that uses one table needs all, since tables refer to each other by name.
__all__ = [
    "accounts",
    "catalogue",
    "changes",
    "exports",
    "item_facets",
    "item_relations",
    "jobs",
    "previews",
    "publishing",
    "repositories",
]
