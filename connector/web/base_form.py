"""The form that all others are made of."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_wtf import FlaskForm

from ..errors import ConnectorError


class Form(FlaskForm):
    """A form that takes the texts of a form that was sent, and nothing else.

    Flask-WTF reads files and JSON too: then a text may be anything, and a limit that counts what was typed misses it.
    """

    blamed: str | None = None  # the field of errors that name none; else the first

    def refuse(self, error: ConnectorError) -> None:
        """Show an error at the field it concerns."""
        field = self[getattr(error, "field", None) or self.blamed or next(iter(self)).name]
        field.errors = [*field.errors, str(error)]

    class Meta:
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """What the fields read: None for a form that is only shown (`formdata=None`), or when nothing was sent."""
            return request.form if formdata is not None and form.is_submitted() else None
