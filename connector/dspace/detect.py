"""Finds the DSpace at an address with few requests, and raises the most helpful error if there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..errors import (
    BadResponseError,
    DamagedResponseError,
    InvalidInputError,
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
    UnknownHostError,
    UnreachableError,
)
from ..http import HttpClient
from .api_probes import Detected, Probe, is_deprecated, newer_api, probes_for
from .discovery_errors import Trouble, discovery_error
from .endpoint_candidates import Address, Candidate, address_of, candidate_of, candidates, names_oai, oai_candidates
from .oai_probe import oai_server
from .records import Server
from .urls import handle_in, interface_of, object_of

# Permanent addresses that lead to the pages of a repository.
_RESOLVERS = frozenset({"hdl.handle.net", "doi.org", "dx.doi.org", "www.doi.org", "n2t.net", "nbn-resolving.org"})
# What a REST API that exists, but fails for now, answers at its own address.
_FAILING = (DamagedResponseError, ServerError, UnreachableError)
_SILENT = 2  # requests without any answer before the search of a host stops
_MOST_CONFIGURATIONS = 3


def detect(http: HttpClient, url: str, endpoint: str) -> Detected:
    """Return the DSpace at the address of a site, of its API, of any of its pages, or of a resolver that leads there.

    The search tries the typed endpoint first, then the known ones, below the path of the URL and each path above it.
    Then it tries the API that the pages name, and OAI-PMH, which comes first only if its address was typed. At last it
    tries the place that the address redirects to. Raise InvalidInputError if the address is not a web address,
    NotDSpaceError, or the error that stopped the search (UnreachableError, RestrictedError …).
    """
    return _Detection(http, endpoint)(url)


class _Detection:
    """The search for one DSpace: the candidates tried, and their errors."""

    def __init__(self, http: HttpClient, endpoint: str):
        self._http, self._endpoint = http, endpoint
        self._tried: dict[str, Candidate] = {}
        self._tried_oai: dict[str, Candidate] = {}
        self._troubles: list[Trouble] = []

    def __call__(self, url: str) -> Detected:
        typed = address_of(url)
        if _is_at_resolver(typed):
            found = self._behind_redirect(url, typed) or self._at(url)
        else:
            found = self._at(url) or self._behind_redirect(url, typed)
        if found is None:
            raise discovery_error(self._http, [*self._tried.values(), *self._tried_oai.values()], self._troubles)
        return found

    def _at(self, url: str) -> Detected | None:
        """Look below the address itself, then at the API that its pages name.

        Look for OAI-PMH first if it was typed, and last unless a REST API fails for now.
        """
        address = address_of(url)
        found = self._first_oai(url) if names_oai(url, self._endpoint) else None
        found = found or self._first(candidates(url, self._endpoint)) or self._first(self._configured(address))
        if found is None and not any(isinstance(each.error, _FAILING) for each in self._troubles):
            found = self._first_oai(url)
        if found is None:
            return None
        return replace(found, server=_with_pages(found, address), path=address.path)

    def _behind_redirect(self, url: str, typed: Address) -> Detected | None:
        """Look at the place that a page redirects to, if it is another one."""
        try:
            target = self._http.get_page(url.strip().partition("#")[0]).url
            address = address_of(target)
        except (RepositoryError, InvalidInputError):
            return None
        if address == typed or (found := self._at(target)) is None:
            return None
        if object_of(address.path) is None and (handle := handle_in(url)) and object_of(typed.path) is None:
            return replace(found, path=f"/handle/{handle}")
        return found

    def _first(self, places: Iterable[Candidate]) -> Detected | None:
        """Probe each place that was not tried before, and return the first DSpace."""
        for candidate in places:
            if candidate.base in self._tried:
                continue
            self._tried[candidate.base] = candidate
            if found := self._answering(candidate, probes_for(candidate.endpoint)):
                return (newer_api(self._http, candidate) if is_deprecated(found.server) else None) or found
        return None

    def _first_oai(self, url: str) -> Detected | None:
        """Return the first DSpace that answers over OAI-PMH. Its places are tried once."""
        for candidate in oai_candidates(url, self._endpoint):
            if candidate.base not in self._tried_oai:
                self._tried_oai[candidate.base] = candidate
                if found := self._answering(candidate, [("", _over_oai)]):
                    return found
        return None

    def _answering(self, candidate: Candidate, probes: Sequence[tuple[str, Probe]]) -> Detected | None:
        for path, probe in probes:
            try:
                return probe(self._http, candidate)
            except (
                BadResponseError,
                NotFoundError,
                RequestRejectedError,
                RestrictedError,
                ServerError,
                UnreachableError,
            ) as error:
                trouble = Trouble(candidate.base + path, error)
                if isinstance(error, UnknownHostError) and not trouble.is_redirected:
                    raise
            self._troubles.append(trouble)
            self._give_up_on_silence()
            if trouble.is_redirected and isinstance(trouble.error, UnreachableError):
                return None  # the other probes would redirect to the same unreachable host
        return None

    def _give_up_on_silence(self) -> None:
        """Raise the error of a host that has not answered two requests: it will not answer elsewhere."""
        errors = [trouble.error for trouble in self._troubles if not trouble.is_redirected]
        silent = [error for error in errors if isinstance(error, UnreachableError)]
        if len(silent) == _SILENT:
            raise silent[0]

    def _configured(self, address: Address) -> Iterable[Candidate]:
        """Yield the API in the configuration of the pages of DSpace 7 and later (`rest.baseUrl`).

        The value comes from a web server, so it passes the same address rules as any other.
        """
        for prefix in list(address.prefixes())[-_MOST_CONFIGURATIONS:]:
            try:
                configuration = self._http.get_json_from(f"{address.root}{prefix}/assets/config.json", tries=1).value
                named = address_of(configuration["rest"]["baseUrl"])
            except (RepositoryError, InvalidInputError, LookupError, TypeError, AttributeError):
                continue
            yield candidate_of(f"{named.root}{named.path.removesuffix('/api')}/api")
            return


def _over_oai(http: HttpClient, candidate: Candidate) -> Detected:
    return Detected(oai_server(http, candidate), (candidate.base,))


def _is_at_resolver(address: Address) -> bool:
    """Return whether an address is one of a resolver: its host is known, or its path is only a handle."""
    is_bare_handle = object_of(address.path) is None and handle_in(address.root + address.path) is not None
    return address.host in _RESOLVERS or is_bare_handle


def _with_pages(found: Detected, address: Address) -> Server:
    """Return the server. On 4 to 6 add the user interface from the typed address, as the API does not report it."""
    interface = interface_of(address.path) if found.server.generation < 7 else None
    return replace(found.server, ui_url=address.root + interface) if interface else found.server
