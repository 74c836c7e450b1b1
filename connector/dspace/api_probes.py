"""Checks whether the REST API of a DSpace answers at one address, and which generation it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from ..characters import storable
from ..errors import BadResponseError, NotFoundError, RepositoryError, RequestRejectedError
from ..http import HttpClient, JsonAnswer
from ..i18n import gettext as _
from .endpoint_candidates import Candidate, base_key, candidate_of
from .records import Server

_LEGACY_ENDPOINTS = ("rest", "RESTapi")
_TRIES = 2
_OR_LATER = "7 or later"
_ROOT_MEMBERS = ("dspaceName", "dspaceServer", "dspaceUI")


@dataclass(frozen=True, slots=True)
class Detected:
    """A DSpace that answered.

    `bases`: the addresses of its API under which the repository may be stored already, the one it reports first.
    `path`: the path of the typed page, after the redirect of a resolver.
    """

    server: Server
    bases: tuple[str, ...]
    path: str = ""


Probe = Callable[[HttpClient, Candidate], Detected]


def probes_for(endpoint: str) -> tuple[tuple[str, Probe], ...]:
    """Return the probes for an endpoint, each with the path below the base that it requests."""
    newer, older = ("", hal), (("/status", _by_status), ("/communities", _by_communities))
    if endpoint == "api" or endpoint.endswith("/api"):
        return (newer,)
    return older if endpoint in _LEGACY_ENDPOINTS else (newer, *older)


def hal(http: HttpClient, candidate: Candidate) -> Detected:
    """Detect DSpace 7 or later. The root of its API names the version ("DSpace 9.3"), unless that is hidden."""
    root, url, _size = http.get_json_from(candidate.base, tries=_TRIES)
    base = _base(url)
    version, generation = _version(http, root, url)
    name, ui = (storable(root[key]) if isinstance(root.get(key), str) else None for key in ("dspaceName", "dspaceUI"))
    place = candidate_of(base)
    server = Server(place.site, base, generation, version, name, ui)
    return Detected(server, _unique(_own_base(root, base), base, candidate.base))


def is_deprecated(server: Server) -> bool:
    """Return whether the server is the deprecated /rest of a DSpace 7."""
    return server.generation == 6 and server.version.startswith("7")


def newer_api(http: HttpClient, candidate: Candidate) -> Detected | None:
    """Return the main API of a DSpace 7 whose deprecated /rest answered, or None if that API does not answer."""
    try:
        return hal(http, Candidate(candidate.site, "server/api"))
    except RepositoryError:
        return None


def _version(http: HttpClient, root: Any, url: str) -> tuple[str, int]:
    """Return the version and generation from the root of an API.

    Raise BadResponseError if it is not the root of a DSpace API.
    """
    version = root.get("dspaceVersion") if isinstance(root, dict) else None
    number = re.search(r"\d[\w.-]*", version) if isinstance(version, str) else None
    if number is not None and _major(number[0]) >= 7:
        return number[0], _generation(number[0])
    if number is None and isinstance(root, dict) and any(isinstance(root.get(name), str) for name in _ROOT_MEMBERS):
        return _OR_LATER, _hidden_generation(http, _base(url))
    raise BadResponseError(_("%(url)s is no DSpace 7 or later.", url=url), url)


def _generation(version: str) -> int:
    """Return 7 to 10. Later versions count as 10. DSpace-CRIS uses years as versions and is based on 7."""
    major = _major(version)
    return 7 if major > 1000 else min(major, 10)


def _major(version: str) -> int:
    """Return the number at the start of a version, of at most nine digits."""
    return int("".join(takewhile(str.isdecimal, version[:9])))


def _hidden_generation(http: HttpClient, base: str) -> int:
    """Return the generation of a server that hides its version.

    10 knows this projection, 7 answers 400, and others answer 404.
    """
    params = [("dsoType", "item"), ("size", 1), ("projection", "allLanguages")]
    try:
        http.get_json(f"{base}/discover/search/objects", params, tries=_TRIES)
    except NotFoundError:
        return 9
    except RequestRejectedError:
        return 7
    return 10


def _own_base(root: dict[str, Any], base: str) -> str:
    """Return the base that the API reports for itself if its host is the same (with or without www.), or `base`.

    Behind a proxy the API may report another host, and a server may report anything.
    """
    links = root.get("_links")
    own = links.get("self") if isinstance(links, dict) else None
    href = own.get("href") if isinstance(own, dict) else None
    if not isinstance(href, str):
        return base
    try:
        named, here = (urlsplit(f"//{base_key(url)}").netloc for url in (href, base))
    except (ValueError, TypeError, AttributeError, RepositoryError):
        return base
    return _base(href) if named and named.removeprefix("www.") == here.removeprefix("www.") else base


def _by_status(http: HttpClient, candidate: Candidate) -> Detected:
    """Detect DSpace 5 and 6, which have /status. 6 reports its version there, to signed-out readers."""
    status, url, _size = http.get_json_from(f"{candidate.base}/status", tries=_TRIES)
    if not isinstance(status, dict) or "okay" not in status:
        raise BadResponseError(_("%(url)s is not the status of a DSpace.", url=url), url)
    base = _base(url.partition("?")[0], "/status")
    version = status.get("sourceVersion")
    if isinstance(version, str) and (major := re.match(r"[4-7](?=\.|$)", version)):
        # The deprecated /rest of DSpace 7 is that of 6.
        return _legacy(candidate, base, min(int(major[0]), 6), storable(version))
    if "sourceVersion" not in status:
        return _legacy(candidate, base, 5)
    return _legacy(candidate, base, 6 if _has_uuids(_communities(http, base)) else 5)


def _by_communities(http: HttpClient, candidate: Candidate) -> Detected:
    """Detect DSpace 4, which has no /status. Its communities have integer ids."""
    answer = _communities(http, candidate.base)
    generation = 6 if _has_uuids(answer) else 4
    return _legacy(candidate, _base(answer.url.partition("?")[0], "/communities"), generation)


def _legacy(candidate: Candidate, base: str, generation: int, version: str = "") -> Detected:
    server = Server(candidate_of(base).site, base, generation, version or f"{generation}.x")
    return Detected(server, _unique(base, candidate.base))


def _communities(http: HttpClient, base: str) -> JsonAnswer:
    # Asked after the status. Some sites have a web page at each of these addresses.
    return http.get_json_from(f"{base}/communities", {"limit": 1}, tries=_TRIES, repeats_pages=False)


def _has_uuids(answer: JsonAnswer) -> bool:
    rows, url, _size = answer
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    if not isinstance(first.get("uuid"), str) and not isinstance(first.get("id"), int):
        raise BadResponseError(_("%(url)s does not list communities of a DSpace.", url=url), url)
    return isinstance(first.get("uuid"), str)


def _base(url: str, asked: str = "") -> str:
    """Return the base of the API that answered at `url` to a request for the path `asked` below it."""
    return url.rstrip("/").removesuffix(asked).rstrip("/")


def _unique(*bases: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(bases))
