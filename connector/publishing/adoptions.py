"""Adoption of items that are at a destination already. A job asks a person first and stores the answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, delete, insert, select, update

from ..errors import ConflictError, DecisionRequiredError
from ..extensions import count_rows, db, transaction
from ..i18n import gettext as _, ngettext
from ..jobs import lifecycle, questions
from ..jobs.attempt import JobAttempt
from ..models.publishing import CANDIDATE, AdoptionCandidate
from .lookalikes import Lookalike
from .publish_options import PublishOptions


class Answer(StrEnum):
    """A person's answer: adopt all candidates, none of them, or those that are ticked."""

    ALL = "all"
    NONE = "none"
    TICKED = "ticked"


def decided(attempt: JobAttempt, destination_id: int, found: Mapping[int, Lookalike]) -> dict[int, int]:
    """Return the ids at the destination of the items to adopt, by item id. The others are to be created.

    Raise DecisionRequiredError if a person has to decide first.
    """
    _apply_answer(attempt.job_id)
    answers = _answers(attempt.job_id)
    left = {item_id: one for item_id, one in found.items() if (item_id, one.omeka_id) not in answers}
    if left:
        _ask(attempt, destination_id, left)
    return {item_id: one.omeka_id for item_id, one in found.items() if answers[item_id, one.omeka_id]}


def candidates(job_id: int) -> Select[AdoptionCandidate]:
    """Return a SELECT of the items about which a job asks."""
    return select(AdoptionCandidate).where(_is_open(job_id))


def ticked_count(job_id: int) -> int:
    """Return how many of the items about which a job asks are ticked."""
    return count_rows(CANDIDATE, _is_open(job_id), CANDIDATE.c.is_ticked)


def save_ticks(job_id: int, shown: Collection[int], ticked: Collection[int]) -> None:
    """Tick the `ticked` candidates of a page, and untick its others. `shown`: all candidates of the page."""
    with transaction():
        mine = (_is_open(job_id), CANDIDATE.c.id.in_(shown))
        db.session.execute(update(CANDIDATE).where(*mine).values(is_ticked=CANDIDATE.c.id.in_(ticked)))


def answer(job_id: int, given: Answer) -> None:
    """Queue the job again with this answer. Raise ConflictError if it does not ask, or if nothing is ticked."""
    if given == Answer.TICKED and not ticked_count(job_id):
        raise ConflictError(_("Tick some items first."))
    lifecycle.resume(job_id, given)


def note_adopted(job_id: int, item_id: int) -> None:
    """Store that a job has adopted the candidate for an item. Runs in the caller's transaction."""
    mine = (CANDIDATE.c.job_id == job_id, CANDIDATE.c.item_id == item_id)
    db.session.execute(update(CANDIDATE).where(*mine).values(is_adopted=True))


def adopted(job_id: int) -> Select[int]:
    """Return a SELECT of the ids at the destination of the items that a job adopted."""
    return select(CANDIDATE.c.omeka_id).where(CANDIDATE.c.job_id == job_id, CANDIDATE.c.is_adopted)


def declined(destination_id: int, item_ids: Collection[int]) -> frozenset[int]:
    """Return the ids at the destination of items that a person did not want to adopt for these items."""
    mine = (CANDIDATE.c.destination_id == destination_id, CANDIDATE.c.item_id.in_(item_ids))
    no = (CANDIDATE.c.is_decided, CANDIDATE.c.is_ticked.is_(False))
    return frozenset(db.session.scalars(select(CANDIDATE.c.omeka_id).where(*mine, *no)))


def _is_open(job_id: int) -> ColumnElement[bool]:
    return (CANDIDATE.c.job_id == job_id) & CANDIDATE.c.is_decided.is_(False)


def _apply_answer(job_id: int) -> None:
    """Store the answer to the question of a job as the decision about each of its candidates."""
    given = lifecycle.get(job_id).answer
    if given is None:
        db.session.rollback()
        return
    ticks = {Answer.ALL: {"is_ticked": True}, Answer.NONE: {"is_ticked": False}, Answer.TICKED: {}}[Answer(given)]
    with transaction():
        db.session.execute(update(CANDIDATE).where(_is_open(job_id)).values(is_decided=True, **ticks))


def _answers(job_id: int) -> dict[tuple[int, int], bool]:
    """Return whether to adopt, by item id and id at the destination."""
    columns = (CANDIDATE.c.item_id, CANDIDATE.c.omeka_id, CANDIDATE.c.is_ticked)
    rows = db.session.execute(select(*columns).where(CANDIDATE.c.job_id == job_id, CANDIDATE.c.is_decided)).all()
    db.session.rollback()
    return {(row.item_id, row.omeka_id): row.is_ticked for row in rows}


def _ask(attempt: JobAttempt, destination_id: int, found: Mapping[int, Lookalike]) -> None:
    """Store the candidates and the question, settle earlier questions, and raise DecisionRequiredError."""
    rows = [
        {"job_id": attempt.job_id, "destination_id": destination_id, "item_id": item_id, **asdict(one)}
        for item_id, one in found.items()
    ]
    with transaction():
        is_asked_again = CANDIDATE.c.is_decided.is_(False) | CANDIDATE.c.item_id.in_(found)
        db.session.execute(delete(CANDIDATE).where(CANDIDATE.c.job_id == attempt.job_id, is_asked_again))
        db.session.execute(insert(CANDIDATE), rows)
        attempt.advance(question={"adopt": len(rows)})
        if not PublishOptions.of(lifecycle.get(attempt.job_id)).selected:
            message = _("Job %(job_id)s asks again, so this question is settled.", job_id=attempt.job_id)
            questions.close_earlier(attempt.job_id, message)
    raise DecisionRequiredError(_in_words(len(rows)))


def _in_words(number: int) -> str:
    return ngettext(
        "%(num)s item in Omeka S looks like an item of this job. Adopt it? An adopted item keeps its values there and "
        "gets the missing ones. Otherwise a new item is created beside it, and the item is there twice.",
        "%(num)s items in Omeka S look like items of this job. Adopt them? Adopted items keep their values there and "
        "get the missing ones. Otherwise new items are created beside them, and the items are there twice.",
        number,
    )
