"""Undoes an import: deletes the items it added and restores the items it changed (design rules 1 to 3).

The work is done in small transactions, each of which leaves a consistent state. Each step deletes the records that it
has processed, so an undo that was stopped or killed continues at the same place.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, insert, select, update

from ..catalogue import earlier_states
from ..catalogue.changes import clear_before, update_changes
from ..catalogue.repository_context import RepositoryContext
from ..errors import NotFoundError
from ..extensions import db, transaction
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..i18n import ngettext
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import Action, CatalogueFile, CatalogueItem, Change, Holding, ItemSet, Membership
from ..models.jobs import Job, State
from ..models.repositories import Source
from ..storage.garbage_collection import check_disk, delete_unreferenced_files

ROWS_PER_STEP = 200
HOLDING, CHANGE, ITEM, FILE = Holding.__table__, Change.__table__, CatalogueItem.__table__, CatalogueFile.__table__
MEMBERSHIP, SET = Membership.__table__, ItemSet.__table__
JOB, SOURCE = Job.__table__, Source.__table__


def preview(job_id: int) -> dict[str, int]:
    """Return the effects of undoing this import as numbers of items, files and item sets.

    `gone`: items that the import added or changed and that were deleted or taken down since. `lasting`: changed items
    that cannot be restored, because their earlier state is no longer kept (see `retention`).
    """
    made = HOLDING.c.created_by_job_id == job_id
    stored = and_(FILE.c.item_id == HOLDING.c.item_id, FILE.c.sha256.is_not(None))
    # COUNT(*) lets PostgreSQL read the indexes alone.
    items = db.session.scalars(select(func.count()).select_from(HOLDING).where(made)).one()
    files = db.session.scalars(select(func.count()).select_from(HOLDING).join(FILE, stored).where(made)).one()
    # Few items are in several sources, so these are counted one by one and subtracted.
    mine = (CHANGE.c.job_id == job_id, CHANGE.c.action == Action.UPDATED)
    staying = select(
        func.count().label("items"),
        func.coalesce(func.sum(select(func.count()).where(stored).scalar_subquery()), 0).label("files"),
        func.count().filter(~exists().where(*mine, CHANGE.c.item_id == HOLDING.c.item_id)).label("not_updated"),
    ).where(made, HOLDING.c.item_id.in_(_in_other_sources(job_id)))
    other = exists().where(HOLDING.c.item_id == CHANGE.c.item_id, HOLDING.c.created_by_job_id != job_id)
    later = _later_data(job_id)
    updated = select(func.count().filter(~later).label("restored"), func.count().filter(later).label("kept"))
    stays, changes = (
        db.session.execute(query).one()
        for query in (staying, updated.where(*mine, CHANGE.c.before.is_not(None), other))
    )
    return {
        "removed": items - stays.items,
        "restored": changes.restored,
        "kept": stays.not_updated + changes.kept,
        "files": files - stays.files,
        "item_sets": _sets_removed(job_id),
        "gone": _gone_before(job_id),
        "lasting": _lasting(job_id),
    }


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
        MEMBERSHIP.c.item_set_id == SET.c.id,
        MEMBERSHIP.c.job_id.is_distinct_from(job_id),
        MEMBERSHIP.c.item_id.not_in(removed),
    )
    return db.session.scalars(select(func.count(SET.c.id)).where(_made_by(job_id), ~left)).one()


def run(run: JobAttempt) -> tuple[bool, str]:
    """Carry out an undo and return (clean, message). Raises StorageError if the files folder is not available."""
    check_disk()
    undo = lifecycle.get(run.job_id)
    if undo.undoes is None:
        raise NotFoundError(_("The import that this job undoes no longer exists."))
    job_id, known = undo.undoes.id, undo.source.repository
    repository = RepositoryContext(known.id, known.server, tuple(known.ignored_fields))
    first = _at_first(run, undo.cursor, job_id)
    with transaction():  # the proof for the next import does not hold for restored data
        db.session.execute(update(Source).where(Source.repository_id == repository.id).values(completeness_proof=None))
    for step in SAYS:
        run.say(str(SAYS[step]))
        while True:
            run.check()
            with transaction():
                if not step(run, job_id, repository):
                    break
    delete_unreferenced_files()
    db.session.expire_all()
    kept = db.session.get_one(Job, run.job_id).counts["kept"]
    told = [_kept_in_words(kept)] if kept else []
    told += [_gone_in_words(first["gone"])] if first["gone"] else []
    told += [_lasting_in_words(lasting)] if (lasting := first.get("lasting")) else []
    return True, " ".join(told)


def _kept_in_words(number: int) -> str:
    return ngettext(
        "%(num)s item was kept, because other imports hold or changed it.",
        "%(num)s items were kept, because other imports hold or changed them.",
        number,
    )


def _gone_in_words(number: int) -> str:
    return ngettext(
        "%(num)s item was no longer here: removed or taken down before.",
        "%(num)s items were no longer here: removed or taken down before.",
        number,
    )


def _gone_before(job_id: int) -> int:
    """Return how many items that the job added or changed have been deleted."""
    mine = (CHANGE.c.job_id == job_id, CHANGE.c.item_id.is_(None))
    done = CHANGE.c.action.in_((Action.ADDED, Action.UPDATED))
    return db.session.scalars(select(func.count(CHANGE.c.source_key.distinct())).where(*mine, done)).one()


def _lasting(job_id: int) -> int:
    """Return how many changed or marked items of the job cannot be restored.

    Their earlier state is no longer kept.
    """
    mine = (CHANGE.c.job_id == job_id, CHANGE.c.action.in_((Action.UPDATED, Action.MARKED)), CHANGE.c.before.is_(None))
    stays = exists().where(HOLDING.c.item_id == CHANGE.c.item_id, HOLDING.c.created_by_job_id != job_id)
    return db.session.scalars(select(func.count(CHANGE.c.item_id.distinct())).where(*mine, stays)).one()


def _lasting_in_words(number: int) -> str:
    """Return a sentence about changes that can no longer be undone."""
    return ngettext(
        "%(num)s item that it changed stays as it is: the earlier state is no longer stored, so only what the import "
        "added can be removed.",
        "%(num)s items that it changed stay as they are: the earlier state is no longer stored, so only what the "
        "import added can be removed.",
        number,
    )


def _at_first(run: JobAttempt, known: dict[str, int] | None, job_id: int) -> dict[str, int]:
    """Return the counts `gone` and `lasting` from the first attempt, because the undo itself changes them."""
    if known is None:
        known = {"gone": _gone_before(job_id), "lasting": _lasting(job_id)}
        with transaction():
            run.advance(cursor=known)
    return known


def _later_data(job_id: int) -> Any:
    later = CHANGE.alias()
    after = (later.c.item_id == CHANGE.c.item_id, later.c.id > CHANGE.c.id, later.c.job_id != job_id)
    return exists().where(*after, later.c.action == Action.UPDATED)


def _release(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Delete holdings that the job made, and items without any other holding. Return whether there were any."""
    query = select(HOLDING.c.id, HOLDING.c.item_id).where(HOLDING.c.created_by_job_id == job_id)
    rows = db.session.execute(query.order_by(HOLDING.c.id).limit(ROWS_PER_STEP)).all()
    if not rows:
        return False
    ids = [row.item_id for row in rows]
    db.session.execute(delete(HOLDING).where(HOLDING.c.id.in_([row.id for row in rows])))
    ours = (MEMBERSHIP.c.job_id == job_id, MEMBERSHIP.c.item_id.in_(ids))
    db.session.execute(delete(MEMBERSHIP).where(*ours))
    stay = set(db.session.scalars(select(HOLDING.c.item_id).where(HOLDING.c.item_id.in_(ids))))
    gone = [item_id for item_id in ids if item_id not in stay]
    # Changes of deleted items restore nothing, and must not keep stored files from being deleted.
    clear_before(CHANGE.c.item_id.in_(gone))
    db.session.execute(delete(ITEM).where(ITEM.c.id.in_(gone)))
    changed = select(CHANGE.c.item_id).where(CHANGE.c.job_id == job_id, CHANGE.c.action == Action.UPDATED)
    stay -= set(db.session.scalars(changed.where(CHANGE.c.item_id.in_(stay))))  # `_restore` counts these
    run.advance({"removed": len(gone), "kept": len(stay)})
    return True


def _restore(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Restore items that the job changed and that stay. Return whether there were any.

    If a later change of the item exists, that change takes over the earlier state.
    """
    query = select(CHANGE).where(CHANGE.c.job_id == job_id, CHANGE.c.before.is_not(None), CHANGE.c.item_id.is_not(None))
    changes = db.session.execute(query.order_by(CHANGE.c.id.desc()).limit(ROWS_PER_STEP)).all()
    counts = {"restored": 0, "kept": 0}
    for change in changes:
        passed = [_take_back(repository, change, name, group) for name, group in change.before.items()]
        clear_before(CHANGE.c.id == change.id)
        if change.action == Action.UPDATED:
            counts["kept" if all(passed) else "restored"] += 1
    run.advance(counts)
    return bool(changes)


def _take_back(repository: RepositoryContext, change: Any, name: str, group: Any) -> bool:
    """Undo one group of a change.

    Return whether the next change with such a group took over the earlier value instead.
    """
    later = _next_change(change, name)
    if later is not None:
        update_changes({later.id: {"before": later.before | {name: group}}})
        return True
    if name == "data":
        earlier_states.restore_data(repository, change.item_id, group)
    elif name == "last_modified":
        db.session.execute(update(ITEM).where(ITEM.c.id == change.item_id).values(last_modified=group))
    elif name == "state":
        since = group["state_since"]
        values = {"source_state": group["source_state"], "state_since": since and datetime.fromisoformat(since)}
        db.session.execute(update(ITEM).where(ITEM.c.id == change.item_id).values(values))
    elif name.startswith("set:"):
        set_id, source_id = map(int, name.split(":")[1:])
        _put_into_set(change.item_id, set_id, source_id, made_by=group)
    else:
        mine = (HOLDING.c.source_id == int(name.removeprefix("left:")), HOLDING.c.item_id == change.item_id)
        db.session.execute(update(HOLDING).where(*mine).values(left_at=group and datetime.fromisoformat(group)))
    return False


def _put_into_set(item_id: int, set_id: int, source_id: int, made_by: int | None) -> None:
    """Put an item back into a set that it was taken out of, unless the set is deleted or its import is undone."""
    is_undone = exists().where(JOB.c.undoes_id == made_by, JOB.c.state == State.COMPLETED)
    is_possible = exists().where(SET.c.id == set_id) & exists().where(JOB.c.id == made_by) & ~is_undone
    if db.session.scalar(select(is_possible)):
        membership = {"item_set_id": set_id, "item_id": item_id, "source_id": source_id}
        here = [MEMBERSHIP.c[column] == value for column, value in membership.items()]
        db.session.execute(delete(MEMBERSHIP).where(*here))
        db.session.execute(insert(MEMBERSHIP).values(membership | {"job_id": made_by}))


def _next_change(change: Any, name: str) -> Any:
    query = select(CHANGE.c.id, CHANGE.c.before).where(
        CHANGE.c.item_id == change.item_id, CHANGE.c.id > change.id, CHANGE.c.before.is_not(None)
    )
    return next((row for row in db.session.execute(query.order_by(CHANGE.c.id)) if name in row.before), None)


def _leave_sets(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Take items out of the sets that the job put them in. Return whether there were any."""
    ids = db.session.scalars(select(MEMBERSHIP.c.id).where(MEMBERSHIP.c.job_id == job_id).limit(ROWS_PER_STEP)).all()
    db.session.execute(delete(MEMBERSHIP).where(MEMBERSHIP.c.id.in_(ids)))
    run.advance()
    return bool(ids)


def _remove_sets(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Delete empty sets that the job made, or that an import undone earlier made. Return whether there were any."""
    empty = ~exists().where(MEMBERSHIP.c.item_set_id == SET.c.id)
    ids = db.session.scalars(select(SET.c.id).where(_made_by(job_id), empty).limit(ROWS_PER_STEP)).all()
    db.session.execute(delete(SET).where(SET.c.id.in_(ids)))
    run.advance()
    return bool(ids)


def _made_by(job_id: int) -> Any:
    """Return the SQL condition on sets made by this import, or by an import that is undone."""
    undone = select(JOB.c.undoes_id).where(JOB.c.undoes_id.is_not(None), JOB.c.state == State.COMPLETED)
    return (SET.c.job_id == job_id) | SET.c.job_id.in_(undone)


def _forget(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Delete the change records of the job, except failures and takedowns. Return whether there were any."""
    done = (CHANGE.c.job_id == job_id, CHANGE.c.action.not_in((Action.FAILED, Action.TAKEN_DOWN)))
    ids = db.session.scalars(select(CHANGE.c.id).where(*done).limit(ROWS_PER_STEP)).all()
    db.session.execute(delete(CHANGE).where(CHANGE.c.id.in_(ids)))
    run.advance()
    return bool(ids)


SAYS = {
    _release: _l("Removing items of this import"),
    _restore: _l("Restoring changed items"),
    _leave_sets: _l("Taking items out of item sets"),
    _remove_sets: _l("Removing its empty item sets"),
    _forget: _l("Finishing"),
}
