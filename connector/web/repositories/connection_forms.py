"""The forms of the connection and Import Options pages, with all validation of their input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from wtforms import BooleanField, Field, PasswordField, SelectField, StringField, TextAreaField, URLField
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import TextArea

from ...catalogue.set_names import labels
from ...dspace.records import ScopeKind
from ...errors import InvalidInputError
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...imports.import_options import ImportOptions
from ...jobs.schedule import Window, parse_window
from ...models.catalogue import ItemSet
from ..base_form import Form

LIMIT = range(1, 1001)
_SIZE = re.compile(r"(?P<number>[0-9]{1,18}(?:[.,][0-9]{1,3})?)\s*(?P<unit>[KMGT]?B)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}
_ENDPOINT = re.compile(r"[\w.~-]+(?:/[\w.~-]+)*", re.ASCII)
# schema.element[.qualifier], or a prefix of it that ends in `.*`
_FIELD_PATTERN = re.compile(r"[\w-]+(?:\.[\w-]+){1,2}|[\w-]+(?:\.[\w-]+){0,2}\.\*")


def check_url(text: str) -> str:
    """Return a full http or https URL without surrounding space. Raise InvalidInputError if it is none."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not False
    except ValueError:
        usable = False
    if not usable or any(letter.isspace() for letter in parts.netloc):
        raise InvalidInputError(
            _("Enter a full address that begins with http:// or https://, as in your browser."), "url"
        )
    return text


def check_endpoint(text: str) -> str:
    """Return a path below the site, without outer slashes, or a full URL. Raise InvalidInputError if it is neither."""
    if "://" in text:
        try:
            return check_url(text)
        except InvalidInputError as error:
            raise InvalidInputError(str(error), "endpoint") from error
    text = text.strip().strip("/")
    if not _ENDPOINT.fullmatch(text):
        raise InvalidInputError(
            _("The endpoint is the path of the API below the site, such as rest or server/api, or its full address."),
            "endpoint",
        )
    return text


def check_limit(text: str | None) -> int | None:
    """Return a whole number from 1 to 1000, or None for an empty text. Raise InvalidInputError if it is none."""
    text = (text or "").strip()
    if not text:
        return None
    if not (_WHOLE.fullmatch(text) and int(text) in LIMIT):
        raise InvalidInputError(_("The limit is a whole number from 1 to 1000."), "limit")
    return int(text)


def check_delay(text: str | None) -> float:
    """Return seconds from 0 to 60, such as 0.5, or 0 for an empty text. Raise InvalidInputError for other texts."""
    found = re.fullmatch(r"[0-9]{1,2}(?:[.,][0-9]{1,3})?", (text or "0").strip() or "0", re.ASCII)
    seconds = float(found[0].replace(",", ".")) if found else -1
    if not 0 <= seconds <= 60:
        raise InvalidInputError(_("The pause is a number of seconds from 0 to 60, such as 0.5."), "delay")
    return seconds


def check_test(text: str | None) -> int | None:
    """Return the number of items of a test import, at least 1, or None for an empty text.

    Raises InvalidInputError for other texts.
    """
    text = (text or "").strip()
    if not text:
        return None
    if not (_WHOLE.fullmatch(text) and int(text) > 0):
        raise InvalidInputError(_("A test import takes a whole number of items, at least 1."), "test")
    return int(text)


def check_size(text: str | None) -> int | None:
    """Return a size such as 500 MB, 1.5 GB or 20000 (bytes) in bytes, or None for an empty text.

    Raises InvalidInputError for other texts.
    """
    text = (text or "").strip()
    if not text:
        return None
    found = _SIZE.fullmatch(text)
    size = round(float(found["number"].replace(",", ".")) * _UNITS[(found["unit"] or "B").upper()]) if found else 0
    if not 0 < size < 2**62:
        raise InvalidInputError(_("Give a size such as 500 MB or 2 GB."))
    return size


def check_bundles(text: str | None) -> list[str] | None:
    """Return the comma-separated bundle names as a list without duplicates, or None for an empty text."""
    names = [name.strip() for name in (text or "").split(",")]
    return list(dict.fromkeys(filter(None, names))) or None


def check_hours(text: str | None) -> Window | None:
    """Return hours such as 22:00-06:00, or None for an empty text. Raises InvalidInputError for other texts."""
    return parse_window(text or "")


def size_text(size: int | None) -> str:
    """Return a size in bytes as a text that `check_size` reads, or "" for None.

    The unit is the largest that divides the size without a remainder.
    """
    if size is None:
        return ""
    unit = next(name for name, bytes in reversed(_UNITS.items()) if size % bytes == 0)
    return f"{size // _UNITS[unit]} {unit}"


def check_ignored(text: str | None) -> list[str]:
    """Return the fields (dc.rights or dc.subject.*), one per line, in order and without duplicates.

    Raises InvalidInputError if a line is not a field.
    """
    lines = [line.strip() for line in (text or "").splitlines()]
    for line in filter(None, lines):
        if not _FIELD_PATTERN.fullmatch(line):
            raise InvalidInputError(
                _("“%(line)s” is not a field. Examples: dc.rights, dc.subject.*", line=line), "ignored"
            )
    return list(dict.fromkeys(filter(None, lines)))


def check_scope(text: str) -> tuple[ScopeKind, str]:
    """Return the kind and the id or handle in `collection:ID`, `community:ID`, `item:ID` or `repository:`.

    Raises InvalidInputError for other texts.
    """
    kind, _colon, identifier = text.partition(":")
    if kind not in list(ScopeKind) or (not identifier and kind != ScopeKind.REPOSITORY):
        raise InvalidInputError(_("Press Import beside a collection, a community or the entire repository."))
    return ScopeKind(kind), identifier


def _checked(check: Callable[[str], Any]) -> Callable[[Form, Field], None]:
    """Return a validator that replaces the data of the field by the result of `check`."""

    def validate(form: Form, field: Field) -> None:
        try:
            field.data = check(field.data or "")
        except InvalidInputError as error:
            raise ValidationError(str(error)) from error

    return validate


class CheckedField(StringField):
    """A text field whose data is the result of its check after validation."""

    data: Any


class LinesField(CheckedField):
    """A text area whose validated data is a list of lines. A form with errors shows the lines again."""

    widget = TextArea()

    def _value(self) -> str:
        return "\n".join(self.data) if isinstance(self.data, list) else str(self.data or "")


def _trimmed(text: str | None) -> str:
    return (text or "").strip()


class ConnectForm(Form):
    """The address of a DSpace and limits for its requests.

    After validation `url` and `endpoint` are strings, `limit` an int or None, and `delay` a float in seconds.
    """

    url = URLField(
        _l("DSpace site URL"),
        [_checked(check_url)],
        description=_l("Copy it from your browser. The address of a collection, an item or a handle works too."),
        render_kw={"required": True, "autocomplete": "url", "placeholder": "https://repository.example.edu"},
    )
    endpoint = CheckedField(
        _l("Endpoint"),
        [_checked(check_endpoint)],
        default="rest",
        description=_l("The app tries this first, then the usual ones."),
        render_kw={"required": True, "autocapitalize": "off", "spellcheck": "false"},
    )
    limit = CheckedField(
        _l("Limit"),
        [_checked(check_limit)],
        description=_l("Results per request, 1 to 1000. Leave empty unless the repository has problems."),
        render_kw={"inputmode": "numeric"},
    )

    delay = CheckedField(
        _l("Pause"),
        [_checked(check_delay)],
        description=_l(
            "Seconds between two requests. Leave empty unless the administrator of the repository asks for it."
        ),
        render_kw={"inputmode": "decimal"},
    )


class LoginForm(Form):
    """A name and password for the repository. The page never shows the password again."""

    blamed = "password"

    login_name = StringField(
        _l("Name"),
        [InputRequired(_l("Type the name.")), Length(max=250, message=_l("The name has at most 250 characters."))],
        filters=[_trimmed],
        description=_l("Your name at the repository, usually your e-mail address."),
        render_kw={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        [
            InputRequired(_l("Type the password.")),
            Length(max=250, message=_l("The password has at most 250 characters.")),
        ],
        description=_l("The app tries it now and stores it encrypted. It is never shown again."),
        render_kw={"autocomplete": "new-password"},
    )


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
        [_checked(check_bundles)],
        description=_l("Bundles whose files are downloaded, for example ORIGINAL, TEXT. Leave empty for ORIGINAL."),
        render_kw={"autocapitalize": "off", "spellcheck": "false"},
    )
    file_limit = CheckedField(
        _l("Largest file"),
        [_checked(check_size)],
        description=_l("Largest file to download, for example 500 MB. Leave empty for the limit of the server."),
    )
    files_limit = CheckedField(
        _l("All files together"),
        [_checked(check_size)],
        description=_l(
            "Total download limit, for example 20 GB. Remaining files come with the next import. Leave empty for "
            "no limit."
        ),
    )
    item_set = SelectField(_l("Item set"), description=_l("Also put the items into this set."))
    item_set_name = StringField(
        _l("Name of the new item set"),
        [Length(max=250, message=_l("The name has at most 250 characters."))],
        filters=[_trimmed],
        description=_l("Only for “A new item set”."),
    )
    comment = TextAreaField(
        _l("Comment"), filters=[_trimmed], description=_l("A note for Past imports."), render_kw={"rows": 2}
    )
    test = CheckedField(
        _l("Test import"),
        [_checked(check_test)],
        description=_l("Import only this many items. Leave empty to import all."),
        render_kw={"inputmode": "numeric"},
    )
    hours = CheckedField(
        _l("Only between"),
        [_checked(check_hours)],
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
        [_checked(check_ignored)],
        description=_l(
            "One field per line, for example dc.description.provenance or dc.subject.*. They are kept, but not "
            "shown on pages or in CSV. This applies to the whole repository."
        ),
        render_kw={"rows": 3, "autocapitalize": "off", "spellcheck": "false"},
    )

    def offer(self, item_sets: Sequence[ItemSet]) -> None:
        """Offer these item sets as choices."""
        told_apart = labels(item_sets)
        self._set_names = {f"set:{item_set.id}": item_set.name for item_set in item_sets}
        self.item_set.choices = [
            ("", _("None")),
            ("collection", _("From the DSpace collection")),
            ("new", _("A new item set")),
            *((f"set:{item_set.id}", told_apart[item_set.id]) for item_set in item_sets),
        ]

    def fill(self, options: ImportOptions, ignored: Iterable[str], item_sets: Sequence[ItemSet]) -> None:
        """Fill the form with the options of an earlier import and the repository's ignored fields."""
        ids = {item_set.name: item_set.id for item_set in reversed(item_sets)}
        set_id = options.item_set_id or ids.get(options.item_set or "")
        self.files.data = options.files
        self.file_limit.data = size_text(options.file_limit)
        self.files_limit.data = size_text(options.files_limit)
        self.hours.data = "-".join(options.hours.to_json()) if options.hours else ""
        self.bundles.data = ", ".join(options.bundles)
        self.item_set.data = (
            "collection"
            if options.item_set_from_collection
            else f"set:{set_id}"
            if set_id in {item_set.id for item_set in item_sets}
            else ""
        )
        self.ignored.data = "\n".join(ignored)

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
            test=self.test.data,
            hours=self.hours.data,
            full=self.full.data,
        )
