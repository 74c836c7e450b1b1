"""Exchanges recorded from Omeka S 4.2.0 (tests/payloads/omeka)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

from tests.omeka_server import PAYLOADS

SITE = "http://127.0.0.1:8090"
API = f"{SITE}/api"


class Exchange(NamedTuple):
    """A request and its answer. `sent` is parsed JSON. `body` is parsed JSON, or text."""

    number: int
    method: str
    path: str
    query: list[tuple[str, str]]
    sent: Any
    upload: dict[str, Any] | None
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The body as the site sent it."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body)

    @property
    def has_key(self) -> bool:
        """Whether the request had a key."""
        return any(name == "key_identity" for name, _ in self.query)


@cache
def exchange(number: int) -> Exchange:
    """Return one exchange by its number."""
    (path,) = PAYLOADS.glob(f"{number:03}-*.json")
    raw = json.loads(path.read_text())
    query = [(name, str(value)) for name, value in raw["query"]]
    body = raw["body"]
    if isinstance(body, str) and "json" in str(raw["response_headers"].get("Content-Type")):
        body = json.loads(body)
    rest = (raw["status"], raw["response_headers"], body)
    return Exchange(number, raw["method"], raw["path"], query, raw["request_json"], raw["multipart"], *rest)


def numbers() -> list[int]:
    """Return the numbers of all exchanges, in order."""
    return sorted(int(path.name[:3]) for path in PAYLOADS.glob("*.json"))
