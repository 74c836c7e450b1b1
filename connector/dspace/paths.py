"""Which object the path of a page shows, in the user interfaces and APIs of DSpace 4 to 10. Pure: asks nobody."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from .records import ScopeKind

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HANDLE = r"\d+(?:\.\w+)*/[^/\s?#]+"
_IS_UUID = re.compile(_UUID)
_IS_HANDLE = re.compile(rf"(?:hdl:|info:hdl/)?({_HANDLE})")
_KINDS = {"collections": ScopeKind.COLLECTION, "communities": ScopeKind.COMMUNITY, "items": ScopeKind.ITEM}

# /handle/…: JSPUI, XMLUI and Angular; /items/… and /entities/TYPE/…: Angular; /core/items/… and /items/7: the APIs.
_OBJECT = re.compile(
    rf"(?P<before>.*?)/(?:handle/(?P<handle>{_HANDLE})"
    rf"|(?:(?P<kind>{'|'.join(_KINDS)})|entities/[^/]+)/(?P<id>{_UUID}|\d+))(?:/.*)?"
)

_INTERFACE = re.compile(r"(.*?/(?:jspui|xmlui))(?:/.*)?", re.IGNORECASE)


def object_of(path: str) -> tuple[ScopeKind | None, str] | None:
    """The kind (None for a handle, which does not tell) and the identifier of what a page shows, or None."""
    match = _OBJECT.fullmatch(unquote(path))
    if match is None:
        return None
    if match["handle"]:
        return None, match["handle"]
    return _KINDS.get(match["kind"], ScopeKind.ITEM), match["id"]


def without_object(path: str) -> str:
    """The path before the part that names an object, without trailing slash."""
    match = _OBJECT.fullmatch(unquote(path))
    return (path if match is None else match["before"]).rstrip("/")


def interface_of(path: str) -> str | None:
    """The part of a path that all pages of the user interface of a DSpace 4 to 6 share, where it tells."""
    match = _INTERFACE.fullmatch(path)
    return match[1] if match else None


def handle_in(text: str) -> str | None:
    """The handle in `123456789/7`, `hdl:123456789/7`, a handle page or an address at a resolver, or None."""
    text = text.strip()
    if (path := path_of(text)) is not None:
        path = unquote(path)
        match = _OBJECT.fullmatch(path)
        text = match["handle"] or "" if match else path.strip("/")
    match = _IS_HANDLE.fullmatch(text)
    return match[1] if match else None


def path_of(text: str) -> str | None:
    """The path of an http or https address; None for what is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts.path if parts.scheme in ("http", "https") else None


def is_uuid(text: str) -> bool:
    """Is it an id as DSpace 6 and later give them?"""
    return _IS_UUID.fullmatch(text) is not None
