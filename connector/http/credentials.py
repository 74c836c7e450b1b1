"""What a signed-in door adds to its requests, and where: to the API that the login is for, and to nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Credentials(Protocol):
    """A login, as the door uses it. `api_url`: only requests to this scheme, host and port are given its headers."""

    api_url: str

    def headers(self) -> Mapping[str, str]:
        """What is added to a request; nothing where cookies do it all."""

    def refresh_if_due(self) -> None:
        """Called before each request, while no slot of the pace is held. Raises the errors of `HttpClient.post`."""


@dataclass(frozen=True, repr=False)
class Posted:
    """A good answer to a POST: its headers (names in lower case), text, and the server's time (aware, UTC), if told.

    It has no repr: what it holds is secret.
    """

    headers: Mapping[str, str]
    text: str
    time: datetime | None
