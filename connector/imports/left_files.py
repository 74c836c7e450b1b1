"""Stored files that disappeared from the list of their item, where lists leave out closed files (DSpace 4 to 6).

Such a file was deleted or closed. A request for the file shows which: access to a closed file is refused. A closed file
stays in the catalogue as restricted until a user deletes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select

from ..catalogue import store
from ..dspace.records import Item
from ..errors import TransientError
from ..extensions import db
from ..models.catalogue import FileStatus
from .access_checks import CLOSED
from .import_context import ImportContext
from .item_requests import send_each

FILE, ITEM = store.FILE, store.ITEM
KIND = "access"  # of requests
OR_DELETED = " It may also have been deleted: this version of DSpace does not tell."


def closed(context: ImportContext, items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """Return the values to write for stored files that these items no longer list and that are closed, by id.

    Send one request for each newly unlisted file. Files that are restricted already are not requested, and their values
    are empty.
    """
    if context.client.lists_closed_files:
        return {}
    left = list(_left(context, items))
    known = {row.bitstream_id: dict[str, Any]() for row in left if row.fate == FileStatus.RESTRICTED}
    new = [row for row in left if row.bitstream_id not in known]
    values = {
        "fate": FileStatus.RESTRICTED.value,
        "reason": CLOSED + ("" if context.client.tells_unknown else OR_DELETED),
        "until": None,
        "by_login": True,
        "name_is_restricted": True,
        "tried_by": context.job_id,
        "first_met_by": context.job_id,
    }
    return known | {row.bitstream_id: values for row, is_closed in _asked(context, new) if is_closed}


def _left(context: ImportContext, items: Sequence[Item]) -> Iterator[Any]:
    """Yield the stored files that these items no longer list.

    A file also counts as listed if a new file has its bundle and name.
    """
    read = {item.id: item.bitstreams for item in items if item.bitstreams is not None}
    columns = (FILE.c.bitstream_id, FILE.c.bundle, FILE.c.name, FILE.c.fate, ITEM.c.source_id)
    query = select(*columns).join(ITEM, ITEM.c.id == FILE.c.item_id).order_by(FILE.c.id)
    mine = (ITEM.c.repository_id == context.repository.repository_id, ITEM.c.source_id.in_(read))
    rows = db.session.execute(query.where(*mine, FILE.c.sha256.is_not(None))).all()
    db.session.rollback()
    held = {row.bitstream_id for row in rows}
    for row in rows:
        listed = read[row.source_id]
        replaced = {(file.bundle, file.name) for file in listed if file.id not in held}
        if row.bitstream_id not in {file.id for file in listed} and (row.bundle, row.name) not in replaced:
            yield row


def _asked(context: ImportContext, rows: Sequence[Any]) -> Iterator[tuple[Any, bool]]:
    """Yield each file with whether it is closed. A file for which the request fails counts as closed, so it is kept."""
    requests = [partial(context.client.is_open, row.bitstream_id) for row in rows]
    for row, result in zip(rows, send_each(context, KIND, requests), strict=True):
        yield row, _is_closed(result)


def _is_closed(result: Callable[[], bool | None]) -> bool:
    try:
        return result() is False
    except TransientError:
        return True
