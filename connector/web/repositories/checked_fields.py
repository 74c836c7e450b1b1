"""Form fields whose data is the result of a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wtforms import Field, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import TextArea

from ...errors import InvalidInputError
from ..base_form import Form


def checked(check: Callable[[str], Any]) -> Callable[[Form, Field], None]:
    """Return a validator that replaces the data of the field by the result of `check`."""

    def validate(form: Form, field: Field) -> None:
        try:
            field.data = check(field.data or "")
        except InvalidInputError as error:
            raise ValidationError(str(error)) from error

    return validate


class CheckedField(StringField):
    """A text field whose data is the result of its check after validation."""

    data: Any


class LinesField(CheckedField):
    """A text area whose validated data is a list of lines. A form with errors shows the lines again."""

    widget = TextArea()

    def _value(self) -> str:
        return "\n".join(self.data) if isinstance(self.data, list) else str(self.data or "")


def trimmed(text: str | None) -> str:
    """Return the text without surrounding space."""
    return (text or "").strip()
