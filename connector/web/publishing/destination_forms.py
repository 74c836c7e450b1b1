"""The form of a destination."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wtforms import (
    BooleanField,
    Field,
    FieldList,
    Form as PlainForm,
    FormField,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from ...i18n import gettext as _, lazy_gettext as _l
from ...models.publishing import Destination, FileMode
from ...omeka.resources import Named, Offers
from ...publishing import destinations
from ...publishing.destinations import KEY_CHARACTERS, MAX_NAME_CHARACTERS, DestinationSettings
from ...row_ids import row_id
from ..base_form import Form, choices_of

_NO_AUTOFILL = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
_EMPTY_ROWS, _MOST_ROWS = 3, 200
_MORE = ("has_all_fields", "sites", "owner", "template", "classes", "has_more")
FILE_MODES = {
    FileMode.NONE: _l("Not published"),
    FileMode.UPLOAD: _l("Upload the stored files"),
    FileMode.LINKS: _l("Only links to the files at the source"),
}


def _number(text: str | None) -> int | None:
    """Return the id that was chosen, or None. The site itself is asked whether it has it."""
    return row_id(text) if text else None


class ClassRow(PlainForm):
    """A row of the table of classes: an item type and its class."""

    type = StringField(_l("Item type"))
    resource_class = SelectField(_l("Class"), validate_choice=False)


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
        render_kw={"required": True, "inputmode": "url", "class": "long-text"} | _NO_AUTOFILL,
    )
    identity = StringField(
        _l("Key identity"),
        [Length(max=KEY_CHARACTERS)],
        description=_l("In Omeka S, open your user, then API keys. Choose a user with the role Editor or higher."),
        render_kw={"required": True, "class": "long-text"} | _NO_AUTOFILL,
    )
    credential = PasswordField(
        _l("Key credential"),
        [Length(max=KEY_CHARACTERS)],
        description=_l("Omeka S shows it once, when the key is created. It is stored encrypted."),
        render_kw={"class": "long-text"} | _NO_AUTOFILL,
    )
    is_public = BooleanField(
        _l("New items are public"),
        description=_l("Restricted and hidden items, and those missing at source, are always private."),
    )
    files = SelectField(
        _l("Files"),
        choices=choices_of(FILE_MODES),
        default=FileMode.NONE,
        coerce=FileMode,
        description=_l("Restricted files are never uploaded. Links to them are private values."),
    )
    has_all_fields = BooleanField(
        _l("Fields without a term"),
        description=_l(
            "Publish them in a vocabulary of their own, which is created in Omeka S. This needs the key of an "
            "administrator. Otherwise they are left out, and the job names them."
        ),
    )
    sites = SelectMultipleField(
        _l("Sites"),
        coerce=row_id,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Sites that show the items. Choose none to let Omeka S decide."),
    )
    owner = SelectField(
        _l("Owner"),
        validate_choice=False,
        description=_l("Owner of new items. Only the key of an administrator may choose another user than its own."),
    )
    template = SelectField(
        _l("Resource template"),
        validate_choice=False,
        description=_l("Items that lack a value which the template requires are listed and not sent."),
    )
    classes = FieldList(
        FormField(ClassRow),
        _l("Resource classes"),
        max_entries=_MOST_ROWS,
        description=_l("The class of the items by their type in dc.type. Clear a type to remove its row."),
    )

    has_more = HiddenField()

    @property
    def more(self) -> list[Field]:
        """Return the fields below “More options” that have one control each."""
        return [self[name] for name in ("has_all_fields", "owner", "template") if name in self]

    @property
    def opens_more(self) -> bool:
        """Return whether something below “More options” is set or has an error."""
        fields = [*self.more, self.sites, self.classes]
        chosen = (self.has_all_fields.data, self.owner.data, self.template.data, self.sites.data)
        return any(chosen) or any(field.errors for field in fields)

    def offer(self, offers: Offers | None) -> None:
        """Offer what the site has. Without it, the form has no fields below “More options”."""
        if offers is None:
            for name in _MORE:
                delattr(self, name)
            return
        self.sites.choices = _choices(offers.sites)
        self.owner.choices = [("", _("The user of the key")), *_choices(offers.users)]
        self.template.choices = [("", _("None")), *((str(one.id), one.label) for one in offers.templates)]
        classes = [("", _("None")), *_choices(sorted(offers.classes, key=lambda one: one.name.casefold()))]
        for _row in range(min(_EMPTY_ROWS, _MOST_ROWS - len(self.classes.entries))):
            self.classes.append_entry()
        for row in self.classes.entries:
            row.form.resource_class.choices = classes
        self.has_more.data = "yes"

    def fill(self, destination: Destination) -> None:
        """Show the data of a destination, without its credential."""
        known = destinations.settings_of(destination)
        self.name.data, self.address.data = known.name, destination.site_url
        self.identity.data = destination.key_identity
        self.is_public.data, self.files.data = known.is_public, known.files
        self.has_all_fields.data, self.sites.data = known.has_all_fields, list(known.site_ids)
        self.owner.data, self.template.data = str(known.owner_id or ""), str(known.template_id or "")
        for name, uri in known.classes.items():
            self.classes.append_entry({"type": name, "resource_class": uri})

    def settings(self, known: DestinationSettings | None) -> DestinationSettings:
        """Return the settings. Those below “More options” stay as they are known if the page did not offer them."""
        chosen = replace(
            known or DestinationSettings(""),
            name=(self.name.data or "").strip(),
            is_public=bool(self.is_public.data),
            files=self.files.data,
        )
        if not self.has_more.data:
            return chosen
        return replace(
            chosen,
            has_all_fields=bool(self.has_all_fields.data),
            site_ids=tuple(self.sites.data or ()),
            owner_id=_number(self.owner.data),
            template_id=_number(self.template.data),
            classes=self._classes,
        )

    @property
    def _classes(self) -> dict[str, str]:
        """Return the classes by type in lower case, without rows that lack one of them."""
        rows = ((row["type"].strip().lower(), row["resource_class"]) for row in self.classes.data)
        return {name: uri for name, uri in rows if name and uri}


def _choices(offered: Iterable[Named]) -> list[tuple[str, str]]:
    return [(str(one.id), one.name) for one in offered]
