"""Form fields whose data is the result of a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wtforms import Field, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import TextArea

from ...errors import InvalidInputError
from ..base_form import Form


def validator_of(check: Callable[[str], Any]) -> Callable[[Form, Field], None]:
    """Return a validator that replaces the data of the field by the result of `check`."""

    def validate(form: Form, field: Field) -> None:
        try:
            field.data = check(_typed(field))
        except InvalidInputError as error:
            raise ValidationError(str(error)) from error

    return validate


def _typed(field: Field) -> str:
    """Return the submitted text of a field, or the text that it was filled with."""
    return str(field.raw_data[0] if field.raw_data else field.data or "")


class CheckedField(StringField):
    """A text field whose data is the result of its check after validation. The page always shows what was typed."""

    data: Any

    def _value(self) -> str:
        return _typed(self)


class LinesField(CheckedField):
    """A text area whose validated data is a list of lines."""

    widget = TextArea()


def strip_text(text: str | None) -> str:
    """Return the text without surrounding space."""
    return (text or "").strip()
