"""Connections to destinations, with their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app

from ..encryption import KeyPurpose, unseal
from ..extensions import db
from ..http import HttpClient, OutageWait, QueryKey
from ..models.publishing import Destination
from ..omeka.omeka_client import OmekaClient
from ..repositories.http_factory import open_http, page_outage

# Omeka S checks a bcrypt hash for each request with a key. More than two writers gain nothing (measured on 4.2).
WRITERS = 2
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class DestinationConnection:
    """A connection to a destination: its client, its HttpClient, and the OutageWait of both."""

    client: OmekaClient
    http: HttpClient
    outage: OutageWait

    def asked(self, call: Callable[[], Result]) -> Result:
        """Return the result of a call of the client. Repeat the call while the site is not available."""
        return self.outage.retry_until_available("destination", call)

    def close(self) -> None:
        """Close the network connections."""
        self.http.close()

    @property
    def requests_made(self) -> int:
        """Return the number of requests sent."""
        return self.http.requests_made

    def traffic(self) -> dict[str, Any]:
        """Return the request statistics (see `RequestStats.as_dict`)."""
        return self.http.traffic.as_dict()


def open_site(api_url: str, identity: str, credential: str, outage: OutageWait) -> DestinationConnection:
    """Open a connection to an Omeka S site. Close it after use."""
    key = QueryKey(api_url, {"key_identity": identity, "key_credential": credential})
    http = open_http(api_url, outage, key=key, most=WRITERS)
    return DestinationConnection(OmekaClient(http, api_url), http, outage)


def open_destination(
    destination: Destination, *, new_outage: Callable[[], OutageWait] = page_outage
) -> DestinationConnection:
    """Open a connection to a destination with its saved key. Close it after use.

    `new_outage` returns the OutageWait of all its requests. End the session's database transaction, because none may be
    open during a request. Raise InvalidInputError if the key cannot be decrypted.
    """
    api_url, identity = destination.api_url, destination.key_identity
    owner, secret_key = destination.name, current_app.config["SECRET_KEY"]
    credential = unseal(destination.key_secret, secret_key, owner, KeyPurpose.API_KEY)
    db.session.rollback()
    return open_site(api_url, identity, credential, new_outage())


@contextmanager
def connected_to(destination: Destination) -> Iterator[DestinationConnection]:
    """Yield a connection to a destination and close it after the block (see `open_destination`)."""
    connection = open_destination(destination)
    try:
        yield connection
    finally:
        connection.close()
