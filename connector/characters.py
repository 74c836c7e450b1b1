"""Characters in JSON that databases or encodings refuse: NUL and lone surrogates (halves of surrogate pairs)."""

from __future__ import annotations

import re
from typing import overload

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# UTF-8 cannot encode a lone surrogate, and PostgreSQL stores no NUL in a text.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether every database can store the text unchanged."""
    if text.isascii():  # much faster than the expression
        return "\0" not in text
    return _UNSTORABLE.search(text) is None


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
def storable(text: str | None) -> str | None:
    """Return the text with U+FFFD for each NUL and each lone surrogate. None stays None."""
    return text if text is None or is_storable(text) else _UNSTORABLE.sub(_REPLACEMENT, text)


def encodable(text: str) -> str:
    """Return the text with U+FFFD for each lone surrogate, so that it can be encoded as UTF-8."""
    return _LONE_SURROGATE.sub(_REPLACEMENT, text)
