"""The errors that stay with one item or file of a job, and their sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import (
    LASTING_ERRORS,
    ConnectorError,
    InvalidInputError,
    OutcomeUnknownError,
    RequestRejectedError,
    RestrictedError,
)
from ..i18n import gettext as _, lazy_gettext as _l
from ..omeka.refusals import Refusal, refusal_in

ITEM_PROBLEMS = (*LASTING_ERRORS, OutcomeUnknownError, InvalidInputError)
_LONGEST_TEXT = 500  # characters of a message of Omeka S
_REFUSALS = {
    Refusal.TOO_LARGE: _l("It is larger than the Omeka S site accepts."),
    Refusal.FILE_TYPE: _l("The Omeka S site does not accept files of this type."),
    Refusal.REQUIRED_VALUE: _l("It lacks a value that the resource template requires."),
}


class Problem(NamedTuple):
    """A problem of one item, as a sentence. `details`: lines for administrators."""

    sentence: str
    details: tuple[str, ...] = ()


def problem_of(error: ConnectorError) -> Problem:
    """Return why an item was refused. The details have the messages of Omeka S."""
    answer = error.answer if isinstance(error, RequestRejectedError) else None
    messages = tuple(_texts_in(answer.get("errors"))) if isinstance(answer, dict) else ()
    return Problem(_sentence_of(error), (*error.technical_details, *messages))


def _texts_in(answer: Any) -> list[str]:
    """Return the texts in a part of an answer."""
    if isinstance(answer, dict | list):
        parts = answer.values() if isinstance(answer, dict) else answer
        return [text for part in parts for text in _texts_in(part)]
    return [answer[:_LONGEST_TEXT]] if isinstance(answer, str) else []


def _sentence_of(error: ConnectorError) -> str:
    """Return why an item or file was refused, in words. Messages of Omeka S are in the language of its user."""
    if isinstance(error, RestrictedError):
        return _("The user of the key may not change this item in Omeka S.")
    if isinstance(error, OutcomeUnknownError) and error.status == 500:
        return _("Omeka S failed with an error of its own. Its log names the cause. Publish again later.")
    if isinstance(error, RequestRejectedError) and error.status == 413:
        return _("It is larger than the web server of the Omeka S site accepts.")
    if isinstance(error, RequestRejectedError) and (refusal := refusal_in(error.answer)):
        return str(_REFUSALS[refusal])
    return error.in_short
