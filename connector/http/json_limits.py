"""Parsing of untrusted JSON. The memory it needs is estimated first, so that no response exhausts the memory."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ..i18n import gettext as _

# CPython stores each character of a text in 1, 2 or 4 bytes, as the widest character requires (PEP 393).
# Each width has an expression for bytes beyond ASCII and one for escapes. Alternatives in one expression are slow.
_FOUR_BYTES = re.compile(rb"[\xf0-\xf4]"), re.compile(rb"\\u[dD][89abAB]")
_TWO_BYTES = re.compile(rb"[\xc4-\xef]"), re.compile(rb"\\u(?!00)")
_SEPARATORS = b",[{"  # one stands before each value
_OTHER_ASCII = bytes(set(range(128)) - set(_SEPARATORS))
# Bytes of a key, its value and their place in a dict, measured on CPython 3.11 with a million of them.
_VALUE = 200


def weight(body: bytes) -> int:
    """Return about how many bytes of memory parsing takes: the text twice (whole and in strings), and its values.

    The values are counted by the characters that separate them. The result is too high for texts full of commas, never
    too low.
    """
    rest = body.translate(None, _OTHER_ASCII)
    escapes = body if b"\\" in body else b""
    is_four, is_two = (
        bool(plain.search(rest) or escaped.search(escapes)) for plain, escaped in (_FOUR_BYTES, _TWO_BYTES)
    )
    width = 4 if is_four else 2 if is_two else 1
    values = sum(map(rest.count, _SEPARATORS))
    return 2 * width * len(body) + _VALUE * values


def decode(body: bytes) -> str:
    """Return the text of JSON, which is UTF-8 (RFC 8259, 8.1), with or without a BOM. Raise ValueError."""
    return body.decode("utf-8-sig", "surrogatepass")


def parse(text: str) -> Any:
    """Return the parsed value. A number that is too large for a float (1e999) is returned as its text.

    Raise ValueError also for NaN and Infinity, which are not JSON, and if the values are nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(_("it is nested too deeply")) from error


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _refuse_constant(name: str) -> None:
    raise ValueError(_("%(name)s is not JSON", name=name))
