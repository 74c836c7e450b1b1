"""The selection of items in a preview, and the import of all items or of only the ticked ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update

from ...dspace.records import Item
from ...errors import ConflictError
from ...extensions import count_rows, db, execute_counted, transaction
from ...i18n import gettext as _
from ...jobs import creation, lifecycle
from ...models.jobs import ACTIVE, JOB, Kind
from ...models.previews import ROW
from ..import_options import ImportOptions
from . import queueing
from .preview_rows import PreviewAction, get_preview

CAN_BE_CHOSEN = (PreviewAction.NEW, PreviewAction.CHANGED)
ROWS_PER_PAGE = 500


def import_all(job_id: int) -> int:
    """Queue the import that this preview describes. Return its id, or the id of an active import of the source.

    Raises ConflictError while an import of only some items is active.
    """
    job = get_preview(job_id)
    made = queueing.create(job.source_id, ImportOptions.of(job).for_import(), comment=job.comment)
    if ImportOptions.of(lifecycle.get(made)).reads_some_items:
        raise _busy(made)
    return made


def save_ticks(job_id: int, shown: Collection[int], ticked: Collection[int]) -> None:
    """Tick the `ticked` rows of a preview, and untick the other rows of the same page.

    `shown`: all rows of the page.
    """
    with transaction():
        mine = (*_of(job_id, *CAN_BE_CHOSEN), ROW.c.id.in_(shown))
        db.session.execute(update(ROW).where(*mine).values(ticked=ROW.c.id.in_(ticked)))


def tick_all(job_id: int, *kinds: PreviewAction, ticked: bool = True) -> None:
    """Tick or untick all rows of a preview with one of these actions."""
    with transaction():
        db.session.execute(update(ROW).where(*_of(job_id, *kinds)).values(ticked=ticked))


def ticks(job_id: int) -> tuple[int, int]:
    """Return how many items of a preview are ticked, and how many can be ticked."""
    number = select(func.count().filter(ROW.c.ticked), func.count())
    ticked, could_be = db.session.execute(number.where(*_of(job_id, *CAN_BE_CHOSEN))).one()
    return ticked, could_be


def import_ticked(job_id: int) -> int:
    """Queue an import of only the ticked items of a preview and return its id.

    The import gets its own copy of the rows, because those of the preview may change or be deleted. Raises
    ConflictError if nothing is ticked, or while another import of the source is active.
    """
    with transaction():
        job = get_preview(job_id)
        creation.lock_repository(job.repository_id)
        active = select(JOB.c.id).where(JOB.c.source_id == job.source_id, JOB.c.state.in_(ACTIVE))
        if (other := db.session.scalar(active.where(JOB.c.kind == Kind.IMPORT))) is not None:
            raise _busy(other)
        options = replace(ImportOptions.of(job).for_whole_scope().for_import(), only=job_id)
        made = creation.add(job.source, Kind.IMPORT.value, options, comment=job.comment)
        names = ("job_id", "action", "data", "source_key", "source_id", "handle", "title", "is_named")
        own = (literal(made), literal(PreviewAction.CHOSEN.value), literal({}, ROW.c.data.type))
        chosen = select(*own, *(ROW.c[name] for name in names[len(own) :])).order_by(ROW.c.id)
        ticked = chosen.where(*_of(job_id, *CAN_BE_CHOSEN), ROW.c.ticked)
        if not execute_counted(insert(ROW).from_select(names, ticked)):
            raise ConflictError(_("Tick some new or changed items first."))
        return made


def to_read(job_id: int, *, is_named: bool) -> Iterator[list[Item]]:
    """Yield the ticked items that an import must read, page by page. No transaction stays open.

    `is_named`: only those outside the scope, or only those inside.
    """
    query = select(ROW.c.id, ROW.c.source_id, ROW.c.handle, ROW.c.title).order_by(ROW.c.id).limit(ROWS_PER_PAGE)
    query, after = query.where(*_of(job_id, PreviewAction.CHOSEN), ROW.c.is_named.is_(is_named)), 0
    while found := db.session.execute(query.where(ROW.c.id > after)).all():
        db.session.rollback()
        yield [Item(one.source_id, one.handle, one.title, None) for one in found]
        after = found[-1].id
    db.session.rollback()


def number_to_read(job_id: int) -> int:
    """Return how many ticked items of the scope an import must read."""
    return count_rows(ROW, *_of(job_id, PreviewAction.CHOSEN), ROW.c.is_named.is_(False))


def forget(job_id: int) -> None:
    """Delete the rows of items that this import had to read, inside the caller's transaction."""
    db.session.execute(delete(ROW).where(*_of(job_id, PreviewAction.CHOSEN)))


def _of(job_id: int, *kinds: PreviewAction) -> tuple[ColumnElement[bool], ...]:
    return ROW.c.job_id == job_id, ROW.c.action.in_(kinds)


def _busy(job_id: int) -> ConflictError:
    return ConflictError(
        _("Job %(job_id)s is importing this source. Wait until it ends, then try again.", job_id=job_id)
    )
