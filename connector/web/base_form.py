"""The base class of all forms."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_wtf import FlaskForm

from ..errors import ConnectorError


class Form(FlaskForm):
    """A form that reads only the text fields of a submitted form.

    Flask-WTF also reads files and JSON. A field could then hold any type, and a rate limit that reads `request.form`
    would miss the value.
    """

    blamed: str | None = None  # the field that shows errors without a field; default: the first

    def refuse(self, error: ConnectorError) -> None:
        """Show an error at its field."""
        field = self[getattr(error, "field", None) or self.blamed or next(iter(self)).name]
        field.errors = [*field.errors, str(error)]

    class Meta:
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Return the submitted fields, or None if nothing was submitted or it has `formdata=None`."""
            return request.form if formdata is not None and form.is_submitted() else None
