"""Clients for DSpace 4 to 10, over REST or OAI-PMH.

They do not depend on how the rest of the application uses them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..http import HttpClient, OutageWait
from .detect import detect
from .hal import HalClient
from .legacy import LegacyClient
from .oai import OaiClient
from .records import Scope, Server

Client = HalClient | LegacyClient | OaiClient

_CLIENTS: dict[int, type[HalClient] | type[LegacyClient]] = {
    **dict.fromkeys((4, 5, 6), LegacyClient),
    **dict.fromkeys((7, 8, 9, 10), HalClient),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The result of connecting to an address: a server, and the object that its page shows, if any.

    `bases`: the addresses of its API under which the repository may be stored already, the one it reports first.
    """

    server: Server
    scope: Scope | None
    bases: tuple[str, ...]


def connect(http: HttpClient, url: str, endpoint: str) -> Found:
    """Return the DSpace at the address of a site, an API or a page.

    Raise InvalidInputError, NotDSpaceError, UnreachableError and the other errors of detection. Raise NotFoundError or
    RestrictedError if the collection, community or item in the address does not exist or is not public.
    """
    found = detect(http, url, endpoint)
    outage = OutageWait(0, threading.Event())
    scope = client(http, found.server, outage=outage, width=lambda: 1).resolve(found.path)
    return Found(found.server, scope, found.bases)


def client(
    http: HttpClient,
    server: Server,
    *,
    limit: int | None = None,
    outage: OutageWait,
    width: Callable[[], int],
    unanswered: Collection[str] = (),
) -> Client:
    """Return the client for this server's generation (see HalClient).

    `unanswered`: the optional questions that the repository is known not to answer.
    """
    make = OaiClient if server.speaks_oai else _CLIENTS[server.generation]
    return make(http, server, limit=limit, outage=outage, width=width, unanswered=unanswered)
