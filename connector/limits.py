"""How often one person may ask for what costs: changes, questions to a repository, downloads of whole lists."""

from __future__ import annotations

from typing import cast

from flask import Flask, abort, current_app, g, request
from limits import parse

from .extensions import limiter

# Pages that only read, but of which each asks a repository or goes through a whole table.
COSTLY = frozenset(
    {
        "accounts.trail_csv",
        "admin.trail_csv",
        "catalogue.items_csv",
        "clearing.exclusions_csv",
        "imports.diary",
        "imports.problems_csv",
        "repositories.listed",
    }
)
