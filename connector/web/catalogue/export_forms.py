"""The form of an export."""

from __future__ import annotations

from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from ...catalogue.export_formats import SEPARATOR
from ...exports.export_kind import ExportOptions
from ...exports.formats import FORMATS
from ...i18n import lazy_gettext as _l
from ..base_form import Form, choices_of


class ExportForm(Form):
    """The format of an export, and what is in it."""

    form = RadioField(
        _l("Format"),
        choices=choices_of({name: form.label for name, form in FORMATS.items()}),
        default="csv",
        validators=[InputRequired(_l("Choose a format."))],
    )
    separator = StringField(
        _l("Separator"),
        default=SEPARATOR,
        validators=[
            InputRequired(_l("Enter a separator, for example ||.")),
            Length(max=5, message=_l("The separator has at most 5 characters.")),
            Regexp(r'[^\s",]+\Z', message=_l("Enter a separator without spaces, commas and quotation marks.")),
        ],
        description=_l("For CSV: the characters between several values of a cell. Choose some that no value contains."),
    )
    restricted = BooleanField(
        _l("With restricted items"),
        description=_l("Also export items, values and files that are visible only with a login at the source."),
    )

    def options(self, fields_url: str, *, may_see_restricted: bool) -> ExportOptions:
        """Return what was chosen. Only people who see restricted items can export them."""
        is_restricted = bool(self.restricted.data) and may_see_restricted
        return ExportOptions(self.form.data, self.separator.data or "", is_restricted, fields_url)
