"""The addresses under which other publishers may have stored an item of a repository. It only computes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

_RESOLVER = "hdl.handle.net"


def addresses_of(handle: str | None, given: str | None, sites: Iterable[str]) -> frozenset[str]:
    """Return the addresses of an item: the given one, and its handle at the resolver and at the repository.

    `given`: the address in its metadata. `sites`: addresses of the repository for people, without slash at the end.
    Each address occurs with http and https, and those of the repository with and without "www.".
    """
    known = {given} if given else set()
    if handle:
        pages = {f"{_RESOLVER}/{handle}", *(f"{place}/handle/{handle}" for place in _places(sites))}
        known |= {f"{scheme}://{page}" for scheme in ("http", "https") for page in pages}
    return frozenset(known)


def _places(sites: Iterable[str]) -> Collection[str]:
    """Return host and path of the sites, with and without "www."."""
    found = set()
    for site in sites:
        parts = urlsplit(site)
        bare = parts.netloc.lower().removeprefix("www.")
        found |= {f"{host}{parts.path.rstrip('/')}" for host in (bare, f"www.{bare}")}
    return found
