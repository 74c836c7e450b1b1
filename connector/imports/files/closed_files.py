"""A warning about many stored files that the source closes at the same time.

The cause is often a wrong access rule, not a decision on each file. The files are closed in the catalogue too, since an
open copy of a closed file does harm. The job warns about them, and a later check can open them again.
"""

from __future__ import annotations

from sqlalchemy import func, select, true

from ...extensions import db
from ...i18n import gettext as _
from ...models.catalogue import CatalogueFile, FileStatus, Holding
from ..context.import_context import ImportContext
from .due_files import is_stored
from .missing_files import FEWEST

FILE, HOLDING = CatalogueFile.__table__, Holding.__table__


def warning(context: ImportContext) -> str:
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
