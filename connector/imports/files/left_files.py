"""Stored files that disappeared from the list of their item.

Such a file was deleted or closed: lists leave out closed files (DSpace 4 to 6) and the files of closed bundles (7 and
later). A request for the file shows which: access to a closed file is refused. A closed file stays in the catalogue as
restricted until a user deletes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select

from ...dspace.records import Item
from ...errors import TransientError
from ...extensions import db
from ...i18n import lazy_gettext as _l
from ...models.catalogue import FILE, ITEM, FileStatus
from ..context.import_context import ImportContext
from ..context.item_requests import send_each
from .access_checks import CLOSED

KIND = "access"  # of requests
CLOSED_OR_DELETED = _l(
    "Closed at the source since it was downloaded. What is stored is kept, and shown to editors only. "
    "It may also have been deleted: this version of DSpace does not say."
)


def closed_file_values(context: ImportContext, items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """Return the values to write for stored files that these items no longer list and that are closed, by id.

    Send one request for each newly unlisted file. Closed files that were unlisted before are not requested, and their
    values are empty.
    """
    left = list(_unlisted_files(context, items))
    closed = [row for row in left if row.status == FileStatus.RESTRICTED and row.name_is_restricted]
    known = {row.bitstream_id: dict[str, Any]() for row in closed}
    new = [row for row in left if row.bitstream_id not in known]
    values = {
        "status": FileStatus.RESTRICTED.value,
        "reason": str(CLOSED if context.client.tells_unknown else CLOSED_OR_DELETED),
        "technical_details": None,
        "embargo_ends_on": None,
        "content_is_restricted": True,
        "name_is_restricted": True,
        "last_tried_job_id": context.job_id,
        "status_since_job_id": context.job_id,
    }
    return known | {row.bitstream_id: values for row, is_closed in _with_access(context, new) if is_closed}


def _unlisted_files(context: ImportContext, items: Sequence[Item]) -> Iterator[Any]:
    """Yield the stored files that these items no longer list.

    A file also counts as listed if a new file has its bundle and name.
    """
    read = {item.id: item.bitstreams for item in items if item.bitstreams is not None}
    names = ("bitstream_id", "bundle", "name", "name_is_restricted", "status")
    query = select(*(FILE.c[name] for name in names), ITEM.c.source_id)
    query = query.join(ITEM, ITEM.c.id == FILE.c.item_id).order_by(FILE.c.id)
    mine = (ITEM.c.repository_id == context.repository.id, ITEM.c.source_id.in_(read))
    rows = db.session.execute(query.where(*mine, FILE.c.sha256.is_not(None))).all()
    db.session.rollback()
    held = {row.bitstream_id for row in rows}
    for row in rows:
        listed = read[row.source_id]
        replaced = {(file.bundle, file.name) for file in listed if file.id not in held}
        if row.bitstream_id not in {file.id for file in listed} and (row.bundle, row.name) not in replaced:
            yield row


def _with_access(context: ImportContext, rows: Sequence[Any]) -> Iterator[tuple[Any, bool]]:
    """Yield each file with whether it is closed. A file for which the request fails counts as closed, so it is kept."""
    requests = [partial(context.client.is_open, row.bitstream_id) for row in rows]
    for row, result in zip(rows, send_each(context, KIND, requests), strict=True):
        yield row, _is_closed(result)


def _is_closed(result: Callable[[], bool | None]) -> bool:
    try:
        return result() is False
    except TransientError:
        return True
