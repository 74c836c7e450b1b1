"""A client of the product for a sample server in the same process, whose work can be counted."""

from __future__ import annotations

import ipaddress
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.dspace import Client
from connector.dspace.hal import HalClient
from connector.dspace.hal_query import LARGEST_LIST
from connector.dspace.legacy import LegacyClient
from connector.dspace.records import Server
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait
from tests.sample import SampleRepository


@contextmanager
def reader_of(sample: SampleRepository, largest_list: int = LARGEST_LIST) -> Iterator[Client]:
    """Yield a client that sends up to four requests at once."""
    settings = HttpSettings("DSpaceConnector/bench", AddressRule((ipaddress.ip_network("127.0.0.0/8"),)))
    outage, older = OutageWait(), sample.generation < 7
    server = Server(sample.url, f"{sample.url}/{'rest' if older else 'server/api'}", sample.generation, "")
    with tempfile.TemporaryDirectory() as folder:
        http = HttpClient(settings, ConcurrencyLimit(Path(folder), "sample"), outage)
        if older:
            yield LegacyClient(http, server, outage=outage, width=lambda: 4)
        else:
            yield HalClient(http, server, outage=outage, width=lambda: 4, largest_list=largest_list)
        http.close()
