"""Requests and responses of all generations, apart from sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """A request. `target`: path and query as sent. `path`: decoded. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def wants_json(self) -> bool:
        return "json" in self.headers.get("accept", "")

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass
class Answer:
    """A response. `chunked`: sent without a length. `price`: seconds of work on a real server."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    chunked: bool = False
    price: float = 0.0


class RefusalError(Exception):
    """An error below a route that ends the request with this status."""

    def __init__(self, status: int, message: str = "", empty: bool = False):
        super().__init__(status, message)
        self.status, self.message, self.empty = status, message, empty


def dumps(value: Any) -> bytes:
    """Return compact JSON as DSpace writes it, with the fewest escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
