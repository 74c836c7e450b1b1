"""Keeps the mark of holdings whose item has files that job pages list, so that no page looks through all files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import exists, update

from ..extensions import db
from .models import CatalogueFile, Fate, Holding

FILE, HOLDING = CatalogueFile.__table__, Holding.__table__
LISTED = tuple(fate.value for fate in Fate if fate.is_listed)
_HAS_SOME = exists().where(FILE.c.item_id == HOLDING.c.item_id, FILE.c.fate.in_(LISTED))
_OUTDATED = HOLDING.c.has_problem_files != _HAS_SOME


def mark(item_ids: Collection[int]) -> None:
    """Bring the mark up to date after files of these items, or holdings of them, were written. No commit."""
    if item_ids:
        _mark(HOLDING.c.item_id.in_(item_ids))


def mark_all() -> None:
    """Bring the mark of all holdings up to date. No commit."""
    _mark()


def _mark(*of: Any) -> None:
    db.session.execute(update(HOLDING).where(*of, _OUTDATED).values(has_problem_files=_HAS_SOME))
