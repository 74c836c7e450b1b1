"""The forms of the connection and Import Options pages; all rules for what is typed are here."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import InvalidInput

LIMIT = range(1, 1001)


def check_url(text: str) -> str:
    """A full http or https address, without surrounding space. Raises InvalidInput."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not False
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput("A full address is needed that begins with http:// or https://, as in your browser.", "url")
    return text


def check_limit(text: str | None) -> int | None:
    """A whole number from 1 to 1000, or None for an empty text. Raises InvalidInput."""
    text = (text or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) in LIMIT):
        raise InvalidInput("The limit is a whole number from 1 to 1000.", "limit")
    return int(text)
