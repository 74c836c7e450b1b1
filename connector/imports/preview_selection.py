"""What of a preview is to be imported: what is ticked in it, and the import of all or of only that."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update

from ..dspace.records import Item
from ..errors import ConflictError
from ..extensions import db, transaction
from ..jobs import lifecycle
from ..models.jobs import ACTIVE, ImportJob, Kind, PreviewRow
from .preview_rows import PreviewAction, of_kind

JOB, ROW = ImportJob.__table__, PreviewRow.__table__
CAN_BE_CHOSEN = (PreviewAction.NEW, PreviewAction.CHANGED)
BATCH = 500


def import_all(job_id: int) -> int:
    """Queue the import that this preview looked ahead to; gives its id, or that of one that is under way.

    Raises ConflictError while one of only some items is.
    """
    job = of_kind(job_id, Kind.PREVIEW)
    made = lifecycle.create(job.source_id, job.options, comment=job.comment)
    if lifecycle.get(made).options.keys() & lifecycle.OF_SOME:
        raise _busy(made)
    return made


def save_ticks(job_id: int, shown: Collection[int], ticked: Collection[int]) -> None:
    """Of these rows of a preview, those of a page, the `ticked` ones are chosen from now on, and the others not."""
    with transaction():
        mine = (*_of(job_id, *CAN_BE_CHOSEN), ROW.c.id.in_(shown))
        db.session.execute(update(ROW).where(*mine).values(ticked=ROW.c.id.in_(ticked)))


def tick_all(job_id: int, *kinds: PreviewAction, ticked: bool = True) -> None:
    """Tick all of a preview that is of these kinds, or untick it."""
    with transaction():
        db.session.execute(update(ROW).where(*_of(job_id, *kinds)).values(ticked=ticked))


def ticks(job_id: int) -> tuple[int, int]:
    """How many items of a preview are ticked, and how many could be."""
    number = select(func.count().filter(ROW.c.ticked), func.count())
    ticked, could_be = db.session.execute(number.where(*_of(job_id, *CAN_BE_CHOSEN))).one()
    return ticked, could_be


def import_ticked(job_id: int) -> int:
    """Queue an import of only what is ticked in a preview; gives its id. Raises ConflictError.

    The import has rows of its own of what it is to read: those of the preview may be ticked anew, or removed.
    """
    with transaction():
        job = of_kind(job_id, Kind.PREVIEW)
        lifecycle.lock_repository(job.repository_id)
        active = select(JOB.c.id).where(JOB.c.source_id == job.source_id, JOB.c.state.in_(ACTIVE))
        if (other := db.session.scalar(active.where(JOB.c.kind == Kind.IMPORT))) is not None:
            raise _busy(other)
        made = lifecycle.add(job.source, lifecycle.of_a_whole_run(job) | {"only": job_id}, comment=job.comment)
        names = ("job_id", "action", "data", "source_key", "source_id", "handle", "title")
        own = (literal(made), literal(PreviewAction.CHOSEN.value), literal({}, ROW.c.data.type))
        chosen = select(*own, *(ROW.c[name] for name in names[len(own) :])).order_by(ROW.c.id)
        ticked = chosen.where(*_of(job_id, *CAN_BE_CHOSEN), ROW.c.ticked)
        if not db.session.execute(insert(ROW).from_select(names, ticked)).rowcount:
            raise ConflictError("Tick some items first: new ones, or ones that would change.")
        return made


def to_read(job_id: int) -> Iterator[list[Item]]:
    """What an import is to read that was ticked in a preview, some hundreds at a time; no transaction stays open."""
    query = select(ROW.c.id, ROW.c.source_id, ROW.c.handle, ROW.c.title).order_by(ROW.c.id).limit(BATCH)
    query, after = query.where(*_of(job_id, PreviewAction.CHOSEN)), 0
    while found := db.session.execute(query.where(ROW.c.id > after)).all():
        db.session.rollback()
        yield [Item(one.source_id, one.handle, one.title, None) for one in found]
        after = found[-1].id
    db.session.rollback()


def number_to_read(job_id: int) -> int:
    """How many items that is."""
    return db.session.scalar(select(func.count()).select_from(ROW).where(*_of(job_id, PreviewAction.CHOSEN)))


def forget(job_id: int) -> None:
    """All that this import was to read is read: inside the caller's transaction."""
    db.session.execute(delete(ROW).where(*_of(job_id, PreviewAction.CHOSEN)))


def _of(job_id: int, *kinds: PreviewAction) -> tuple[ColumnElement[bool], ...]:
    return ROW.c.job_id == job_id, ROW.c.action.in_(kinds)


def _busy(job_id: int) -> ConflictError:
    return ConflictError(f"Job {job_id} imports from here just now: wait for its end, then choose again.")
