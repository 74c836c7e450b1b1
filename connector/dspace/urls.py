"""Finds the object that the path of a page shows, in the interfaces and APIs of DSpace 4 to 10. Sends no requests."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .records import ScopeKind

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# A prefix may be any text. Registered prefixes are numbers with dots, but a site may set its own.
_HANDLE = r"[^/\s?#]+/[^/\s?#]+"
_NUMBERED_HANDLE = r"\d+(?:\.\w+)*/[^/\s?#]+"
_IS_UUID = re.compile(_UUID)
_IS_HANDLE = re.compile(rf"(?:hdl:|info:hdl/)?({_HANDLE})")
_IS_NUMBERED_HANDLE = re.compile(_NUMBERED_HANDLE)
# The names of kinds in the paths of pages and of the API.
PATHS = {ScopeKind.COLLECTION: "collections", ScopeKind.COMMUNITY: "communities", ScopeKind.ITEM: "items"}
KINDS = {path: kind for kind, path in PATHS.items()}

# /handle/…: JSPUI, XMLUI and Angular; /items/… and /entities/TYPE/…: Angular; /core/items/… and /items/7: the APIs.
# /bitstream/HANDLE/… (JSPUI) and /bitstream/handle/HANDLE/… (XMLUI): a file, whose address has the handle of its item.
_OBJECT = re.compile(
    rf"(?P<before>.*?)/(?:(?:bitstream/handle|bitstream(?!/id/)|handle)/(?P<handle>{_HANDLE})"
    rf"|(?:(?P<kind>{'|'.join(KINDS)})|entities/[^/]+)/(?P<id>{_UUID}|\d+))(?:/.*)?",
    re.DOTALL,
)

_BITSTREAM = re.compile(rf".*?/bitstreams/(?P<id>{_UUID})(?:/.*)?", re.DOTALL)
_BITSTREAM_ADDRESS = re.compile(rf"(?i:https?)://[^?#]*?/bitstreams/({_UUID})(?![^/;?#])")
# Pages of the user interfaces that show no object: /home, /search?query=…, /xmlui/discover, /browse/title
_PAGE = re.compile(
    r"(?P<before>.*?)/(?:home|search|browse|discover|simple-search|advanced-search|community-list|communities|collections"
    r"|bitstreams?|login|password-login|mydspace|statistics|info)(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)

# Servlet containers add these to a path for browsers without cookies: `;jsessionid=0A1B`.
_PARAMETERS = re.compile(r";[^/]*")
# Zero-width characters, which come with text copied from web pages and documents.
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SENTENCE_END = ".,:;!\"'”’»>]"

_INNER_NAMES = (".local", ".localhost", ".internal", ".invalid")
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]")
_INTERFACE = re.compile(r"(.*?/(?:jspui|xmlui))(?:/.*)?", re.IGNORECASE | re.DOTALL)


def without_parameters(path: str) -> str:
    """Return the path without path parameters (`;jsessionid=…`), otherwise unchanged."""
    return _PARAMETERS.sub("", path)


def plain_path(path: str) -> str:
    """Return the decoded path without path parameters and invisible characters."""
    return INVISIBLE.sub("", unquote(without_parameters(path)))


def object_of(path: str) -> tuple[ScopeKind | None, str] | None:
    """Return the kind and the identifier of the object that a page shows, or None. A handle has no kind (None)."""
    match = _OBJECT.fullmatch(plain_path(path))
    if match is None:
        return None
    if match["handle"]:
        return None, _without_sentence_end(match["handle"])
    return KINDS.get(match["kind"], ScopeKind.ITEM), match["id"]


def without_object(path: str) -> str:
    """Return the path before the part that names an object, without trailing slash."""
    plain = plain_path(path)
    match = _OBJECT.fullmatch(plain)
    return (plain if match is None else match["before"]).rstrip("/")


def bitstream_of(path: str) -> str | None:
    """Return the uuid of the file that a page or the API of DSpace 7 and later shows, or None."""
    match = _BITSTREAM.fullmatch(plain_path(path))
    return match["id"] if match else None


def bitstream_at(address: str) -> str | None:
    """Return the uuid in the address of a file, as OAI-PMH of DSpace 7 and later gives it, or None.

    It takes a seventh of the time of `path_of` and `bitstream_of`, and an item may have many files.
    """
    match = _BITSTREAM_ADDRESS.match(address)
    return match[1] if match else None


def without_page(path: str) -> str:
    """Return the path before the name of a page of the user interface, without trailing slash."""
    match = _PAGE.fullmatch(path)
    return (path if match is None else match["before"]).rstrip("/")


def interface_of(path: str) -> str | None:
    """Return the part of a path that all pages of the user interface of a DSpace 4 to 6 share, or None."""
    match = _INTERFACE.fullmatch(path)
    return match[1] if match else None


def handle_in(text: str) -> str | None:
    """Return the handle in `123456789/7`, `hdl:123456789/7`, a handle page or an address at a resolver, or None."""
    text = INVISIBLE.sub("", text).strip()
    if (path := path_of(text)) is None:
        match = _IS_HANDLE.fullmatch(text)
        return _without_sentence_end(match[1]) if match else None
    if found := object_of(path):
        kind, identifier = found
        return identifier if kind is None else None
    # In other paths, only a numeric prefix distinguishes a handle from a path such as /xmlui/discover.
    at_resolver = _IS_NUMBERED_HANDLE.fullmatch(plain_path(path).strip("/"))
    return _without_sentence_end(at_resolver[0]) if at_resolver else None


def _without_sentence_end(handle: str) -> str:
    """Return the handle without the punctuation that followed it in the text that it was copied from."""
    bare = handle.rstrip(_SENTENCE_END)
    return bare if "(" in bare else bare.rstrip(f"){_SENTENCE_END}")


def path_of(text: str) -> str | None:
    """Return the path of an http or https address, or None for other text."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts.path if parts.scheme in ("http", "https") else None


def is_uuid(text: str) -> bool:
    """Return whether the text is a uuid, the form of ids on DSpace 6 and later."""
    return _IS_UUID.fullmatch(text) is not None


def file_path(bitstream_id: str) -> str:
    """Return the path at which the user interface of DSpace offers a file that was listed over OAI-PMH.

    Its id is a uuid, or HANDLE/SEQUENCE/NAME before DSpace 7.
    """
    return f"bitstreams/{bitstream_id}/download" if is_uuid(bitstream_id) else f"bitstream/{quote(bitstream_id)}"


def web_address(url: str | None) -> SplitResult | None:
    """Return the parts of an http or https address with a host, or None for any other text."""
    if not url or _NOT_IN_A_URL.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:  # for example "http://["
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def is_usable_ui(ui_url: str, site_url: str) -> bool:
    """Return whether browsers can use the address. Many servers give an internal one, such as DSpace's default.

    The default is http://localhost:4000.
    """
    ui = web_address(ui_url)
    return ui is not None and (ui.hostname == urlsplit(site_url).hostname or _is_public(ui.hostname or ""))


def _is_public(host: str) -> bool:
    """Return whether the host name or IP address can be reached from outside its own network."""
    try:
        return ip_address(host).is_global
    except ValueError:
        name = host.rstrip(".")
        return "." in name and not name.endswith(_INNER_NAMES)
