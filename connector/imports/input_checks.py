"""Checks of what people type in the forms of repositories and imports. The command line uses them, too."""

from __future__ import annotations

import re

from ..catalogue.crosswalk_csv import FIELD_PATTERN
from ..dspace.records import ScopeKind
from ..dspace.typed_addresses import clean_address
from ..errors import InvalidInputError
from ..i18n import gettext as _
from ..jobs.schedule import Window, parse_window

LIMIT = range(1, 1001)
_SIZE = re.compile(r"(?P<number>[0-9]{1,18}(?:[.,][0-9]{1,3})?)\s*(?P<unit>[KMGT]?B)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}
_ENDPOINT = re.compile(r"[\w.~-]+(?:/[\w.~-]+)*", re.ASCII)


def check_endpoint(text: str) -> str:
    """Return a path below the site, without outer slashes, or a full URL. Raise InvalidInputError if it is neither."""
    if "://" in text:
        try:
            return clean_address(text)
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
        raise InvalidInputError(_("The limit is a whole number from 1 to 1,000."), "limit")
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
        if not FIELD_PATTERN.fullmatch(line):
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
