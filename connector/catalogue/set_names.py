"""Names of item sets, followed by handle and number if several sets have the same name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from ..extensions import db
from ..i18n import gettext as _
from ..models.catalogue import ItemSet


def labels(item_sets: Iterable[Any]) -> dict[int, str]:
    """Return a name for each of these sets, by id. Each set needs `id`, `name` and `origin`."""
    rows = list(item_sets)
    if not rows:
        return {}
    shared = select(ItemSet.name).group_by(ItemSet.name).having(func.count() > 1)
    names = set(db.session.scalars(shared))  # read all: a list of hundreds of names costs more than the short index
    return {row.id: _told_apart(row) if row.name in names else row.name for row in rows}


def _told_apart(row: Any) -> str:
    handle = row.origin.partition(":")[2] if row.origin else ""
    number = _("set %(number)s", number=row.id)
    return f"{row.name} ({', '.join(filter(None, (handle, number)))})"
