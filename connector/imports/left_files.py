"""Stored files that disappeared from the list of their item, where lists leave out closed files (DSpace 4 to 6).

Such a file was deleted or closed. A request for the file shows which: access to a closed file is refused. A closed file
stays in the catalogue as restricted until a user deletes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ..catalogue import store
from ..dspace.ordered_pool import ordered_map
from ..dspace.records import Item
from ..errors import TransientError
from ..extensions import db
from ..models.catalogue import FileStatus
from .access_checks import CLOSED

if TYPE_CHECKING:
    from .importer import Importer

FILE, ITEM = store.FILE, store.ITEM
KIND = "access"  # of requests
OR_DELETED = " It may also have been deleted: this version of DSpace does not tell."


def closed(importer: Importer, items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """Return the values to write for stored files that these items no longer list and that are closed, by id.

    Send one request for each newly unlisted file. Files that are restricted already are not requested, and their values
    are empty.
    """
    if importer.client.lists_closed_files:
        return {}
    left = list(_left(importer, items))
    known = {row.bitstream_id: dict[str, Any]() for row in left if row.fate == FileStatus.RESTRICTED}
    new = [row for row in left if row.bitstream_id not in known]
    values = {
        "fate": FileStatus.RESTRICTED.value,
        "reason": CLOSED + ("" if importer.client.tells_unknown else OR_DELETED),
        "until": None,
        "by_login": True,
        "name_is_restricted": True,
        "tried_by": importer.job_id,
        "first_met_by": importer.job_id,
    }
    return known | {row.bitstream_id: values for row, is_closed in _asked(importer, new) if is_closed}


def _left(importer: Importer, items: Sequence[Item]) -> Iterator[Any]:
    """Yield the stored files that these items no longer list.

    A file also counts as listed if a new file has its bundle and name.
    """
    read = {item.id: item.bitstreams for item in items if item.bitstreams is not None}
    columns = (FILE.c.bitstream_id, FILE.c.bundle, FILE.c.name, FILE.c.fate, ITEM.c.source_id)
    query = select(*columns).join(ITEM, ITEM.c.id == FILE.c.item_id).order_by(FILE.c.id)
    mine = (ITEM.c.repository_id == importer.place.repository_id, ITEM.c.source_id.in_(read))
    rows = db.session.execute(query.where(*mine, FILE.c.sha256.is_not(None))).all()
    db.session.rollback()
    held = {row.bitstream_id for row in rows}
    for row in rows:
        listed = read[row.source_id]
        replaced = {(file.bundle, file.name) for file in listed if file.id not in held}
        if row.bitstream_id not in {file.id for file in listed} and (row.bundle, row.name) not in replaced:
            yield row


def _asked(importer: Importer, rows: Sequence[Any]) -> Iterator[tuple[Any, bool]]:
    """Yield each file with whether it is closed. Several requests run at once."""
    asks = [partial(importer.client.is_open, row.bitstream_id) for row in rows]
    tasks = [partial(importer.patience.attempt, KIND, ask) for ask in asks]
    for row, ask, future in zip(rows, asks, ordered_map(tasks, importer.width, importer.run.stop), strict=True):
        yield row, _is_closed(importer, future.result, ask)


def _is_closed(importer: Importer, first: Callable[[], bool | None], ask: Callable[[], bool | None]) -> bool:
    """Return whether a file is closed. Retry while the repository is unavailable.

    Return True if only the request for this file fails, so that the file is kept.
    """
    try:
        return (
            importer.patience.retry_until_available(
                KIND, ask, first=first, is_of_object=lambda error: importer.repository_answers(KIND)
            )
            is False
        )
    except TransientError:
        return True
