"""Reads facts from the start of a web page, with a parser of linear cost, as pages come from unknown servers.

The HTML parser of the standard library needs seconds for some pages of 64 KiB, and blocks all other threads.
"""

from __future__ import annotations

import re

from lxml import etree

_DSPACE = re.compile(r"DSpace ([0-9]{1,9}(?:\.[0-9]{1,9}){0,9})")


def parse(page: bytes) -> etree._Element | None:
    """Return the root element of an HTML page that may be cut off, or None if it has no element."""
    return etree.fromstring(page, etree.HTMLParser(no_network=True, remove_comments=True))


def dspace_version(page: bytes) -> str | None:
    """Return the version that a page of DSpace 1 to 6 names (`<meta name="Generator" content="DSpace 6.3">`)."""
    root = parse(page)
    contents = [] if root is None else root.xpath("//meta/@content")
    return next((found[1] for content in contents if (found := _DSPACE.match(content))), None)


def asks_for_password(page: bytes) -> bool:
    """Return whether a page has a password field, as login pages do."""
    root = parse(page)
    return root is not None and any(kind.lower() == "password" for kind in root.xpath("//input/@type"))


def title(page: bytes) -> str:
    """Return the title of a page, or "" if it has none."""
    root = parse(page)
    return "" if root is None else str(root.findtext(".//title") or "")
