"""Use cases: find the DSpace at an address and save it, also after a move, and query a known repository."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from flask import current_app

from .. import dspace
from ..accounts import audit
from ..dspace.endpoint_candidates import base_key
from ..dspace.estimates import Sample
from ..dspace.records import Estimate, Scope, ScopeKind, Server
from ..dspace.site_names import propose_name
from ..dspace.typed_addresses import address_spellings
from ..errors import (
    ConflictError,
    NotDSpaceError,
    PermissionDeniedError,
    RepositoryError,
    RequestTimeoutError,
    UnknownHostError,
    UnreachableError,
)
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _
from ..models.repositories import Repository
from ..ranges import Range
from . import credentials, service
from .connections import RepositoryConnection, connection_to
from .http_factory import CONNECT_SECONDS, open_http, page_outage, time_limit

NAME_SECONDS = 5.0  # a name is not worth a longer wait
NAME = "name"  # in `Repository.unanswered`: nothing at the repository gave a name to propose


@dataclass(frozen=True, slots=True)
class Connected:
    """A repository that answered, the object at the entered address (if any), and the number of requests it took.

    `login_forgotten`: whether the login was deleted, because the password must not be sent to the new address.
    """

    repository_id: int
    scope: Scope | None
    requests: int
    login_forgotten: bool = False


@dataclass(frozen=True)
class FoundObject:
    """An object of a repository, and the number of requests that it took."""

    scope: Scope
    requests: int


def connect(
    url: str,
    endpoint: str,
    limit: int | None,
    same_as: int | None = None,
    *,
    delay: float | None = None,
    uses_oai: bool | None = None,
    may_forget_login: bool = True,
    seconds: float = CONNECT_SECONDS,
) -> Connected:
    """Find the DSpace at an address and save the repository.

    `delay`: seconds between two requests from now on. `uses_oai`: whether imports use OAI-PMH beside the REST API from
    now on. None keeps the setting. `same_as`: the known repository that
    has moved to this address, chosen by a person (design rule 4). `seconds`: time limit of the search.

    Raise RequestTimeoutError after the time limit, InvalidInputError, RepositoryError, and PermissionDeniedError if a
    login would be deleted without `may_forget_login`.
    """
    db.session.rollback()
    found, requests = _find(url, endpoint, seconds)
    found = _with_name(found)
    with transaction():
        repository, forgotten = _remember(found, limit, same_as)
        if forgotten and not may_forget_login:
            raise PermissionDeniedError(
                _(
                    "A login is kept for %(label)s, and its password must not travel to %(site_url)s. Only an "
                    "administrator may move the repository there.",
                    label=repository.label,
                    site_url=repository.site_url,
                )
            )
        repository.delay = repository.delay if delay is None else delay
        repository.uses_oai = repository.uses_oai if uses_oai is None else uses_oai
        audit.note("connect", repository.site_url, found=repository.found)
        return Connected(repository.id, found.scope, requests, forgotten)


def find(repository_id: int, kind: ScopeKind, identifier: str) -> FoundObject:
    """Return the collection, community or item with this id or handle.

    Raise NotFoundError, RestrictedError and the other errors of `HttpClient`.
    """
    with connection_to(service.get(repository_id)) as connection:
        scope = connection.client.find(kind, identifier)
        return FoundObject(scope, connection.http.requests_made)


def save_proposed_name(repository_id: int, connection: RepositoryConnection) -> None:
    """Propose and save a name for a known repository of DSpace 4 to 6 that has none.

    Takes one or two requests. If they give no name, the next attempt is 30 days later.
    """
    repository = service.get(repository_id)
    server, unanswered = repository.server, repository.unanswered_on(utcnow().date())
    db.session.rollback()
    if not _lacks_name(server) or NAME in unanswered:
        return
    name = propose_name(connection.http, server)
    with transaction():
        service.get(repository_id).name = name
        if name is None:
            service.note_unanswered(repository_id, [NAME])


def estimate(repository_id: int, scope: Scope, *, bundles: Collection[str]) -> Estimate:
    """Return an estimate of a first import of this scope with the files of `bundles`, if any.

    It takes about ten requests (see `HalClient.estimate`). Each call estimates again, because earlier imports may have
    been different, for example without any changes.
    """
    repository = service.get(repository_id)
    delay = repository.delay or 0
    at_once = current_app.config["MAX_CONCURRENT_REQUESTS"]
    with connection_to(repository) as connection:
        found = connection.client.estimate(scope, Sample(bundles), at_once=at_once)
    if found.seconds is None or found.requests is None or found.items is None:
        return found
    # Add the delay between requests. The import chooses the cheapest plan, which needs at least half as many requests
    # and at most one more for each item.
    kept = Range(max(found.seconds.low, delay * found.requests / 2), found.seconds.high + delay * found.items)
    return replace(found, seconds=kept)


def merge(repository_id: int, same_as: int) -> bool:
    """Move a known repository (`same_as`) to the address of this one, because a person says that they are the same.

    Return whether a login was deleted. Raise ConflictError if this repository has imports, or is `same_as` itself.
    """
    with transaction():
        this, kept = service.get(repository_id), service.get(same_as)
        if this.id == kept.id or this.sources:
            raise ConflictError(
                _("%(label)s has imports of its own: undo them and forget it, then connect again.", label=this.label)
            )
        audit.note("same repository", this.site_url, known_as=kept.site_url)
        server, limit, communities = this.server, this.limit, this.communities
        login, key = this.login_name, this.address_key
        if login is not None:
            audit.note("login forgotten", this.site_url, name=login)
        db.session.delete(this)
        db.session.flush()
        kept.communities = communities
        return _move(kept, server, limit, key) or login is not None


def _find(url: str, endpoint: str, seconds: float) -> tuple[dspace.Found, int]:
    """Return the DSpace at an address, and the number of requests. Try the other spellings of the address, too."""
    outage, requests, failures = page_outage(), 0, list[RepositoryError]()
    with time_limit(outage, seconds):
        for host in address_spellings(url):
            for address in host:
                http = open_http(address, outage, connect_timeout=10, read_timeout=15)
                try:
                    found = dspace.connect(http, address, endpoint)
                    return found, requests + http.requests_made
                except (UnreachableError, NotDSpaceError) as error:
                    failures.append(error)
                finally:
                    requests += http.requests_made
                    http.close()
                if isinstance(failures[-1], UnknownHostError):
                    break  # the same host by http is unknown, too
            if not isinstance(failures[-1], UnknownHostError):
                break
    raise next((error for error in failures if isinstance(error, NotDSpaceError)), failures[0])


def _with_name(found: dspace.Found) -> dspace.Found:
    """Return what was found, with a proposed name if the API gives none, as on DSpace 4 to 6."""
    server = found.server
    if not _lacks_name(server):
        return found
    outage = page_outage()
    http = open_http(server.api_url, outage, connect_timeout=NAME_SECONDS, read_timeout=NAME_SECONDS)
    try:
        with time_limit(outage, NAME_SECONDS):
            return replace(found, server=replace(server, name=propose_name(http, server)))
    except RequestTimeoutError:
        return found
    finally:
        http.close()


def _lacks_name(server: Server) -> bool:
    """Return whether the API of this DSpace gives no name, and none was proposed."""
    return server.name is None and server.generation < 7 and not server.speaks_oai


def _remember(found: dspace.Found, limit: int | None, same_as: int | None) -> tuple[Repository, bool]:
    """Return the repository that was found, and whether its login was deleted. Call it in a transaction."""
    server = found.server
    repository = known = service.find_by_api(found.bases) or service.before_upgrade(server)
    if same_as is not None:
        repository = service.get(same_as)
        if known is not None and known.id != same_as:
            raise ConflictError(
                _(
                    "%(site_url)s is known already as repository %(id)s: forget that one first.",
                    site_url=server.site_url,
                    id=known.id,
                )
            )
    elif known is not None and known.address_key == base_key(found.bases[0]) != base_key(server.api_url):
        # The same API under another host name: keep the known address, and so the login.
        server = replace(server, site_url=known.site_url, api_url=known.api_url)
    if repository is None:
        repository = Repository(communities=[])
        db.session.add(repository)
    forgotten = _move(repository, server, limit, base_key(found.bases[0]))
    db.session.flush()
    return repository, forgotten


def _move(repository: Repository, server: Server, limit: int | None, key: str) -> bool:
    """Set the address of the repository. Keep its login only if the password may be sent to the new address.

    Return whether a login was deleted. The changes are recorded in the audit log.
    """
    before = repository.site_url
    if before not in (None, server.site_url):
        audit.note("repository moved", server.site_url, before=before, after=server.site_url)
    keeps_login = not server.speaks_oai and credentials.is_as_safe(repository.api_url, server.api_url)
    forgotten = repository.login_name is not None and not keeps_login
    if forgotten:
        audit.note("login forgotten", before, name=repository.login_name, moved_to=server.site_url)
        repository.login_name = repository.login_secret = None
    if repository.api_url != server.api_url:
        repository.oai_url = repository.oai_newest = None
    repository.address_key, repository.limit = key, limit
    repository.site_url, repository.api_url, repository.ui_url = server.site_url, server.api_url, server.ui_url
    repository.endpoint = server.api_url.removeprefix(server.site_url).strip("/")
    repository.generation, repository.version, repository.name = server.generation, server.version, server.name
    repository.speaks_oai = server.speaks_oai
    return forgotten
