"""The base class of all forms, and a decorator for views that show a form again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # missing in the stubs

from ..errors import ConnectorError, InvalidInputError
from .error_explanations import explain


def choices_of(labels: Mapping[Any, str]) -> list[SelectChoice]:
    """Return the choices of a SelectField from their labels by value."""
    return [SelectChoice(value, label) for value, label in labels.items()]


class Form(FlaskForm):
    """A form that reads only the text fields of a submitted form.

    Flask-WTF also reads files and JSON. A field could then hold any type, and a rate limit that reads `request.form`
    would miss the value.
    """

    blamed: str | None = None  # the field that shows errors without a field; default: the first

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)  # type: ignore[no-untyped-call]  # Flask-WTF has no types

    def refuse(self, error: ConnectorError) -> None:
        """Show an error at its field, with its technical details."""
        field = self[getattr(error, "field", None) or self.blamed or next(iter(self)).name]
        explanation = explain(error)
        field.errors = [*field.errors, explanation.text]
        field.technical_details = explanation.details  # type: ignore[attr-defined]  # for the macro of the fields

    class Meta:
        """Options of Flask-WTF."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Return the submitted fields, or None if nothing was submitted or it has `formdata=None`."""
            return request.form if formdata is not None and form.is_submitted() else None


def shows_again(page: Callable[[InvalidInputError], str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator for a view. If the view raises InvalidInputError, the response is this page with status 422.

    The page shows the error, and the form keeps what was chosen.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def decorated(**arguments: Any) -> Any:
            try:
                return view(**arguments)
            except InvalidInputError as error:
                return page(error), 422

        return decorated

    return decorate
