"""The labels of relations, made from the names of their fields.

DSpace names a relation from both sides: `relation.isAuthorOfPublication` of a publication leads to an author.
"""

from __future__ import annotations

import re

from ..i18n import gettext as _, lazy_gettext as _l

# The roles of DSpace's default configuration (relationship-types.xml), and of fields that authorities control.
ROLES = {
    "Advisor": _l("Advisors"),
    "Author": _l("Authors"),
    "Contributor": _l("Contributors"),
    "Editor": _l("Editors"),
    "FundingAgency": _l("Funding agencies"),
    "Issue": _l("Journal issues"),
    "Journal": _l("Journals"),
    "JournalIssue": _l("Journal issues"),
    "JournalVolume": _l("Journal volumes"),
    "OrgUnit": _l("Organisations"),
    "Person": _l("People"),
    "Project": _l("Projects"),
    "Publication": _l("Publications"),
    "Volume": _l("Journal volumes"),
}
_NAME = re.compile(r"relation\.is(?P<target>.+?)Of(?P<holder>[A-Z].*)")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def named_label(field: str) -> str:
    """Return the label of the items that an item names in this field."""
    if match := _NAME.fullmatch(field):
        return _role(match["target"])
    last = field.rpartition(".")[2].capitalize()
    return str(ROLES.get(last, field))


def naming_label(field: str) -> str:
    """Return the label of the items that name an item in this field."""
    if match := _NAME.fullmatch(field):
        return _role(match["holder"])
    return _("Items that name this item in %(field)s", field=field)


def _role(name: str) -> str:
    """Return the label of a role. The words of an unknown role are separated, because its name is in camel case."""
    return str(ROLES.get(name) or _WORD.sub(" ", name).capitalize())
