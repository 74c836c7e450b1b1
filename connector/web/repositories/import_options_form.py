"""The form of the Import Options page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from flask import current_app
from wtforms import BooleanField, Field, SelectField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from ...catalogue.item_set_queries import labels
from ...i18n import gettext as _, lazy_gettext as _l
from ...imports.import_options import HAS_RELATED_ITEMS, ImportOptions
from ...imports.input_checks import check_bundles, check_hours, check_ignored, check_size, check_test, size_text
from ...models.catalogue import ItemSet
from ...models.repositories import Repository
from ...publishing import destinations
from ...text import human_size
from ..base_form import Form
from .checked_fields import CheckedField, LinesField, strip_text, validator_of


class ImportOptionsForm(Form):
    """The settings of an import.

    After validation `file_limit` and `files_limit` are bytes or None, `test` is an int or None, `hours` is a Window or
    None, and `ignored` is a list of fields.
    """

    files = BooleanField(
        _l("Import files"),
        description=_l("Download the files of each item. Otherwise they are only listed, with a link to the original."),
    )
    bundles = CheckedField(
        _l("Bundles"),
        [validator_of(check_bundles)],
        description=_l("Bundles whose files are downloaded, for example ORIGINAL, TEXT. Leave empty for ORIGINAL."),
        render_kw={"autocapitalize": "off", "spellcheck": "false"},
    )
    file_limit = CheckedField(_l("Largest file"), [validator_of(check_size)])
    files_limit = CheckedField(
        _l("All files together"),
        [validator_of(check_size)],
        description=_l(
            "Total download limit, for example 20 GB. Remaining files come with the next import. Leave empty for "
            "no limit."
        ),
    )
    item_set = SelectField(_l("Item set"), description=_l("Also put the items into this set."))
    item_set_name = StringField(
        _l("Name of the new item set"),
        [Length(max=250, message=_l("The name has at most 250 characters."))],
        filters=[strip_text],
        description=_l("Only for “A new item set”."),
    )
    related_items = BooleanField(
        _l("Import related items"),
        description=_l(
            "Also import the people, projects and other items that the items name, wherever they are in the "
            "repository. Items that only these name are left out."
        ),
    )
    publish_to = SelectField(
        _l("Also publish to"),
        description=_l("Publish the items to this Omeka S site while they are imported."),
    )
    comment = TextAreaField(
        _l("Comment"), filters=[strip_text], description=_l("A note for Past imports."), render_kw={"rows": 2}
    )
    test = CheckedField(
        _l("Test import"),
        [validator_of(check_test)],
        description=_l("Import only this many items. Leave empty to import all."),
        render_kw={"inputmode": "numeric"},
    )
    hours = CheckedField(
        _l("Only between"),
        [validator_of(check_hours)],
        description=_l(
            "Hours in the server's time zone, for example 22:00-06:00. The import waits at other hours. Leave "
            "empty for any hour."
        ),
    )
    full = BooleanField(
        _l("Full check"),
        description=_l("Read every item and its list of files again, even if nothing seems to have changed."),
    )
    estimate = BooleanField(
        _l("Estimate first"),
        description=_l("Before the import starts, show how many items there are and how long it may take."),
    )
    ignored = LinesField(
        _l("Ignored fields"),
        [validator_of(check_ignored)],
        description=_l(
            "One field per line, for example dc.description.provenance or dc.subject.*. They are kept, but not "
            "shown on pages or in CSV. This applies to the whole repository."
        ),
        render_kw={"rows": 3, "autocapitalize": "off", "spellcheck": "false"},
    )

    _filled: ImportOptions | None = None

    def __init__(self, *arguments: Any, **values: Any):
        """Name the size limit of this app, and offer all destinations. Without any, the form has no such field."""
        super().__init__(*arguments, **values)
        self.file_limit.description = _(
            "Largest file to download, for example 500 MB. Leave empty for %(limit)s, the limit of this app.",
            limit=human_size(current_app.config["MAX_FILE_BYTES"]),
        )
        names = {str(one.id): one.name for one in destinations.every()}
        self.publish_to.choices = [("", _("None")), *names.items()]
        if not names:
            del self.publish_to

    @property
    def always_shown(self) -> list[Field]:
        """Return the fields that are always visible."""
        names = ("files", "related_items", "item_set", "item_set_name", "publish_to", "comment")
        return [self[name] for name in names if name in self]

    @property
    def more(self) -> list[Field]:
        """Return the fields below “More options”."""
        hidden = {"csrf_token", *(field.name for field in self.always_shown)}
        return [field for field in self if field.name not in hidden]

    @property
    def opens_more(self) -> bool:
        """Return whether a field below “More options” is set or has an error."""
        return any(field.data or field.errors for field in self.more)

    def offer(self, repository: Repository, item_sets: Sequence[ItemSet]) -> None:
        """Offer these item sets as choices, and related items if the repository can have any."""
        if repository.generation < HAS_RELATED_ITEMS or repository.speaks_oai:
            del self.related_items
        names = labels(item_sets)
        self._set_names = {f"set:{item_set.id}": item_set.name for item_set in item_sets}
        self.item_set.choices = [
            ("", _("None")),
            ("collection", _("From the DSpace collection")),
            ("new", _("A new item set")),
            *((f"set:{item_set.id}", names[item_set.id], {"dir": "auto"}) for item_set in item_sets),
        ]

    def fill(self, options: ImportOptions, ignored: Iterable[str], item_sets: Sequence[ItemSet]) -> None:
        """Fill the form with the options of an earlier import and the repository's ignored fields."""
        self._filled = replace(options.for_whole_scope(), full=False)
        ids = {item_set.name: item_set.id for item_set in reversed(item_sets)}
        set_id = options.item_set_id or ids.get(options.item_set or "")
        self.files.data = options.files
        self.file_limit.data = size_text(options.file_limit)
        self.files_limit.data = size_text(options.files_limit)
        if "related_items" in self:
            self.related_items.data = options.related_items
        self.hours.data = "-".join(options.hours.to_json()) if options.hours else ""
        self.bundles.data = ", ".join(options.bundles)
        self.item_set.data = (
            "collection"
            if options.item_set_from_collection
            else f"set:{set_id}"
            if set_id in {item_set.id for item_set in item_sets}
            else ""
        )
        if self.item_set.data == "":
            self._filled = replace(self._filled, item_set=None, item_set_id=None)
        if "publish_to" in self:
            self.publish_to.data = str(options.publish_to or "")
        self.ignored.data = "\n".join(ignored)

    def chosen(self) -> ImportOptions | None:
        """Return the submitted options, or None if a field has an error. A filled form has the options of `fill`."""
        if self._filled is not None:
            return self._filled
        return self.options() if self.validate() else None

    def validate_item_set_name(self, field: StringField) -> None:
        """Raise ValidationError if a new item set has no name."""
        if self.item_set.data == "new" and not field.data:
            raise ValidationError(_("Give the new item set a name."))

    def options(self) -> ImportOptions:
        """Return the options of the job."""
        chosen = self.item_set.data
        names = self._set_names | {"": None, "collection": None, "new": self.item_set_name.data}
        return ImportOptions(
            files=self.files.data,
            bundles=tuple(self.bundles.data or ()),
            file_limit=self.file_limit.data,
            files_limit=self.files_limit.data,
            item_set=names[chosen],
            item_set_id=int(chosen.removeprefix("set:")) if chosen.startswith("set:") else None,
            item_set_from_collection=chosen == "collection",
            related_items="related_items" in self and self.related_items.data,
            test=self.test.data,
            hours=self.hours.data,
            full=self.full.data,
            publish_to=int(self.publish_to.data) if "publish_to" in self and self.publish_to.data else None,
        )
