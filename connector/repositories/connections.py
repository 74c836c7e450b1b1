"""Use cases: connect to a repository, reach it again, keep a source, forget it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import exists, select

from .. import dspace
from ..accounts import audit
from ..catalogue.links import scope_link
from ..catalogue.models import CatalogueItem
from ..catalogue.store import Place, remap
from ..dspace.login import Account, Login
from ..dspace.reading import Patience
from ..dspace.records import Community, Estimate, Scope, ScopeKind, Server
from ..errors import Conflict, InvalidInput, NotAllowed, NotFound, Transient
from ..extensions import db, transaction
from ..http import AddressRule, Http, HttpSettings, Pace, Traffic
from ..imports.listing import seconds_a_request
from ..secrets import seal, unseal
from ..version import PRODUCT, __version__
from .models import Repository, Source

PAGE_PATIENCE = 20.0


def address_key(site_url: str) -> str:
    """What makes two addresses the same: host in lower case, port unless the default of http or https, path."""
    parts = urlsplit(site_url)
    port = parts.port if parts.port not in (None, 80, 443) else None
    return (parts.hostname or "").lower() + (f":{port}" if port else "") + parts.path.rstrip("/")


def user_agent(contact: str) -> str:
    """Product, version and, where one is set, whom to write to."""
    return f"{PRODUCT}/{__version__}" + (f" ({contact})" if contact else "")


def open_http(
    url: str,
    stop: threading.Event | None = None,
    waiting: Callable[[str], None] = lambda sentence: None,
    *,
    delay: float = 0,
    **limits: float,
) -> Http:
    """The door to the network for one host, with the settings of this app. `delay`: seconds between two requests."""
    config = current_app.config
    settings = HttpSettings(
        user_agent=user_agent(config["CONTACT"]),
        rule=AddressRule(tuple(config["ALLOW_NETWORKS"])),
        ca_bundle=config["CA_BUNDLE"],
        proxy=config["PROXY"],
        json_bytes=config["JSON_LIMIT"],
        zone=config["TIMEZONE"],
        **limits,
    )
    folder = Path(config["INSTANCE"]) / "pace"
    pace = Pace(folder, urlsplit(url).netloc.lower(), config["PACE"], delay=delay)
    return Http(settings, pace, stop=stop, waiting=waiting)


@dataclass(frozen=True, slots=True)
class Connection:
    """An open way to a repository: its client, the door it goes through, and the patience they share.

    With a login, `public` is the same way without it, through a door of its own: cookies of DSpace 6 are the door's.
    """

    client: dspace.Client
    http: Http
    patience: Patience
    login: Login | None = None
    public: Connection | None = None

    @property
    def requests_made(self) -> int:
        """Every request sent, by both ways."""
        return self.http.requests_made + (self.public.requests_made if self.public else 0)

    def traffic(self) -> dict[str, Any]:
        """What both ways remember of their requests (see `Traffic.as_dict`)."""
        own = self.http.traffic.as_dict()
        return Traffic.merged(own, self.public.traffic()) if self.public else own

    def close(self) -> None:
        """Let go of the network."""
        self.http.close()
        if self.public is not None:
            self.public.close()


def open_connection(
    repository: Repository,
    *,
    patience: float = PAGE_PATIENCE,
    stop: threading.Event | None = None,
    waiting: Callable[[str], None] = lambda sentence: None,
) -> Connection:
    """The way to a repository we know, signed in where a login is kept; `patience` in seconds. Close it after use.

    Ends the session's transaction, as no transaction is open while a login is entered. Raises LoginRefused,
    InvalidInput where the password cannot be read any more, and what `Http` raises.
    """
    server, limit, delay, account = repository.server, repository.limit, repository.delay or 0, _account(repository)
    db.session.rollback()

    def way() -> Connection:
        http = open_http(server.api_url, stop, waiting, delay=delay, longest_wait=patience)
        bound = Patience(patience, stop, waiting, pause=http.rest, zone=current_app.config["TIMEZONE"])
        client = dspace.client(http, server, limit=limit, patience=bound, width=lambda: http.width)
        return Connection(client, http, bound)

    if account is None:
        return way()
    own = replace(way(), public=way())
    try:
        login = Login(own.http, server, account)
        _enter(login, own.patience)
    except BaseException:
        own.close()
        raise
    return replace(own, login=login)


@contextmanager
def connected_to(repository: Repository) -> Iterator[Connection]:
    """A way to a repository for as long as a page needs it (see `open_connection`)."""
    connection = open_connection(repository)
    try:
        yield connection
    finally:
        connection.close()


def _account(repository: Repository) -> Account | None:
    """The login that is kept, if any. Raises InvalidInput where the secret key is another one now."""
    if repository.login_name is None or repository.login_secret is None:
        return None
    whose = f"{repository.login_name} at {repository.label}"
    return Account(repository.login_name, unseal(repository.login_secret, current_app.config["SECRET_KEY"], whose))


def _enter(login: Login, patience: Patience) -> None:
    """Log in; a repository that does not answer is waited for, one that refuses is not asked again."""
    while True:
        try:
            login.enter()
        except Transient as error:
            patience.wait("login", error)
        else:
            patience.good("login")
            return


def sign_in(repository_id: int, name: str, password: str) -> None:
    """Keep a login for a repository, once it has let us in: the password sealed with the secret key of this app.

    Raises LoginRefused and what `Http` raises; then the login kept before, if any, is still the one that is kept.
    """
    repository = get(repository_id)
    server, delay = repository.server, repository.delay or 0
    db.session.rollback()
    http = open_http(server.api_url, delay=delay, connect_timeout=10, read_timeout=15, longest_wait=PAGE_PATIENCE)
    try:
        Login(http, server, Account(name, password)).enter()
    finally:
        http.close()
    secret = seal(password, current_app.config["SECRET_KEY"])
    with transaction():
        repository = get(repository_id)
        repository.login_name, repository.login_secret = name, secret
        audit.note("login at the source", repository.site_url, name=name)


def sign_out(repository_id: int) -> None:
    """Forget the login of a repository. The repository is not told: that would end other sessions of the account."""
    with transaction():
        repository = get(repository_id)
        repository.login_name = repository.login_secret = None
        audit.note("login forgotten", repository.site_url)


def _is_as_safe(known: str, new: str) -> bool:
    """Whether a password that was given for one address may travel to another: the same server, now with TLS or not."""
    old, now = urlsplit(known), urlsplit(new)
    gains_tls = (old.scheme, old.port, now.scheme, now.port) == ("http", None, "https", None)
    return old.hostname == now.hostname and (gains_tls or (old.scheme, old.port) == (now.scheme, now.port))


@dataclass(frozen=True, slots=True)
class Connected:
    """A repository that answered, the object that the typed address shows (if any), and how many requests that took.

    `login_forgotten`: whether it has moved to where the password that was kept must not travel.
    """

    repository_id: int
    scope: Scope | None
    requests: int
    login_forgotten: bool = False


def connect(
    url: str,
    endpoint: str,
    limit: int | None,
    same_as: int | None = None,
    *,
    delay: float | None = None,
    may_forget_login: bool = True,
) -> Connected:
    """Find the DSpace behind an address and remember it.

    `delay`: seconds between two requests from now on; None leaves what is set.
    `same_as`: the repository this one is now, by a person's word (design rule 4).
    Raises InvalidInput, RepositoryError, and NotAllowed where a login would be forgotten without `may_forget_login`.
    """
    db.session.rollback()
    http = open_http(url, connect_timeout=10, read_timeout=15, longest_wait=PAGE_PATIENCE)
    try:
        found = dspace.connect(http, url, endpoint)
    finally:
        http.close()
    with transaction():
        repository, forgotten = _remember(found.server, limit, same_as)
        if forgotten and not may_forget_login:
            raise NotAllowed(
                f"A login is kept for {repository.label}, and its password must not travel to {repository.site_url}. "
                "Only an administrator may move the repository there."
            )
        repository.delay = repository.delay if delay is None else delay
        audit.note("connect", repository.site_url, found=repository.found)
        return Connected(repository.id, found.scope, http.requests_made, forgotten)


def find(repository_id: int, kind: ScopeKind, identifier: str) -> Connected:
    """The collection, community or item with this id or handle. Raises NotFound, Restricted and the other errors."""
    with connected_to(get(repository_id)) as connection:
        scope = connection.client.find(kind, identifier)
        return Connected(repository_id, scope, connection.http.requests_made)


def estimate(repository_id: int, scope: Scope, *, files: bool) -> Estimate:
    """About what a first import of this scope will take (see `HalClient.estimate`): it costs a request or two.

    It goes as fast as the last imports from this repository did; before the first, as these requests were answered.
    """
    repository = get(repository_id)
    delay = repository.delay or 0
    with connected_to(repository) as connection:
        found = connection.client.estimate(scope, files=files, light=False)
        answered = connection.traffic()
    if found.requests is None:
        return found
    just_now = max(delay, answered["seconds"] / answered["answers"] / current_app.config["PACE"])
    return replace(found, seconds=found.requests * (seconds_a_request(repository_id) or just_now))


def _remember(server: Server, limit: int | None, same_as: int | None) -> tuple[Repository, bool]:
    """The repository at this server, and whether its login had to be forgotten. Inside a transaction."""
    key = address_key(server.site_url)
    known = db.session.scalar(select(Repository).where(Repository.address_key == key))
    repository = known
    if same_as is not None:
        repository = get(same_as)
        if known is not None and known.id != same_as:
            raise Conflict(f"{server.site_url} is known already as repository {known.id}: forget that one first.")
    if repository is None:
        repository = Repository(ignored_fields=[], communities=[])
        db.session.add(repository)
    forgotten = _move(repository, server, limit)
    db.session.flush()
    return repository, forgotten


def _move(repository: Repository, server: Server, limit: int | None) -> bool:
    """The repository is at this address now. Its login is kept only where the password may travel, too.

    Gives whether a login was forgotten. What changes is in the trail.
    """
    before = repository.site_url
    if before not in (None, server.site_url):
        audit.note("repository moved", server.site_url, before=before, after=server.site_url)
    forgotten = repository.login_name is not None and not _is_as_safe(repository.api_url, server.api_url)
    if forgotten:
        audit.note("login forgotten", before, name=repository.login_name, moved_to=server.site_url)
        repository.login_name = repository.login_secret = None
    repository.address_key, repository.limit = address_key(server.site_url), limit
    repository.site_url, repository.api_url, repository.ui_url = server.site_url, server.api_url, server.ui_url
    repository.endpoint = server.api_url.removeprefix(server.site_url).strip("/")
    repository.generation, repository.version, repository.name = server.generation, server.version, server.name
    return forgotten


def get(repository_id: int) -> Repository:
    """The repository, or NotFound."""
    repository = db.session.get(Repository, repository_id)
    if repository is None:
        raise NotFound(f"There is no repository {repository_id}.")
    return repository


def named(text: str) -> Repository:
    """The repository that a person means by its number, name or address; InvalidInput where it is none or unclear."""
    every = db.session.scalars(select(Repository)).all()
    key = address_key(text) if "://" in text else text.lower()
    found = [r for r in every if text == str(r.id) or text == r.name or key == r.address_key]
    if len(found) != 1:
        raise InvalidInput(f"“{text}” names {'no' if not found else 'more than one'} repository.", "repository")
    return found[0]


def source_for(repository_id: int, scope: Scope) -> int:
    """The source of this scope, made if need be; gives its id. Its handle finds it again after an upgrade."""
    with transaction():
        repository = get(repository_id)
        key = scope.handle or scope.id
        query = select(Source).where(Source.repository_id == repository_id, Source.kind == scope.kind)
        source = db.session.scalar(query.where(Source.scope_key == key))
        if source is None:
            source = Source(repository_id=repository_id, kind=scope.kind.value, scope_key=key, options={}, hidden={})
            db.session.add(source)
        server = repository.server
        source.scope_id, source.handle, source.name = scope.id, scope.handle, scope.name or repository.label
        source.link = scope_link(server.site_url, server.ui_url, server.generation, scope.kind, scope.id, scope.handle)
        db.session.flush()
        return source.id


def ignore_fields(repository_id: int, fields: Sequence[str]) -> None:
    """Set the ignored fields of a repository; what is stored is mapped anew where they differ (design rule 5)."""
    with transaction():
        repository = get(repository_id)
        if list(fields) != repository.ignored_fields:
            audit.note("ignored fields", repository.site_url, before=repository.ignored_fields, after=list(fields))
            repository.ignored_fields = list(fields)
            remap(Place(repository.id, repository.server, tuple(fields)))


def forget(repository_id: int) -> None:
    """Forget a repository, its sources and jobs. Raises Conflict while the catalogue holds items of it."""
    with transaction():
        repository = get(repository_id)
        if db.session.scalar(select(exists().where(CatalogueItem.repository_id == repository_id))):
            raise Conflict(
                f"The catalogue holds items of {repository.label}. Undo its imports first, then it can be forgotten."
            )
        audit.note("forget", repository.site_url)
        db.session.delete(repository)


def remember_communities(repository_id: int, communities: Sequence[Community]) -> Repository | None:
    """Keep handles and names of the top communities; gives another repository that has exactly the same, if any."""
    top = sorted([c.handle or "", c.name] for c in communities if c.parent_id is None)
    with transaction():
        get(repository_id).communities = top
    others = db.session.scalars(select(Repository).where(Repository.id != repository_id)).all()
    return next((other for other in others if top and other.communities == top), None)


def merge(repository_id: int, same_as: int) -> bool:
    """A person says that this repository is that one at a new address: that one takes the address over.

    Gives whether a login was forgotten. Raises Conflict where this one has been imported from already.
    """
    with transaction():
        this, kept = get(repository_id), get(same_as)
        if this.id == kept.id or this.sources:
            raise Conflict(f"{this.label} has imports of its own: undo them and forget it, then connect again.")
        audit.note("same repository", this.site_url, known_as=kept.site_url)
        server, limit, communities, login = this.server, this.limit, this.communities, this.login_name
        if login is not None:
            audit.note("login forgotten", this.site_url, name=login)
        db.session.delete(this)
        db.session.flush()
        kept.communities = communities
        return _move(kept, server, limit) or login is not None
