"""The form that chooses the term of a field."""

from __future__ import annotations

from wtforms import SelectField

from ...catalogue.crosswalk import BIBO, DCTERMS, term_label, terms_of
from ...catalogue.crosswalk_rules import DEFAULT, IGNORE
from ...i18n import gettext as _, lazy_gettext as _l
from ..base_form import Form


def terms_in_words(terms: tuple[str, ...], field: str) -> str:
    """Return the labels of the terms of a field, "no term" if it keeps its own name."""
    return _("no term") if terms == (field,) else ", ".join(map(term_label, terms))


class ChangeRuleForm(Form):
    """The form of a field."""

    term = SelectField(_l("Term"))

    def offer(self, field: str) -> None:
        """Offer the choices for this field."""
        self.term.choices = {
            _("Other"): [
                (DEFAULT, _("Default: %(terms)s", terms=terms_in_words(terms_of(field), field))),
                (field, _("No term: show the values under “%(field)s”", field=field)),
                (IGNORE, _("Ignore: keep the values, but do not show or publish them")),
            ],
            "Dublin Core": [(f"dcterms:{name}", label) for name, label in DCTERMS.items()],
            "BIBO": [(f"bibo:{name}", label) for name, label in BIBO.items()],
        }
