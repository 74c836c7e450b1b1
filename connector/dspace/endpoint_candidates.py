"""Lists the addresses where the REST API or OAI-PMH of a DSpace may be, from a typed address. Sends no requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

from ..errors import InvalidInputError
from ..i18n import gettext as _
from .urls import without_object, without_page, without_parameters

KNOWN_ENDPOINTS = ("rest", "server/api", "api", "RESTapi")
OAI_ENDPOINTS = ("oai/request", "server/oai/request", "dspace-oai/request")
ALL_ITEMS = "request"  # the context of OAI-PMH that leaves out and changes nothing
_LONGEST_FIRST = sorted((*KNOWN_ENDPOINTS, *OAI_ENDPOINTS), key=len, reverse=True)
_OAI = re.compile(r"(?:^|[/-])oai(?:/|$)", re.IGNORECASE)
_CONTEXT = re.compile(r"(.*(?:^|[/-])oai)/[^/]+", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The HAL browser of DSpace 7 and later shows the API behind a #: /server/#/server/api/core/items
_API_IN_FRAGMENT = re.compile(r"(?:https?:/)?/(?:[^#]*/)?api(?:[/?].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A normalized web address. `root`: scheme and host; `path`: without trailing slash."""

    root: str
    path: str

    @property
    def host(self) -> str:
        """Return the host name without the port."""
        return urlsplit(self.root).hostname or ""

    def prefixes(self) -> Iterator[str]:
        """Yield the path without the part that names an object or page, each shorter path, "", then the page itself.

        A site may be at /home, too.
        """
        whole = without_object(self.path)
        path = site = without_page(whole)
        while path:
            yield path
            path = path.rpartition("/")[0]
        yield ""
        if whole != site:
            yield whole


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where an API may be. `site` and `endpoint` form its base."""

    site: str
    endpoint: str

    @property
    def base(self) -> str:
        """Return the URL of the API without a slash at its end."""
        return f"{self.site}/{self.endpoint}"


def address_of(url: str) -> Address:
    """Return the parts of a typed address. Raise InvalidInputError if it is not a web address."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise InvalidInputError(_("%(url)s is not a web address.", url=url), "url") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InvalidInputError(_("Type a full web address that begins with http:// or https://"), "url")
    if parts.username is not None or parts.password is not None:
        raise InvalidInputError(_("Leave user name and password out of the address."), "url")
    path = parts.path
    if _API_IN_FRAGMENT.fullmatch(parts.fragment):
        if not parts.fragment.startswith("/"):
            return address_of(parts.fragment)
        path = urlsplit(f"//host{parts.fragment}").path
    host = plain_host(parts)
    shown = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return Address(f"{parts.scheme}://{shown}", re.sub("/+", "/", without_parameters(path)).rstrip("/"))


def plain_host(parts: SplitResult) -> str:
    """Return the host in lower case, without final dot, and with non-ASCII letters in their xn-- form."""
    host = (parts.hostname or "").removesuffix(".")
    if ":" in host:
        return f"[{host}]"
    if host.isascii():
        return host
    try:
        return idna.encode(host, strict=True, std3_rules=True).decode()
    except idna.IDNAError:  # the request to this host reports the error
        return host


def base_key(url: str) -> str:
    """Return a key that is equal for equal addresses: host, port unless it is a default port, and path."""
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, *_DEFAULT_PORTS.values()) else None
    return plain_host(parts) + (f":{port}" if port else "") + parts.path.rstrip("/")


def candidate_of(base: str) -> Candidate:
    """Return the candidate with this base. The same base always gives the same site and endpoint."""
    for name in _LONGEST_FIRST:
        if base.endswith(f"/{name}"):
            return Candidate(base.removesuffix(f"/{name}"), name)
    root = "{0.scheme}://{0.netloc}".format(urlsplit(base))
    return Candidate(root, base.removeprefix(root).strip("/"))


def candidates(url: str, endpoint: str) -> list[Candidate]:
    """Return the candidates, most likely first: the typed endpoint, then the known ones below the address.

    `endpoint` is a path below the site or a full address. Raise InvalidInputError if an address is invalid.
    """
    address, endpoint = address_of(url), endpoint.strip()
    if "://" in endpoint:
        own = address_of(endpoint)
        exact = [own.root + path for path in _with_api(own.path)]
        found = [*map(candidate_of, exact), *_around(own, KNOWN_ENDPOINTS), *_around(address, KNOWN_ENDPOINTS)]
    else:
        found = list(_around(address, dict.fromkeys((*_with_api(endpoint.strip("/")), *KNOWN_ENDPOINTS))))
    return _each_once(found)


def names_oai(url: str, endpoint: str) -> bool:
    """Return whether the typed endpoint or address is that of OAI-PMH."""
    own = address_of(endpoint).path if "://" in endpoint else endpoint.strip("/ ")
    return any(_OAI.search(path) for path in (own, address_of(url).path))


def oai_candidates(url: str, endpoint: str) -> list[Candidate]:
    """Return the candidates for OAI-PMH, most likely first: the typed endpoint, then the known ones.

    Arguments and errors are those of `candidates`.
    """
    address, endpoint = address_of(url), endpoint.strip()
    if "://" in endpoint:
        own = address_of(endpoint)
        exact = [candidate_of(own.root + path) for path in _with_request(own.path)]
        return _each_once([*exact, *_around(own, OAI_ENDPOINTS), *_around(address, OAI_ENDPOINTS)])
    typed = [] if endpoint in KNOWN_ENDPOINTS else _with_request(endpoint.strip("/"))
    return _each_once(_around(address, dict.fromkeys((*typed, *OAI_ENDPOINTS))))


def _each_once(found: Iterable[Candidate]) -> list[Candidate]:
    first: dict[str, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.base, candidate)
    return list(first.values())


def _with_request(path: str) -> list[str]:
    """Return a path, and before it that of all items: beside another context, or below it, as /oai shows a page."""
    if path.endswith(f"/{ALL_ITEMS}"):
        return [path]
    context = _CONTEXT.fullmatch(path)
    return [f"{context[1] if context else path}/{ALL_ITEMS}", path]


def _with_api(path: str) -> Iterator[str]:
    """Yield a path, if it is not empty, and the API below it: DSpace itself calls /server its namespace."""
    if path:
        yield path
        if path not in KNOWN_ENDPOINTS and not path.endswith("/api"):
            yield f"{path}/api"


def _around(address: Address, endpoints: Iterable[str]) -> Iterator[Candidate]:
    """Yield the candidate that the address itself names, then the endpoints below each part of its path."""
    names = list(endpoints)
    for name in sorted(names, key=len, reverse=True):
        before, named, _rest = f"{address.path}/".partition(f"/{name}/")
        if named:
            yield Candidate(address.root + before, name)
    for prefix in address.prefixes():
        yield from (Candidate(address.root + prefix, name) for name in names)
