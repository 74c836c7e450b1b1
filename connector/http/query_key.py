"""A secret that a server expects in the query of each request. It is added when a request is sent, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

_HIDDEN = "…"


@dataclass(frozen=True, repr=False)
class QueryKey:
    """Secret query parameters for the requests to one API. `api_url`: only addresses below it get them.

    The class has no repr, because its content is secret.
    """

    api_url: str
    parameters: Mapping[str, str]

    def target(self, url: str, target: str) -> str:
        """Return the request target of `url` with the secret, or unchanged if `url` is not an address of the API."""
        own, requested = urlsplit(self.api_url), urlsplit(url)
        is_below = f"{requested.path}/".startswith(f"{own.path.rstrip('/')}/")
        if own[:2] != requested[:2] or not is_below:
            return target
        return f"{target}{'&' if requested.query else '?'}{urlencode(self.parameters)}"

    def without_secret(self, value: Any) -> Any:
        """Return parsed JSON, or a text, without the secret values, in case that the server repeats them."""
        if isinstance(value, str):
            for secret in self.parameters.values():
                value = value.replace(secret, _HIDDEN)
        elif isinstance(value, list):
            value = [self.without_secret(one) for one in value]
        elif isinstance(value, dict):
            value = {self.without_secret(name): self.without_secret(one) for name, one in value.items()}
        return value
