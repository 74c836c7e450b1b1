"""Warnings about many files of a source that are missing or closed at the same time.

A DSpace whose file store is not mounted still lists all files, and answers 404 for each of them (design rule 12).

Many files closed at once are often caused by a wrong access rule, not by a decision on each file. They are closed in
the catalogue too, since an open copy of a closed file does harm. A later check can open them again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, true, update

from ...errors import TransientError
from ...extensions import db, transaction
from ...i18n import gettext as _, lazy_gettext as _l, ngettext
from ...jobs import counters
from ...models.catalogue import FILE, HOLDING, FileStatus
from ..context.import_context import ImportContext
from .due_files import is_stored

FEWEST = 3  # fewer files may be missing for reasons of their own
CONTROLS = 3
REASON = _l("Missing at the source, as all files of this import were. Its file store may not be connected there.")


def missing_warning(context: ImportContext) -> str:
    """Mark the files that this job found missing as failed if no file could be downloaded. Return a warning or "".

    Change nothing if fewer than FEWEST files are missing, or if the source still has one of some stored files.
    """
    met = _met_by(context)
    bytes_came = counters.value(context.job_id, "bytes")
    missing = list(db.session.scalars(select(FILE.c.id).where(*met)))
    db.session.rollback()
    if bytes_came or len(missing) < FEWEST or _finds_others(context):
        return ""
    with transaction():
        context.attempt.advance(context.requests.new())
        values = {"status": FileStatus.FAILED.value, "reason": str(REASON)}
        db.session.execute(update(FILE).where(*met).values(values))
    return ngettext(
        "The repository does not have the %(num)s file that was asked for: its file store may not be connected. "
        "Tell its administrator. The next import tries again.",
        "The repository has none of the %(num)s files that were asked for: its file store may not be connected. "
        "Tell its administrator. The next import tries again.",
        len(missing),
    )


def _met_by(context: ImportContext) -> tuple[Any, ...]:
    """Return the conditions that a file belongs to this source and that this job was the first to find it missing."""
    seen = (HOLDING.c.source_id == context.source_id, HOLDING.c.last_seen_job_id == context.job_id)
    items = select(HOLDING.c.item_id).where(*seen)
    return FILE.c.item_id.in_(items), FILE.c.status == FileStatus.MISSING, FILE.c.status_since_job_id == context.job_id


def _finds_others(context: ImportContext) -> bool:
    """Return whether the repository still has any of the last CONTROLS stored files."""
    held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == context.source_id)
    query = select(FILE.c.bitstream_id).where(FILE.c.item_id.in_(held), is_stored())
    ids = db.session.scalars(query.order_by(FILE.c.id.desc()).limit(CONTROLS)).all()
    db.session.rollback()
    return any(_is_there(context, id) for id in ids)


def _is_there(context: ImportContext, bitstream_id: str) -> bool:
    try:
        return context.client.is_open(bitstream_id) is not None
    except TransientError:
        return False


def closed_warning(context: ImportContext) -> str:
    """Return a warning if this job found most of the stored files that it checked closed, otherwise "".

    Where lists leave out closed files, reading a list checks all files of its items.
    """
    seen = (HOLDING.c.source_id == context.source_id, HOLDING.c.last_seen_job_id == context.job_id)
    is_closed = (
        (FILE.c.status == FileStatus.RESTRICTED)
        & FILE.c.sha256.is_not(None)
        & (FILE.c.status_since_job_id == context.job_id)
    )
    query = select(func.count().filter(is_closed), func.count().filter(is_stored()))
    is_checked = FILE.c.last_tried_job_id == context.job_id if context.client.lists_closed_files else true()
    query = query.where(FILE.c.item_id.in_(select(HOLDING.c.item_id).where(*seen)), is_checked)
    closed, still_open = db.session.execute(query).one()
    db.session.rollback()
    if closed < FEWEST or closed <= still_open:
        return ""
    return _(
        "The repository has closed %(closed)s of the %(checked)s stored files that were checked. Ask its "
        "administrator whether this is right. The files are kept and shown to editors only, until a full "
        "check finds them open again.",
        closed=closed,
        checked=closed + still_open,
    )
