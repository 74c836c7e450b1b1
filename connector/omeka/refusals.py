"""The reasons for which Omeka S refuses an item or a file, read from its answer with status 422."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Refusal(StrEnum):
    """A reason. The value is the member of `errors` in the answer. The messages are in the language of the user."""

    TOO_LARGE = "upload"
    FILE_TYPE = "file"
    REQUIRED_VALUE = "o:resource_template_property"


def refusal_in(answer: Any) -> Refusal | None:
    """Return the reason that an answer names, or None if it names none of these."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return next((refusal for refusal in Refusal if isinstance(errors, dict) and refusal.value in errors), None)
