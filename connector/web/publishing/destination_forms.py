"""The form of a destination."""

from __future__ import annotations

from wtforms import BooleanField, IntegerField, PasswordField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...models.publishing import Destination
from ...publishing.destinations import KEY_CHARACTERS, MAX_NAME_CHARACTERS, DestinationSettings
from ...row_ids import MOST
from ..base_form import Form

_NO_AUTOFILL = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class SaveDestinationForm(Form):
    """The address, key and settings of a destination. An empty credential keeps the saved one."""

    blamed = "address"
    name = StringField(
        _l("Name"),
        [Length(max=MAX_NAME_CHARACTERS)],
        description=_l("A name for this site, for example University library."),
        render_kw={"required": True},
    )
    address = StringField(
        _l("Omeka S site address"),
        [Length(max=2000)],
        description=_l("For example https://omeka.example.org"),
        render_kw={"required": True, "inputmode": "url"} | _NO_AUTOFILL,
    )
    identity = StringField(
        _l("Key identity"),
        [Length(max=KEY_CHARACTERS)],
        description=_l("In Omeka S, open your user, then API keys. Choose a user with the role Editor or higher."),
        render_kw={"required": True} | _NO_AUTOFILL,
    )
    credential = PasswordField(
        _l("Key credential"),
        [Length(max=KEY_CHARACTERS)],
        description=_l("Omeka S shows it once, when the key is created. It is stored encrypted."),
        render_kw=dict(_NO_AUTOFILL),
    )
    is_public = BooleanField(
        _l("New items are public"),
        description=_l("Restricted and hidden items, and those missing at source, are always private."),
    )
    has_files = BooleanField(
        _l("Upload files"),
        description=_l("Upload the stored files. Restricted files are never uploaded."),
    )
    template = IntegerField(
        _l("Resource template"),
        [Optional(), NumberRange(1, MOST)],
        description=_l("The number of a resource template in Omeka S. Leave empty for none."),
    )
    classes = TextAreaField(
        _l("Resource classes"),
        [Length(max=20_000)],
        description=_l(
            "One line for each item type and its class, for example: Thesis = http://purl.org/ontology/bibo/Thesis"
        ),
        render_kw={"rows": 4, "spellcheck": "false"},
    )

    def fill(self, destination: Destination) -> None:
        """Show the data of a destination, without its credential."""
        self.name.data, self.address.data = destination.name, destination.site_url
        self.identity.data = destination.key_identity
        self.is_public.data, self.has_files.data = destination.is_public, destination.has_files
        self.template.data = destination.template_id
        self.classes.data = "\n".join(f"{name} = {uri}" for name, uri in destination.classes.items())

    @property
    def settings(self) -> DestinationSettings:
        """Return the settings. Raise InvalidInputError for a line without a type or class."""
        return DestinationSettings(
            (self.name.data or "").strip(),
            bool(self.is_public.data),
            bool(self.has_files.data),
            self.template.data,
            dict(_class_of(line) for line in (self.classes.data or "").splitlines() if line.strip()),
        )


def _class_of(line: str) -> tuple[str, str]:
    name, _sign, uri = (part.strip() for part in line.partition("="))
    if not name or not uri:
        raise InvalidInputError(
            _("Write each line as type = class. This line is different: %(line)s", line=line.strip()), "classes"
        )
    return name.lower(), uri
