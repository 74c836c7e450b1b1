"""Common parts of requests and answers of DSpace 7 to 10."""

from __future__ import annotations

from .answers import Answer, Request
from .embed import Embeds

COMMON = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Content-Language": "en,fr,ar"}


def json_answer(body: bytes) -> Answer:
    return Answer(200, body, COMMON | {"Content-Type": "application/hal+json;charset=UTF-8"}, chunked=True)


def embeds_of(request: Request) -> Embeds:
    """What to embed; where a projection is named too, the sizes are inert, as on the real servers."""
    query = request.query
    return Embeds.asked(query.get("embed", []), query.get("embed.size", []), obeys_sizes="projection" not in query)


def internal(request: Request) -> str:
    """The address of the request as the server believes it to be."""
    return f"http://internal.invalid:8080{request.target}"


def whole(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default
