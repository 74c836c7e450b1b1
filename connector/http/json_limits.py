"""JSON of servers that nobody vouches for: weighed before it is parsed, so that no answer takes the process with it."""

from __future__ import annotations

import json
import re
from typing import Any

# What CPython takes for the text of an answer depends on its rarest sign: 1, 2 or 4 bytes for each character (PEP 393).
_FOUR_BYTES = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")
_TWO_BYTES = re.compile(rb"[\xc4-\xef]|\\u(?!00)")
# A key, its value and their place in a dict; measured on CPython 3.11 with a million of them.
_VALUE = 200


def weight(body: bytes) -> int:
    """About how many bytes of memory it takes to parse this: its text, once whole and once in strings, and its values.

    Counted from the signs that part values: too many where texts are full of commas, never too few.
    """
    width = 4 if _FOUR_BYTES.search(body) else 2 if _TWO_BYTES.search(body) else 1
    values = sum(body.count(sign) for sign in (b",", b"[", b"{"))
    return 2 * width * len(body) + _VALUE * values


def decode(body: bytes) -> str:
    """The text of JSON, which is UTF-8 (RFC 8259, 8.1), with or without a mark at its start. Raises ValueError."""
    return body.decode("utf-8-sig", "surrogatepass")


def parse(text: str) -> Any:
    """The value. Raises ValueError also for NaN and Infinity, which are no JSON, and for what is nested too deeply."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
