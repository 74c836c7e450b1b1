"""Links to the source: handle URLs and pages of items at the repository, and checks of URLs for `href`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from ..dspace.records import ScopeKind, Server
from ..dspace.urls import PATHS, file_path, is_usable_ui, web_address

_RESOLVERS = {"hdl": "https://hdl.handle.net/", "doi": "https://doi.org/"}
_RESOLVED = re.compile(r"(hdl|doi):(\S+)", re.IGNORECASE)
DOI = re.compile(r"10\.\d{4,9}/[^\s?#]+", re.ASCII)
_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", re.ASCII)
_PATH_SAFE = "/:@!$&'()*+,;=~"


def handle_link(handle: str | None, metadata: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the first `dc.identifier.uri` that is an http or https URL and ends in the item's handle, or None.

    The handle there may be percent-encoded and in another case. A query or fragment is ignored.
    """
    if not handle:
        return None
    ending = f"/{handle}".casefold()
    for entry in metadata:
        address = web_address(entry["value"]) if entry["field"].casefold() == "dc.identifier.uri" else None
        if address and unquote(address.path).casefold().rstrip("/").endswith(ending):
            return str(entry["value"])
    return None


def page_link(server: Server, item_id: str, handle: str | None) -> str:
    """Return the page of an item in DSpace's own user interface (see `scope_link`)."""
    return scope_link(server, ScopeKind.ITEM, item_id, handle)


def scope_link(server: Server, kind: ScopeKind, id: str, handle: str | None) -> str:
    """Return the page of a collection, community, item or repository in DSpace's own user interface.

    Pages are at `ui_url` if a browser can reach it, else at `site_url`, which has no trailing slash. DSpace 7 and later
    identify pages by UUID, DSpace 4 to 6 only by handle, which is also all that OAI-PMH gives. An object whose id is
    its handle was read over OAI-PMH. The link leads to the
    front page for a repository, and for an object without handle in DSpace 4 to 6.
    """
    base = _pages_at(server.site_url, server.ui_url)
    if server.generation < 7 or server.speaks_oai or id == handle:
        return f"{base}/handle/{_quoted(handle, _PATH_SAFE)}" if handle and kind in PATHS else base
    return f"{base}/{PATHS[kind]}/{_quoted(id)}" if kind in PATHS else base


def file_link(server: Server, bitstream_id: str, handle: str | None, sequence: int | None, name: str | None) -> str:
    """Return the address at which DSpace's own user interface offers a file, or that of its item.

    DSpace 4 to 6 identify files by handle and sequence, in both of their user interfaces.
    """
    base = _pages_at(server.site_url, server.ui_url)
    if server.speaks_oai:
        return f"{base}/{file_path(bitstream_id)}"
    if server.generation >= 7:
        return f"{base}/bitstreams/{_quoted(bitstream_id)}/download"
    if not handle or sequence is None:
        return scope_link(server, ScopeKind.ITEM, "", handle)
    return f"{base}/bitstream/{_quoted(handle, _PATH_SAFE)}/{sequence}/{_quoted(name or '')}"


@lru_cache(maxsize=256)
def _pages_at(site_url: str, ui_url: str | None) -> str:
    return ui_url.rstrip("/") if ui_url and is_usable_ui(ui_url, site_url) else site_url


def safe_href(url: str | None) -> str | None:
    """Return a URL that is safe for `href`, or None. hdl: and doi: become URLs of their resolvers.

    Only http and https URLs are safe. They are returned unchanged.
    """
    if url and (named := _RESOLVED.fullmatch(url)):
        return _RESOLVERS[named[1].lower()] + _quoted(named[2], safe=f"{_PATH_SAFE}%")
    return url if web_address(url) else None


def value_href(term: str, text: str) -> str | None:
    """Return the URL to which a value links, or None. Bare DOIs, ORCIDs and handles lead to their resolvers.

    `term`: the term or field of the value, which tells what a bare identifier is. dcterms:identifier has identifiers of
    all kinds. There, only an ORCID with the right check digit is one.
    """
    kind, bare = term.lower(), text.strip()
    is_any = kind == "dcterms:identifier"
    if (is_any or kind.endswith("doi")) and DOI.fullmatch(bare):
        return safe_href(f"doi:{bare}")
    if _ORCID.fullmatch(bare) and (kind.endswith("orcid") or (is_any and _has_check_digit(bare))):
        return f"https://orcid.org/{bare}"
    if kind in ("bibo:handle", "dc.identifier.hdl") and not web_address(bare):
        return safe_href(bare if bare.lower().startswith("hdl:") else f"hdl:{bare}")
    return safe_href(text)


def _has_check_digit(orcid: str) -> bool:
    """Return whether the last character of an ORCID is right (ISO 7064 MOD 11-2)."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[-(total - 1) % 11] == orcid[-1]


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="replace")  # half a surrogate pair has no percent-encoding
