"""GET requests below the base of a DSpace REST API, for all generations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..http import HttpClient, JsonAnswer, Redirects
from .records import Server

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


class JsonDocument(NamedTuple):
    """Parsed JSON and its URL, which error messages name."""

    json: Any
    url: str


class JsonApi:
    """GET requests below the base of the API of a server.

    Every method raises the errors of `HttpClient`, and BadResponseError for JSON of an unexpected shape. `how`: the
    `kind`, `tries` and `tries_at_500` of `HttpClient.get_json_from`.
    """

    def __init__(self, http: HttpClient, server: Server):
        self.http, self.server = http, server

    def url(self, path: str) -> str:
        """Return the URL of a path below the base of the API."""
        return f"{self.server.api_url}/{path}"

    def get(self, path: str, params: Params = (), **how: Any) -> JsonDocument:
        """Return the JSON at a path below the base of the API."""
        found = self.get_with_size(path, params, **how)
        return JsonDocument(found.value, found.url)

    def get_with_size(self, path: str, params: Params, **how: Any) -> JsonAnswer:
        """Return the JSON at a path below the base of the API, with its size."""
        url = self.url(path)
        return self.http.get_json_from(url, params, follow=Redirects.SAME_REQUEST, **how)._replace(url=url)
