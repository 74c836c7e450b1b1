"""Reads members of JSON objects strictly. A missing member, or one of another type, raises BadResponseError.

`required` and `optional` treat strings as identifiers. `label` reads text that is only displayed, and `text` reads text
that is kept unchanged.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ..characters import is_storable, storable
from ..errors import BadResponseError
from ..i18n import gettext as _

T = TypeVar("T")

# The largest integer that all software reads alike (RFC 8259, 6). Sums of such numbers fit in a database column.
_MOST = 2**53 - 1


def required(row: Any, name: str, kind: type[T], url: str) -> T:
    """Return `row[name]`. Raise BadResponseError if it is missing, of another type, or cannot be stored.

    Integers beyond 2^53, and strings with a NUL or half of a surrogate pair, cannot be stored. JSON's true and false do
    not count as integers.
    """
    value = row.get(name) if isinstance(row, dict) else None
    if type(value) is not kind:
        raise _mistyped(name, url)
    if isinstance(value, int) and not -_MOST <= value <= _MOST:
        raise BadResponseError(
            _(
                "%(url)s did not answer as DSpace does: the number “%(name)s” is too large.",
                url=url,
                name=storable(name),
            ),
            url,
        )
    if isinstance(value, str) and not is_storable(value):
        raise BadResponseError(
            _(
                "%(url)s did not answer as DSpace does: “%(name)s” has characters that cannot be stored.",
                url=url,
                name=name,
            ),
            url,
        )
    return value


def optional(row: Any, name: str, kind: type[T], url: str) -> T | None:
    """Return `row[name]` with the checks of `required`, or None if it is missing or null."""
    if isinstance(row, dict) and row.get(name) is None:
        return None
    return required(row, name, kind, url)


def label(row: Any, name: str, url: str) -> str | None:
    """Return a string that is only displayed, or None. U+FFFD replaces characters that cannot be stored."""
    return storable(text(row, name, url))


def text(row: Any, name: str, url: str) -> str | None:
    """Return a metadata string unchanged, or None. It may contain NUL and halves of surrogate pairs."""
    if isinstance(row, dict) and ((value := row.get(name)) is None or isinstance(value, str)):
        return value
    raise _mistyped(name, url)


def _mistyped(name: str, url: str) -> BadResponseError:
    return BadResponseError(
        _(
            "%(url)s did not answer as DSpace does: “%(name)s” is missing or of another type.",
            url=url,
            name=storable(name),
        ),
        url,
    )
