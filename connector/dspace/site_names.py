"""Proposes a name for a DSpace 4 to 6, whose REST API gives none."""

from __future__ import annotations

from contextlib import suppress

from ..characters import storable
from ..errors import RepositoryError
from ..http import HttpClient
from . import html_page
from .records import Server

_LONGEST = 250
# Default titles of DSpace, which name no particular site.
_GENERIC = frozenset({"", "dspace", "dspace jspui", "dspace xmlui", "dspace repository", "dspace at my university"})


def propose_name(http: HttpClient, server: Server) -> str | None:
    """Return the name of the only top community, or else the title of the home page, or None if both say nothing.

    Takes one or two requests. A failed request is no error, because the name is only a proposal.
    """
    with suppress(RepositoryError):
        tops = http.get_json(f"{server.api_url}/communities/top-communities", {"limit": 2}, tries=1)
        if isinstance(tops, list) and len(tops) == 1 and isinstance(name := tops[0].get("name"), str) and name.strip():
            return storable(name.strip())[:_LONGEST]
    with suppress(RepositoryError):
        page = http.get_page(f"{server.ui_url or server.site_url}/")
        return _named_by(html_page.title(page.start)) if page.status == 200 else None
    return None


def _named_by(title: str) -> str | None:
    """Return the title without “Home” at its end (“Digital Library: Home”), or None if it is generic."""
    words = title.split()
    if words and words[-1].lower() == "home":
        words.pop()
    name = " ".join(words).rstrip(" :|–—-")
    return None if name.lower() in _GENERIC else storable(name)[:_LONGEST]
