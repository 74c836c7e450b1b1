"""The way back to the original: an item's handle address, its page at the repository, and what an `href` may hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ..dspace.records import ScopeKind

_PAGES = {ScopeKind.ITEM: "items", ScopeKind.COLLECTION: "collections", ScopeKind.COMMUNITY: "communities"}
_INNER_NAMES = (".local", ".localhost", ".internal", ".invalid")
_RESOLVERS = {"hdl": "https://hdl.handle.net/", "doi": "https://doi.org/"}
_RESOLVED = re.compile(r"(hdl|doi):(\S+)", re.IGNORECASE)
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]")
_PATH_SAFE = "/:@!$&'()*+,;=~"


def handle_link(handle: str | None, metadata: Iterable[Mapping[str, Any]]) -> str | None:
    """The first `dc.identifier.uri` of the item that is an http or https address and ends in its handle, or None.

    The handle may be percent-encoded there and in another case; a query or fragment is not looked at.
    """
    if not handle:
        return None
    ending = f"/{handle}".casefold()
    for entry in metadata:
        address = _web_address(entry["value"]) if entry["field"].casefold() == "dc.identifier.uri" else None
        if address and unquote(address.path).casefold().rstrip("/").endswith(ending):
            return entry["value"]
    return None


def page_link(site_url: str, ui_url: str | None, generation: int, item_id: str, handle: str | None) -> str:
    """The page of an item in DSpace's own user interface; arguments and result as for `scope_link`."""
    return scope_link(site_url, ui_url, generation, ScopeKind.ITEM, item_id, handle)


def scope_link(site_url: str, ui_url: str | None, generation: int, kind: ScopeKind, id: str, handle: str | None) -> str:
    """The page of a collection, community, item or repository in DSpace's own user interface.

    They stand at `ui_url` where a browser can use that, else at `site_url`, which is without trailing slash.
    Generations 7 and later have them by uuid, 4 to 6 by handle only: what has none leads to the front page, as does the
    repository itself.
    """
    base = _pages_at(site_url, ui_url)
    if generation < 7:
        return f"{base}/handle/{_quoted(handle, _PATH_SAFE)}" if handle and kind in _PAGES else base
    return f"{base}/{_PAGES[kind]}/{_quoted(id)}" if kind in _PAGES else base


@lru_cache(maxsize=256)
def _pages_at(site_url: str, ui_url: str | None) -> str:
    return ui_url.rstrip("/") if ui_url and _is_usable(ui_url, site_url) else site_url


def safe_href(url: str | None) -> str | None:
    """What may stand in an `href`: an http or https address as it is, hdl: and doi: by their resolvers; else None."""
    if url and (named := _RESOLVED.fullmatch(url)):
        return _RESOLVERS[named[1].lower()] + _quoted(named[2], safe=f"{_PATH_SAFE}%")
    return url if _web_address(url) else None


def _web_address(url: str | None) -> SplitResult | None:
    if not url or _NOT_IN_A_URL.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:  # "http://[": not an address
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="replace")  # half a surrogate pair has no percent-encoding


def _is_usable(ui_url: str, site_url: str) -> bool:
    """Many servers name an address that only they can use (DSpace's default is http://localhost:4000)."""
    ui = _web_address(ui_url)
    return ui is not None and (ui.hostname == urlsplit(site_url).hostname or _is_public(ui.hostname))


def _is_public(host: str) -> bool:
    """Whether the name or IP literal can mean something outside the network it was written in."""
    try:
        return ip_address(host).is_global
    except ValueError:
        name = host.rstrip(".")
        return "." in name and not name.endswith(_INNER_NAMES)
