"""Completes web addresses as people type them: without scheme, with www., with spaces or brackets around."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from ..errors import InvalidInputError
from ..i18n import gettext as _
from .urls import INVISIBLE

_ENCLOSING = " \t\r\n<>\"'“”‘’«»"
_AFTER = ".,;"  # of the sentence from which an address was copied
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def clean_address(typed: str) -> str:
    """Return a typed address without space, quotes, brackets and the end of a sentence around it.

    Invisible characters in it are left out, too.

    Raise InvalidInputError if it is not an http or https address, complete or without scheme.
    """
    text = INVISIBLE.sub("", typed).strip(_ENCLOSING).rstrip(_AFTER)
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not False
    except ValueError:
        is_usable = False
    if (
        not is_usable
        or any(letter.isspace() for letter in parts.netloc)
        or not (_SCHEME.match(text) or _is_host(parts))
    ):
        raise InvalidInputError(
            _("Enter the address of the repository as in your browser, for example https://repository.example.edu."),
            "url",
        )
    return text


def _is_host(parts: SplitResult) -> bool:
    """Return whether a text without scheme begins with a host: a name with a dot, localhost, or any with a port."""
    labels = (parts.hostname or "").removesuffix(".").split(".")
    if parts.username is not None:
        return False
    if parts.port is not None or labels == ["localhost"]:
        return True
    numbers = [label.isdecimal() for label in labels]
    return len(labels) > 1 and (not numbers[-1] or (all(numbers) and len(labels) == 4))


def address_spellings(address: str) -> list[list[str]]:
    """Return the complete addresses that a cleaned address may mean, in groups of one host each.

    Without scheme, https comes first, then http. If no host has the typed name with www., the name without it follows.
    """
    match = _SCHEME.match(address)
    schemes = [match[0]] if match else ["https://", "http://"]
    rest = address[match.end() :] if match else address
    hosts = [rest, rest[4:]] if rest.lower().startswith("www.") else [rest]
    return [[scheme + host for scheme in schemes] for host in hosts]
