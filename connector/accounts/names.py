"""The names of accounts: which there may be, which are one, and which are only like each other."""

from __future__ import annotations

import re
from typing import Literal
from unicodedata import normalize

from ..actor import LOCAL, NOBODY, SCHEDULE
from ..errors import InvalidInputError
from . import audit

LONGEST = 100
RESERVED = (LOCAL, NOBODY, SCHEDULE, audit.UNKNOWN)
# What Unicode counts as printable and nobody sees: fillers, joiners, variation selectors, the empty pattern of Braille.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")


def checked(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """The name without spaces around it, in this Unicode form. Raises InvalidInputError.

    Spaces are the only characters in it that nobody sees: a name must not look empty, or like another one. NFC keeps
    wide letters, ligatures and the spaces of other scripts as they are; what may be in a name is the same.
    """
    name, plain = (normalize(one, text).strip() for one in (form, "NFKC"))
    fits = plain and max(len(name), len(plain)) <= LONGEST
    if not fits or not plain.isprintable() or UNSEEN.search(plain) or "," in plain:
        raise InvalidInputError(f"A name has 1 to {LONGEST} visible letters, digits or signs, and no comma.", "name")
    if key_of(plain) in RESERVED:
        raise InvalidInputError(f"“{name}” has a meaning of its own here: choose another name.", "name")
    return name


def key_of(name: str) -> str:
    """What two spellings of the same name have in common."""
    return normalize("NFKC", name).strip().casefold()


def is_one(name: str, other: str) -> bool:
    """Whether both name one person to a directory, which tells more names apart than `key_of` does.

    Upper and lower case are the same to it, and the composed and decomposed form of a letter.
    """
    return _lowered(name) == _lowered(other)


def _lowered(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).lower())  # J\u030c has no composed form, and \u01f0 is one
