"""The rules for account names: valid names, equal names, and names that only look alike."""

from __future__ import annotations

import re
from typing import Literal
from unicodedata import normalize

from ..actor import LOCAL, NOBODY, SCHEDULE
from ..errors import InvalidInputError
from ..i18n import gettext as _
from . import audit

MAX_NAME_CHARACTERS = 100
RESERVED = (LOCAL, NOBODY, SCHEDULE, audit.UNKNOWN)
# Printable in Unicode, but invisible: fillers, joiners, variation selectors, the empty Braille pattern.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")


def normalize_name(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """Return the name in this Unicode form, without surrounding spaces. Raise InvalidInputError if it is invalid.

    Spaces are the only invisible characters allowed, because a name must not look empty or like another name. Both
    forms allow the same characters. NFC keeps wide letters, ligatures and the spaces of other scripts unchanged.
    """
    name, plain = (normalize(one, text).strip() for one in (form, "NFKC"))
    fits = plain and max(len(name), len(plain)) <= MAX_NAME_CHARACTERS
    if not fits or not plain.isprintable() or UNSEEN.search(plain) or "," in plain:
        raise InvalidInputError(
            _("A name has 1 to %(most)s visible letters, digits or signs, and no comma.", most=MAX_NAME_CHARACTERS),
            "name",
        )
    if key_of(plain) in RESERVED:
        raise InvalidInputError(_("“%(name)s” is a reserved name. Choose another one.", name=name), "name")
    return name


def key_of(name: str) -> str:
    """Return the key that all spellings of a name share."""
    return normalize("NFKC", name).strip().casefold()


def is_one(name: str, other: str) -> bool:
    """Return whether a directory server treats both spellings as one user. It distinguishes more names than `key_of`.

    A directory ignores case and the difference between composed and decomposed letters.
    """
    return _lowered(name) == _lowered(other)


def _lowered(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).lower())  # J\u030c has no composed form, and \u01f0 is one
