"""Characters that JSON may bring and that databases or encodings refuse: NUL, and halves of surrogate pairs."""

from __future__ import annotations

import re
from typing import overload

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# No encoding writes half of a surrogate pair, and PostgreSQL stores no NUL in a text.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether every database can hold the text as it is."""
    return _UNSTORABLE.search(text) is None


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
def storable(text: str | None) -> str | None:
    """Return the text with U+FFFD for each NUL and half of a surrogate pair. None stays None."""
    return text and _UNSTORABLE.sub(_REPLACEMENT, text)


def encodable(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair, so that UTF-8 can write it."""
    return _LONE_SURROGATE.sub(_REPLACEMENT, text)
