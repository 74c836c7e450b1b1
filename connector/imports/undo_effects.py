"""Counts the effects of an undo of items, for the page that asks for confirmation (design rules 1 and 2)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, exists, func, select

from ..extensions import count_rows, db
from ..formatting import number_up_to
from ..models.catalogue import FILE, HOLDING, ITEM_SET, MEMBERSHIP, CatalogueItem
from ..models.changes import CHANGE, Action
from ..models.jobs import JOB, Job, Kind, State
from ..models.repositories import SOURCE

FILES_COUNTED = 10_000  # counting more would make the page slow


def undo_effects(job_id: int) -> dict[str, int]:
    """Return the effects of undoing this job as numbers of items, files and item sets.

    `files`: counted up to FILES_COUNTED + 1, because each must be looked up. `gone`: items that the import added or
    changed and that were deleted or taken down since. `lasting`: changed items that cannot be restored, because their
    earlier state is no longer kept (see `retention`).
    """
    made = HOLDING.c.created_by_job_id == job_id
    stays = HOLDING.c.item_id.in_(_in_other_sources(job_id))
    stored = and_(FILE.c.item_id == HOLDING.c.item_id, FILE.c.sha256.is_not(None))
    files = select(FILE.c.id).join(HOLDING, stored).where(made, ~stays).limit(FILES_COUNTED + 1)
    mine = (CHANGE.c.job_id == job_id, CHANGE.c.action == Action.UPDATED)
    staying = select(
        func.count().label("items"),
        func.count().filter(~exists().where(*mine, CHANGE.c.item_id == HOLDING.c.item_id)).label("not_updated"),
    ).where(made, stays)
    other = exists().where(HOLDING.c.item_id == CHANGE.c.item_id, HOLDING.c.created_by_job_id != job_id)
    later = _later_change(job_id)
    updated = select(func.count().filter(~later).label("restored"), func.count().filter(later).label("kept"))
    kept, changes = (
        db.session.execute(query).one()
        for query in (staying, updated.where(*mine, CHANGE.c.before.is_not(None), other))
    )
    return {
        # Few items are in several sources, so these are counted one by one and subtracted.
        "removed": count_rows(HOLDING, made) - kept.items,
        "restored": changes.restored,
        "kept": kept.not_updated + changes.kept,
        "files": count_rows(files.subquery()),
        "item_sets": _sets_removed(job_id),
        "gone": gone_before(job_id),
        "lasting": lasting(job_id),
    }


def files_in_words(number: int) -> str:
    """Return a number of files of `undo_effects`: "12", or "more than 10,000"."""
    return number_up_to(number, FILES_COUNTED)


def removed_items(job_id: int) -> Select[CatalogueItem]:
    """Return a SELECT of the items that the undo removes, oldest first."""
    made = (HOLDING.c.created_by_job_id == job_id, HOLDING.c.item_id.not_in(_in_other_sources(job_id)))
    query = select(CatalogueItem).join(HOLDING, HOLDING.c.item_id == CatalogueItem.id).where(*made)
    return query.order_by(HOLDING.c.item_id)  # which the index of the job's holdings has in this order


def gone_before(job_id: int) -> int:
    """Return how many items that the job added or changed have been deleted."""
    mine = (CHANGE.c.job_id == job_id, CHANGE.c.item_id.is_(None))
    done = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED))
    return db.session.scalars(select(func.count(CHANGE.c.source_key.distinct())).where(*mine, done)).one()


def lasting(job_id: int) -> int:
    """Return how many changed or marked items of the job cannot be restored.

    Their earlier state is no longer kept.
    """
    mine = (CHANGE.c.job_id == job_id, CHANGE.c.action.in_((Action.UPDATED, Action.MARKED)), CHANGE.c.before.is_(None))
    stays = exists().where(HOLDING.c.item_id == CHANGE.c.item_id, HOLDING.c.created_by_job_id != job_id)
    return db.session.scalars(select(func.count(CHANGE.c.item_id.distinct())).where(*mine, stays)).one()


def made_by(job_id: int) -> Any:
    """Return the SQL condition on sets made by this import, or by an import that is undone."""
    undone = select(JOB.c.undoes_id).where(JOB.c.undoes_id.is_not(None), JOB.c.state == State.COMPLETED)
    return (ITEM_SET.c.job_id == job_id) | ITEM_SET.c.job_id.in_(undone)


def _in_other_sources(job_id: int) -> Select[tuple[int]]:
    """Return a SELECT of the ids of the items that another source of the repository holds. The undo keeps them."""
    holding, other, own = HOLDING.alias(), SOURCE.alias(), SOURCE.alias()
    others = (
        select(other.c.id)
        .join(own, (own.c.repository_id == other.c.repository_id) & (own.c.id != other.c.id))
        .join(JOB, JOB.c.source_id == own.c.id)
        .where(JOB.c.id == job_id)
    )
    # Ids instead of a subquery: the database sees whether the other sources are large.
    return select(holding.c.item_id).where(holding.c.source_id.in_(db.session.scalars(others).all()))


def _sets_removed(job_id: int) -> int:
    """Return how many item sets the undo removes: those made by imports that are undone, without other items."""
    removed = select(HOLDING.c.item_id).where(
        HOLDING.c.created_by_job_id == job_id, HOLDING.c.item_id.not_in(_in_other_sources(job_id))
    )
    left = exists().where(
        MEMBERSHIP.c.item_set_id == ITEM_SET.c.id,
        MEMBERSHIP.c.job_id.is_distinct_from(job_id),
        MEMBERSHIP.c.item_id.not_in(removed),
    )
    return db.session.scalars(select(func.count(ITEM_SET.c.id)).where(made_by(job_id), ~left)).one()


def _later_change(job_id: int) -> Any:
    """Return the SQL condition on a change that a later one takes over: of data by imports, or of the crosswalk."""
    later, imports = CHANGE.alias(), select(JOB.c.id).where(JOB.c.kind == Kind.IMPORT)
    after = (later.c.item_id == CHANGE.c.item_id, later.c.id > CHANGE.c.id, later.c.job_id != job_id)
    is_import = db.session.get_one(Job, job_id).is_import
    takes_over = later.c.job_id.in_(imports) if is_import else later.c.before["crosswalk"].as_integer().is_not(None)
    return exists().where(*after, later.c.action == Action.UPDATED, takes_over)
