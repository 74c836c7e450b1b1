"""An open way to a repository that we know, signed in where a login is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from .. import dspace
from ..dspace.login import Login
from ..extensions import db, utcnow
from ..http import HttpClient, OutageWait, RequestStats
from ..http.stats import NO_WAITS
from ..models.repositories import Repository
from . import credentials
from .http_factory import open_http, page_outage


@dataclass(frozen=True, slots=True)
class RepositoryConnection:
    """An open way to a repository: its client, the door it goes through, and the patience they share.

    With a login, `public` is the same way without it, through a door of its own: cookies of DSpace 6 are the door's.
    Both share the patience: the maximum outage is one, and waits are counted once.
    """

    client: dspace.Client
    http: HttpClient
    patience: OutageWait
    login: Login | None = None
    public: RepositoryConnection | None = None

    @property
    def requests_made(self) -> int:
        """Every request sent, by both ways."""
        return self.http.requests_made + (self.public.requests_made if self.public else 0)

    def traffic(self) -> dict[str, Any]:
        """What both ways remember of their requests (see `RequestStats.as_dict`)."""
        own = self.http.traffic.as_dict()
        return RequestStats.merged(own, self.public.traffic() | NO_WAITS) if self.public else own

    @property
    def unanswered(self) -> set[str]:
        """The optional questions that the repository is known not to answer, by either way."""
        return set(self.client.unanswered) | (self.public.unanswered if self.public else set())

    def close(self) -> None:
        """Let go of the network."""
        self.http.close()
        if self.public is not None:
            self.public.close()


def open_connection(
    repository: Repository, *, new_outage: Callable[[], OutageWait] = page_outage
) -> RepositoryConnection:
    """Open the way to a repository we know, signed in where a login is kept. Close it after use.

    `new_outage` makes the OutageWait of all its requests; that of pages is short. Ends the session's transaction, as no
    transaction is open while a login is entered. Raises LoginFailedError, InvalidInputError where the password cannot
    be read any more, and what `HttpClient` raises.
    """
    server, limit, delay, account = (
        repository.server,
        repository.limit,
        repository.delay or 0,
        credentials.kept(repository),
    )
    unanswered = repository.unanswered_on(utcnow().date())
    db.session.rollback()
    outage = new_outage()

    def way() -> RepositoryConnection:
        http = open_http(server.api_url, outage, delay=delay)
        client = dspace.client(
            http, server, limit=limit, patience=outage, width=lambda: http.width, unanswered=unanswered
        )
        return RepositoryConnection(client, http, outage)

    if account is None:
        return way()
    own = replace(way(), public=way())
    try:
        login = Login(own.http, server, account)
        credentials.enter(login, own.patience)
    except BaseException:
        own.close()
        raise
    return replace(own, login=login)


@contextmanager
def connected_to(repository: Repository) -> Iterator[RepositoryConnection]:
    """A way to a repository for as long as a page needs it (see `open_connection`)."""
    connection = open_connection(repository)
    try:
        yield connection
    finally:
        connection.close()
