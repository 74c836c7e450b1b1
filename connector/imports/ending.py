"""The end of an import: what was not seen is asked for and marked, counts are reconciled, and it is clean or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import func, insert, select, update

from ..catalogue import store
from ..catalogue.models import Action, Change, Fate, Holding
from ..dspace.reading import ahead
from ..dspace.records import SourceState
from ..errors import Transient, Undecided
from ..extensions import db, transaction, utcnow
from ..repositories.models import Source
from .incremental import proof
from .models import Answer, ImportJob

if TYPE_CHECKING:
    from .harvest import Harvest

HOLDING, CHANGE, ITEM, FILE = Holding.__table__, Change.__table__, store.ITEM, store.FILE
BATCH = 100
NAMED = 5
REASONS = {
    SourceState.ELSEWHERE: "Still at the source, but no longer in what this import reads.",
    SourceState.WITHDRAWN: "Withdrawn at the source.",
    SourceState.HIDDEN: "No longer open to the public at the source (on DSpace 4 to 6 it may be withdrawn).",
    SourceState.SUPERSEDED: "Replaced at the source by a newer version.",
    SourceState.VANISHED: "No longer at the source.",
}


def settle(harvest: Harvest) -> tuple[bool, str]:
    """Settle an import whose walk has ended; gives (clean, message). Raises Undecided where a person must be asked."""
    is_partial = harvest.is_partial
    left = "" if is_partial else _ask_or_leave(harvest)
    unasked = [] if is_partial or left else _mark_unseen(harvest)
    hidden = sum(harvest.hidden.values())
    with transaction():
        fates = _fates(harvest.source_id)
        known = harvest.known_hidden | harvest.hidden
        harvest.run.advance(harvest.requests(), hidden=hidden, **{f"files_{fate}": n for fate, n in fates.items()})
        job = db.session.get_one(ImportJob, harvest.job_id, populate_existing=True)
        difference = None if is_partial else _difference(job)
        values: dict[str, Any] = {"hidden": known}
        if not is_partial:
            whole = not (left or difference or unasked or job.failed)
            values["proof"] = proof(harvest) if whole else None
        db.session.execute(update(Source).where(Source.id == harvest.source_id).values(values))
        return _verdict(job, fates, " ".join(filter(None, (left, difference))), unasked)


def _ask_or_leave(harvest: Harvest) -> str:
    """Ask a person before far more is marked than is likely; gives a sentence where the answer was to leave it all.

    A repository that is being moved, or whose index is being rebuilt, answers well and shows little or nothing.
    """
    unseen, held = _unseen_of_held(harvest)
    answer = (harvest.question or {}).get("answer")
    if answer == Answer.LEAVE and unseen:
        return f"{_number(unseen, 'item')} that the source no longer lists, left as they are by a person's word."
    most = current_app.config["MISSING_PERCENT"]
    if answer == Answer.MARK or not unseen or (unseen * 100 <= held * most and unseen < held):
        return ""
    question = {"unseen": unseen, "held": held}
    with transaction():
        harvest.run.advance(harvest.requests(), question=question)
    what = "none" if unseen == held else f"only {held - unseen}"
    raise Undecided(
        f"The source lists {what} of the {held} items that were here before. Nothing was marked: {unseen} in one run "
        "is more than is likely, and the repository may be in trouble. Are they really gone?"
    )


def _unseen_of_held(harvest: Harvest) -> tuple[int, int]:
    """How many items that this source holds and that were present were not seen now, and how many there are."""
    held = (
        select(func.count(), func.count().filter(HOLDING.c.seen_by != harvest.job_id))
        .join(ITEM, HOLDING.c.item_id == ITEM.c.id)
        .where(HOLDING.c.source_id == harvest.source_id, HOLDING.c.made_by != harvest.job_id)
        .where(HOLDING.c.left.is_(None), ITEM.c.source_state == SourceState.PRESENT)
    )
    total, unseen = db.session.execute(held).one()
    db.session.rollback()
    return unseen, total


def _verdict(job: ImportJob, fates: dict[str, int], difference: str, unasked: Sequence[str]) -> tuple[bool, str]:
    bad_files = sum(number for fate, number in fates.items() if Fate(fate).is_problem)
    problems = [f"{_number(job.failed, 'item')} could not be read." if job.failed else ""]
    problems += [f"{_number(bad_files, 'file')} could not be fetched." if bad_files else ""]
    names = ", ".join(unasked[:NAMED]) + (f" and {len(unasked) - NAMED} more" if len(unasked) > NAMED else "")
    problems += [difference, f"Whether {names} is still there could not be asked." if unasked else ""]
    message = " ".join(problem for problem in problems if problem)
    return not message, message


def _number(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"


def _difference(job: ImportJob) -> str | None:
    """What the source counts and nobody can account for, as a sentence; None where all is accounted for."""
    if job.expected is None or (missing := job.expected - job.hidden - job.seen) <= 0:
        return None
    return (
        f"The source counts {job.expected} items; {job.seen} could be found, and {missing} of them are not "
        "accounted for: its count or its list is off by that many."
    )


def _fates(source_id: int) -> dict[str, int]:
    """How many files of each fate the items of this source have."""
    held = select(HOLDING.c.item_id).where(HOLDING.c.source_id == source_id, HOLDING.c.left.is_(None))
    query = select(FILE.c.fate, func.count()).where(FILE.c.item_id.in_(held)).group_by(FILE.c.fate)
    return dict.fromkeys(Fate, 0) | dict(db.session.execute(query).all())


def _mark_unseen(harvest: Harvest) -> list[str]:
    """Ask for each item that this source held and the walk did not show, and mark it (design rule 7).

    Gives the handles (or ids) of those that cannot be asked for although the repository answers otherwise.
    """
    after, unasked = 0, list[str]()
    while rows := _unseen(harvest, after):
        harvest.run.say("Looking for items that the list no longer shows")
        after = rows[-1].id
        tasks = [lambda row=row: harvest.client.whereabouts(row.source_id, harvest.scope, row.handle) for row in rows]
        found = [
            (row, _patiently(harvest, future.result, task))
            for row, task, future in zip(rows, tasks, ahead(tasks, harvest.width, harvest.run.stop), strict=True)
        ]
        with transaction():
            marked = [(row, state) for row, state in found if state not in (None, SourceState.PRESENT)]
            _mark(harvest, marked)
            harvest.run.advance(harvest.requests() | {"vanished": len(marked)})
        unasked += [row.source_key for row, state in found if state is None]
    return unasked


def _unseen(harvest: Harvest, after: int) -> Sequence[Any]:
    columns = (ITEM.c.id, ITEM.c.source_key, ITEM.c.source_id, ITEM.c.handle, ITEM.c.title)
    query = (
        select(*columns, ITEM.c.source_state, ITEM.c.state_since)
        .join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
        .where(HOLDING.c.source_id == harvest.source_id, HOLDING.c.seen_by != harvest.job_id)
        .where(HOLDING.c.left.is_(None), ITEM.c.source_state == SourceState.PRESENT, ITEM.c.id > after)
    )
    rows = db.session.execute(query.order_by(ITEM.c.id).limit(BATCH)).all()
    db.session.rollback()
    return rows


def _patiently(
    harvest: Harvest, result: Callable[[], SourceState], again: Callable[[], SourceState]
) -> SourceState | None:
    """The answer, waited for while the repository is in trouble; None where the trouble is the item's (rule 12)."""
    while True:
        try:
            state = result()
            harvest.patience.good("whereabouts")
            return state
        except Transient as error:
            if harvest.repository_answers():
                return None
            harvest.patience.wait("whereabouts", error)
            result = again


def _mark(harvest: Harvest, marked: Sequence[tuple[Any, SourceState]]) -> None:
    now = utcnow()
    held = set(db.session.scalars(select(ITEM.c.id).where(ITEM.c.id.in_([row.id for row, _ in marked]))))
    for row, state in marked:
        if row.id not in held:  # taken down while the source was asked
            continue
        if state is SourceState.ELSEWHERE:
            before: dict[str, Any] = {f"left:{harvest.source_id}": None}
            mine = (HOLDING.c.source_id == harvest.source_id, HOLDING.c.item_id == row.id)
            db.session.execute(update(HOLDING).where(*mine).values(left=now))
        else:
            before = {"state": store.state_group(row)}
            db.session.execute(
                update(ITEM).where(ITEM.c.id == row.id).values(source_state=state.value, state_since=now)
            )
        values = {"job_id": harvest.job_id, "item_id": row.id, "action": Action.MARKED.value}
        values |= {"reason": REASONS[state], "before": before}
        values |= {name: getattr(row, name) for name in ("source_key", "source_id", "handle", "title")}
        db.session.execute(insert(CHANGE).values(values))
