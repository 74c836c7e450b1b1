"""HTTP clients with the settings of this app, for repositories and notifications."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from ..errors import JobStoppedError, RequestTimeoutError
from ..http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait, QueryKey
from ..i18n import gettext as _
from ..version import PRODUCT, __version__

PAGE_MAX_OUTAGE = 20.0  # seconds that a person waits for a page
PAGE_REQUEST_SECONDS = 60.0  # a slow list may take this long
CONNECT_SECONDS = 40.0  # for pages that connect; proxies in front of the app give up after 60 seconds by default


def page_outage() -> OutageWait:
    """Return the OutageWait for the requests of a page."""
    return OutageWait(PAGE_MAX_OUTAGE, request_seconds=PAGE_REQUEST_SECONDS, zone=current_app.config["TIMEZONE"])


@contextmanager
def time_limit(outage: OutageWait, seconds: float) -> Iterator[None]:
    """End the requests and waits of the block after this many seconds. Raise RequestTimeoutError then."""
    timer = threading.Timer(seconds, outage.stop.set)
    timer.start()
    try:
        yield
    except JobStoppedError:
        raise RequestTimeoutError(
            _("The server answers too slowly. Try again later, or ask its administrator.")
        ) from None
    finally:
        timer.cancel()
        timer.join()


def user_agent(contact: str) -> str:
    """Return the User-Agent: product, version and, if set, the contact."""
    return f"{PRODUCT}/{__version__}" + (f" ({contact})" if contact else "")


def open_http(
    url: str,
    outage: OutageWait,
    *,
    delay: float = 0,
    key: QueryKey | None = None,
    most: int | None = None,
    **limits: float,
) -> HttpClient:
    """Return an HttpClient for one host, with the settings of this app.

    `delay`: seconds between two requests. `key`: a secret for the query of all requests. `most`: how many requests may
    run at once, if fewer than the setting allows. `limits`: fields of HttpSettings.
    """
    config = current_app.config
    settings = HttpSettings(
        user_agent=user_agent(config["CONTACT"]),
        rule=AddressRule(tuple(config["ALLOWED_NETWORKS"])),
        ca_bundle=config["CA_BUNDLE"],
        proxy=config["PROXY"],
        json_bytes=config["MAX_RESPONSE_BYTES"],
        **limits,
    )
    folder = Path(config["INSTANCE"]) / "pace"
    at_once = min(most or config["MAX_CONCURRENT_REQUESTS"], config["MAX_CONCURRENT_REQUESTS"])
    pace = ConcurrencyLimit(folder, urlsplit(url).netloc.lower(), at_once, delay=delay)
    return HttpClient(settings, pace, outage, key)
