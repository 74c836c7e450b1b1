"""Undoes an import or a remapping: deletes the items it added and restores the items it changed (design rules 1 to 3).

The work is done in small transactions, each of which leaves a consistent state. Each step deletes the records that it
has processed, so an undo that was stopped or killed continues at the same place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, delete, exists, select, update

from ..catalogue.job_changes import clear_before
from ..catalogue.repository_context import RepositoryContext, context_of
from ..errors import NotFoundError
from ..extensions import db, transaction
from ..i18n import gettext as _, lazy_gettext as _l, ngettext_or_empty
from ..jobs import lifecycle
from ..jobs.attempt import JobAttempt
from ..models.catalogue import HOLDING, ITEM, ITEM_SET, MEMBERSHIP
from ..models.changes import CHANGE, Action
from ..models.item_facets import FACET
from ..models.jobs import Job
from ..models.repositories import Source
from ..repositories import service
from ..storage.garbage_collection import check_disk, delete_unreferenced_files
from . import change_restore, undo_effects

ROWS_PER_STEP = 500  # the database is locked for about a tenth of a second


@dataclass(frozen=True, slots=True)
class UndoCursor:
    """What the first attempt counted, because the undo itself changes it: items gone before, and changes that last."""

    gone: int
    lasting: int = 0


def run(run: JobAttempt) -> tuple[bool, str]:
    """Carry out an undo and return (clean, message). Raises StorageError if the files folder is not available."""
    check_disk()
    undo = lifecycle.get(run.job_id)
    if undo.undoes is None:
        raise NotFoundError(_("The import that this job undoes no longer exists."))
    job_id, repository = undo.undoes.id, context_of(service.get(undo.repository_id))
    first = _at_first(run, undo.cursor, job_id)
    if undo.undoes.is_import:
        with transaction():  # the proof for the next import does not hold for restored data
            sources = update(Source).where(Source.repository_id == repository.id)
            db.session.execute(sources.values(completeness_proof=None))
    for step in STEPS:
        run.say(str(STEPS[step]))
        while True:
            run.check()
            with transaction():
                if not step(run, job_id, repository):
                    break
    delete_unreferenced_files()
    db.session.expire_all()
    kept = db.session.get_one(Job, run.job_id).counts["kept"]
    sentences = (_kept_in_words(kept), _gone_in_words(first.gone), _lasting_in_words(first.lasting))
    return True, " ".join(filter(None, sentences))


def _at_first(run: JobAttempt, known: dict[str, int] | None, job_id: int) -> UndoCursor:
    """Return the cursor of the first attempt."""
    if known is not None:
        return UndoCursor(**known)
    cursor = UndoCursor(undo_effects.gone_before(job_id), undo_effects.lasting(job_id))
    with transaction():
        run.advance(cursor=asdict(cursor))
    return cursor


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
    db.session.execute(delete(CHANGE).where(*_finished(job_id), CHANGE.c.item_id.in_(gone)))
    db.session.execute(delete(FACET).where(FACET.c.item_id.in_(gone)))  # faster than by the cascade of each item
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
        passed = change_restore.take_back(repository, change)
        if change.action == Action.UPDATED:
            counts["kept" if passed else "restored"] += 1
    run.advance(counts)
    return bool(changes)


def _leave_sets(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Take items out of the sets that the job put them in. Return whether there were any."""
    ids = db.session.scalars(select(MEMBERSHIP.c.id).where(MEMBERSHIP.c.job_id == job_id).limit(ROWS_PER_STEP)).all()
    db.session.execute(delete(MEMBERSHIP).where(MEMBERSHIP.c.id.in_(ids)))
    run.advance()
    return bool(ids)


def _remove_sets(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Delete empty sets that the job made, or that an import undone earlier made. Return whether there were any."""
    empty = ~exists().where(MEMBERSHIP.c.item_set_id == ITEM_SET.c.id)
    ids = db.session.scalars(
        select(ITEM_SET.c.id).where(undo_effects.made_by(job_id), empty).limit(ROWS_PER_STEP)
    ).all()
    db.session.execute(delete(ITEM_SET).where(ITEM_SET.c.id.in_(ids)))
    run.advance()
    return bool(ids)


def _forget(run: JobAttempt, job_id: int, repository: RepositoryContext) -> bool:
    """Delete the change records of the job, except failures and takedowns. Return whether there were any."""
    ids = db.session.scalars(select(CHANGE.c.id).where(*_finished(job_id)).limit(ROWS_PER_STEP)).all()
    db.session.execute(delete(CHANGE).where(CHANGE.c.id.in_(ids)))
    run.advance()
    return bool(ids)


def _finished(job_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the condition for the change records of the job that an undo deletes."""
    return (CHANGE.c.job_id == job_id, CHANGE.c.action.not_in((Action.FAILED, Action.TAKEN_DOWN)))


def _kept_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item was kept, because other imports hold or changed it.",
        "%(num)s items were kept, because other imports hold or changed them.",
        number,
    )


def _gone_in_words(number: int) -> str:
    return ngettext_or_empty(
        "%(num)s item was no longer here: removed or taken down before.",
        "%(num)s items were no longer here: removed or taken down before.",
        number,
    )


def _lasting_in_words(number: int) -> str:
    """Return a sentence about changes that can no longer be undone."""
    return ngettext_or_empty(
        "%(num)s item that it changed stays as it is: the earlier state is no longer stored, so only what the import "
        "added can be removed.",
        "%(num)s items that it changed stay as they are: the earlier state is no longer stored, so only what the "
        "import added can be removed.",
        number,
    )


STEPS = {
    _release: _l("Removing items of this import"),
    _restore: _l("Restoring changed items"),
    _leave_sets: _l("Taking items out of item sets"),
    _remove_sets: _l("Removing its empty item sets"),
    _forget: _l("Finishing"),
}
