"""Login headers of requests. They are sent only to the API that the login is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Credentials(Protocol):
    """A login, as HttpClient uses it. `api_url`: only requests to this scheme, host and port get its headers."""

    api_url: str

    def headers(self) -> Mapping[str, str]:
        """Return the headers to add to a request. Empty if cookies carry the login."""

    def refresh_if_due(self) -> None:
        """Refresh the login if it expires soon. Called before each request, while no slot is held.

        Raise the errors of `HttpClient.post`.
        """


@dataclass(frozen=True, repr=False)
class Posted:
    """A good response to a POST: headers (names in lower case), text, and the server's time (aware, UTC), if known.

    The class has no repr, because its content is secret.
    """

    headers: Mapping[str, str]
    text: str
    time: datetime | None
