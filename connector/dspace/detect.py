"""Which DSpace answers below an address: few probes, and the most helpful sentence when there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ..errors import (
    BadAnswer,
    BotWall,
    InvalidInput,
    NoAddress,
    NotDSpace,
    NotFound,
    Rejected,
    RepositoryError,
    Restricted,
    ServerTrouble,
    UnknownHost,
    Unreachable,
)
from ..http import Http
from . import web_page
from .paths import interface_of, without_object
from .records import Server

KNOWN_ENDPOINTS = ("rest", "server/api", "api", "RESTapi")
_HAL_ENDPOINTS = ("server/api", "api")
_LEGACY_ENDPOINTS = ("rest", "RESTapi")
_TRIES = 2
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OLDEST = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where an API may be: `site` and `endpoint` make its base."""

    site: str
    endpoint: str

    @property
    def base(self) -> str:
        return f"{self.site}/{self.endpoint}"


def detect(http: Http, url: str, endpoint: str) -> Server:
    """The DSpace at an address: of its site, of its API, or of any of its pages.

    The endpoint typed is tried first, then the known ones, below the path of the URL and each path above it.
    Raises InvalidInput for what is no web address, NotDSpace, or what kept us from looking (Unreachable, Restricted …).
    """
    candidates = list(_candidates(url, endpoint.strip().strip("/")))
    troubles: list[RepositoryError] = []
    for candidate in candidates:
        for probe in _probes(candidate.endpoint):
            try:
                server = probe(http, candidate)
            except UnknownHost:
                raise
            except (BadAnswer, NotFound, Rejected, Restricted, ServerTrouble, Unreachable) as error:
                troubles.append(error)
                _give_up_on_silence(troubles)
                continue
            newer = _newer_api(http, candidate) if _is_deprecated(server) else None
            return newer or _with_pages(server, url)
    raise _verdict(http, candidates, troubles)


def _candidates(url: str, endpoint: str) -> Iterator[Candidate]:
    """Where to look, most likely first: where the URL itself names an API, then below each part of its path."""
    root, path = _parts(url)
    endpoints = tuple(dict.fromkeys(filter(None, (endpoint, *KNOWN_ENDPOINTS))))
    found = dict[Candidate, None]()
    for name in sorted(endpoints, key=len, reverse=True):
        before, named, _ = f"{path}/".partition(f"/{name}/")
        if named:
            found[Candidate(root + before, name)] = None
    above = without_object(path)
    while True:
        found.update(dict.fromkeys(Candidate(root + above, name) for name in endpoints))
        if not above:
            break
        above = above.rpartition("/")[0]
    tried = set[str]()
    for candidate in found:
        if candidate.base not in tried:
            tried.add(candidate.base)
            yield candidate


def _parts(url: str) -> tuple[str, str]:
    """Scheme and host in their plainest form, and the path without trailing slash. Raises InvalidInput."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{url} is not a web address.", "url") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InvalidInput("Type a full web address that begins with http:// or https://", "url")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("Leave user name and password out of the address.", "url")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return f"{parts.scheme}://{shown}", re.sub("/+", "/", parts.path).rstrip("/")


def _probes(endpoint: str) -> tuple[Callable[[Http, Candidate], Server], ...]:
    if endpoint in _HAL_ENDPOINTS:
        return (_hal,)
    legacy = (_by_status, _by_communities)
    return legacy if endpoint in _LEGACY_ENDPOINTS else (_hal, *legacy)


def _hal(http: Http, candidate: Candidate) -> Server:
    """DSpace 7 and later: the root of the API names the version ("DSpace 9.3")."""
    root = http.get_json(candidate.base, tries=_TRIES)
    version = root.get("dspaceVersion") if isinstance(root, dict) else None
    number = re.search(r"\d[\w.-]*", version) if isinstance(version, str) else None
    if number is None or int(re.match(r"\d+", number[0])[0]) < 7:
        raise BadAnswer(f"{candidate.base} is no DSpace 7 or later.", candidate.base)
    name, ui = (root[key] if isinstance(root.get(key), str) else None for key in ("dspaceName", "dspaceUI"))
    return Server(candidate.site, candidate.base, _generation(number[0]), number[0], name, ui)


def _generation(version: str) -> int:
    """7 to 10. Newer ones speak as 10 does; DSpace-CRIS counts by years, and was built on 7 until now."""
    major = int(re.match(r"\d+", version)[0])
    return 7 if major > 1000 else min(major, 10)


def _by_status(http: Http, candidate: Candidate) -> Server:
    """DSpace 5 and 6 have /status; 6 names its version there, to readers who are not signed in."""
    status = http.get_json(f"{candidate.base}/status", tries=_TRIES)
    if not isinstance(status, dict) or "okay" not in status:
        raise BadAnswer(f"{candidate.base}/status is not the status of a DSpace.", candidate.base)
    version = status.get("sourceVersion")
    if isinstance(version, str) and (major := re.match(r"[4-7](?=\.|$)", version)):
        # The deprecated /rest of DSpace 7 is that of 6.
        return Server(candidate.site, candidate.base, min(int(major[0]), 6), version)
    if "sourceVersion" not in status:
        return Server(candidate.site, candidate.base, 5, "5.x")
    generation = 6 if _has_uuids(http, candidate) else 5
    return Server(candidate.site, candidate.base, generation, f"{generation}.x")


def _by_communities(http: Http, candidate: Candidate) -> Server:
    """DSpace 4 has no /status: its communities have integer ids."""
    generation = 6 if _has_uuids(http, candidate) else 4
    return Server(candidate.site, candidate.base, generation, f"{generation}.x")


def _has_uuids(http: Http, candidate: Candidate) -> bool:
    url = f"{candidate.base}/communities"
    rows: Any = http.get_json(url, {"limit": 1}, tries=_TRIES)
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    if not isinstance(first.get("uuid"), str) and not isinstance(first.get("id"), int):
        raise BadAnswer(f"{url} does not list communities of a DSpace.", url)
    return isinstance(first.get("uuid"), str)


def _with_pages(server: Server, url: str) -> Server:
    """The same; of 4 to 6, whose API does not tell, with the user interface that the URL typed leads to."""
    root, path = _parts(url)
    interface = interface_of(path) if server.generation < 7 else None
    return replace(server, ui_url=root + interface) if interface else server


def _is_deprecated(server: Server) -> bool:
    return server.generation == 6 and server.version.startswith("7")


def _newer_api(http: Http, candidate: Candidate) -> Server | None:
    """The API a DSpace 7 has beside its deprecated /rest, if it answers."""
    try:
        return _hal(http, Candidate(candidate.site, "server/api"))
    except RepositoryError:
        return None


def _give_up_on_silence(troubles: list[RepositoryError]) -> None:
    """A host that gave no answer at all twice will not give one elsewhere."""
    silent = [error for error in troubles if isinstance(error, Unreachable)]
    if len(silent) == 2:
        raise silent[0]


def _verdict(http: Http, candidates: list[Candidate], troubles: list[RepositoryError]) -> RepositoryError:
    """What was wrong, in the one sentence that helps most."""
    for kind in (BotWall, Restricted, ServerTrouble, Unreachable, NoAddress):
        for error in troubles:
            if isinstance(error, kind):
                return error
    bases = ", ".join(candidate.base for candidate in candidates[:4])
    more = "" if len(candidates) <= 4 else f" and {len(candidates) - 4} more places"
    site = candidates[0].site
    version = _version_of_pages(http, site)
    if version and int(version.partition(".")[0]) < _OLDEST:
        sentence = f"{site} is a DSpace {version}. DSpace {_OLDEST} is the oldest that can be imported from."
        return NotDSpace(sentence, site)
    kind = f"DSpace {version}" if version else "web site"
    switched_off = " Its administrator may have to switch it on." if version else ""
    sentence = f"There is a {kind} at {site}, but no DSpace REST API was found under {bases}{more}.{switched_off}"
    return NotDSpace(sentence, site)


def _version_of_pages(http: Http, site: str) -> str | None:
    """Return the version that the pages of DSpace name to search engines (1 to 6), or None."""
    try:
        return web_page.dspace_version(http.get_start(f"{site}/"))
    except RepositoryError:
        return None
