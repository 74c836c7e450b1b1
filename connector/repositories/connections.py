"""Connections to a known repository, with its saved login, if any."""

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
    """A connection to a repository: its client, its HttpClient, and the OutageWait of both.

    With a login, `public` is a connection without it. It has its own HttpClient, because the cookies of DSpace 6 belong
    to the HttpClient. Both connections share the OutageWait, so that there is one maximum outage and waits are counted
    once.
    """

    client: dspace.Client
    http: HttpClient
    outage: OutageWait
    login: Login | None = None
    public: RepositoryConnection | None = None

    @property
    def requests_made(self) -> int:
        """Return the number of requests sent by both connections."""
        return self.http.requests_made + (self.public.requests_made if self.public else 0)

    def traffic(self) -> dict[str, Any]:
        """Return the request statistics of both connections (see `RequestStats.as_dict`)."""
        own = self.http.traffic.as_dict()
        return RequestStats.merge(own, self.public.traffic() | NO_WAITS) if self.public else own

    @property
    def unanswered(self) -> set[str]:
        """Return the optional queries that the repository is known not to support, on either connection."""
        return set(self.client.unanswered) | (self.public.unanswered if self.public else set())

    def close(self) -> None:
        """Close the network connections."""
        self.http.close()
        if self.public is not None:
            self.public.close()


def open_connection(
    repository: Repository, *, new_outage: Callable[[], OutageWait] = page_outage
) -> RepositoryConnection:
    """Open a connection to a known repository, with its saved login, if any. Close it after use.

    `new_outage` returns the OutageWait of all its requests. Pages use a short one. End the session's database
    transaction, because no transaction may be open during a login. Raise LoginFailedError, InvalidInputError if the
    password cannot be decrypted, and the errors of `HttpClient`.
    """
    server, limit, delay, account = (
        repository.server,
        repository.limit,
        repository.delay or 0,
        credentials.saved_login(repository),
    )
    unanswered = repository.unanswered_on(utcnow().date())
    db.session.rollback()
    outage = new_outage()

    def way() -> RepositoryConnection:
        http = open_http(server.api_url, outage, delay=delay)
        client = dspace.client(
            http, server, limit=limit, outage=outage, width=lambda: http.width, unanswered=unanswered
        )
        return RepositoryConnection(client, http, outage)

    if account is None:
        return way()
    own = replace(way(), public=way())
    try:
        login = Login(own.http, server, account)
        credentials.enter(login, own.outage)
    except BaseException:
        own.close()
        raise
    return replace(own, login=login)


@contextmanager
def connection_to(repository: Repository) -> Iterator[RepositoryConnection]:
    """Yield a connection to a repository and close it after the block (see `open_connection`)."""
    connection = open_connection(repository)
    try:
        yield connection
    finally:
        connection.close()
