"""The form of an item set."""

from __future__ import annotations

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from ...catalogue.item_set_changes import SetTexts
from ...i18n import lazy_gettext as _l
from ..base_form import Form

MOST_CHARACTERS = 10_000
_EITHER_DIRECTION = {"dir": "auto"}


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _short_text(label: str, description: str) -> StringField:
    """Return an optional field of one line."""
    return StringField(
        label,
        filters=[_stripped],
        render_kw=_EITHER_DIRECTION,
        validators=[Length(max=MOST_CHARACTERS)],
        description=description,
    )


class ItemSetForm(Form):
    """The texts of an item set."""

    name = StringField(
        _l("Name"),
        filters=[_stripped],
        render_kw=_EITHER_DIRECTION,
        validators=[DataRequired(_l("Give the item set a name.")), Length(max=500)],
        description=_l("For example: Harbour photographs."),
    )
    description = TextAreaField(
        _l("Description"),
        filters=[_stripped],
        render_kw=_EITHER_DIRECTION,
        validators=[Length(max=MOST_CHARACTERS)],
        description=_l("Shown above its items. Simple HTML is kept."),
    )
    rights = _short_text(_l("Rights"), _l("For example: City Archive, all rights reserved."))
    license = _short_text(_l("License"), _l("For example: CC BY 4.0."))

    @property
    def texts(self) -> SetTexts:
        """Return the texts of the form."""
        fields = (self.name, self.description, self.rights, self.license)
        return SetTexts(*(field.data or "" for field in fields))
