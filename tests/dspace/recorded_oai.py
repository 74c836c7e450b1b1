"""A web server that gives the OAI-PMH answers recorded from a DSpace 9.3, and a client that reads from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from connector.dspace.oai import OaiClient
from connector.dspace.records import Failure, Item, Scope, ScopeKind, Server
from connector.http import HttpClient, OutageWait
from tests.http.sites import Site, reply

from .fake_hal import Hurried, nothing_seen

FOLDER = Path(__file__).parents[1] / "payloads" / "dspace9-oai"
REPOSITORY = Scope(ScopeKind.REPOSITORY)


def text_of(name: str) -> str:
    """Return the XML of a recorded answer."""
    return json.loads((FOLDER / f"{name}.json").read_text())["text"]


def collection(number: int) -> Scope:
    return Scope(ScopeKind.COLLECTION, f"123456789/{number}")


@contextmanager
def site_of(answer: Callable[[str], str]) -> Iterator[Site]:
    """Serve what `answer` returns for the query of each request."""
    site = Site(lambda handler: reply(handler, answer(urlsplit(handler.path).query).encode(), Content_Type="text/xml"))
    try:
        yield site
    finally:
        site.close()


def oai_client(http: HttpClient, url: str, *, generation: int = 9, max_outage: float = 60) -> OaiClient:
    """Return a client whose waits take no time, though its clock counts them."""
    stop = Hurried()
    outage = OutageWait(max_outage, stop, clock=lambda: stop.waited)
    server = Server(url, f"{url}/oai/request", generation, "", speaks_oai=True)
    return OaiClient(http, server, outage=outage, width=lambda: 4)


def read(client: OaiClient, scope: Scope = REPOSITORY, **how: object) -> tuple[list[Item], list[Failure]]:
    """Return the items and failures of a walk."""
    pages = list(client.walk(scope, seen=how.pop("seen", nothing_seen), **how))
    return [item for page in pages for item in page.items], [each for page in pages for each in page.failures]
