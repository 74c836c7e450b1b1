"""The pages of the repository for people, enough to follow a link back, and the 404 page of a web server."""

from __future__ import annotations

import html

from .answers import Answer, Request
from .records import Item, Thing
from .served import Served

HEADERS = {"Content-Type": "text/html;charset=utf-8"}


def answer(sample: Served, request: Request) -> Answer:
    """Return the page of a handle, item, collection or community, the list of all at the root, or 404 in HTML."""
    data, path = sample.data, request.path.strip("/")
    if not path:
        return _page(data.name, _list(sorted(data.communities.values(), key=lambda one: one.name)))
    place, _, ident = path.partition("/")
    shelves = {"handle": data.handles, "items": data.items, "collections": data.collections}
    found = (shelves | {"communities": data.communities}).get(place, {}).get(ident)
    if found is None or not found.readable:
        return _page("404 Not Found", "<p>No such page.</p>", 404)
    return _page(found.name or "Untitled", _about(found) if isinstance(found, Item) else "")


def _about(item: Item) -> str:
    if item.withdrawn:
        return "<p>This item has been withdrawn.</p>"
    rows = (
        f"<tr><th>{value.field}</th><td>{html.escape(value.value or '')[:500]}</td></tr>" for value in item.metadata
    )
    return f"<table>{''.join(rows)}</table>"


def _list(things: list[Thing]) -> str:
    return "".join(f'<p><a href="/handle/{one.handle}">{html.escape(one.name or "")}</a></p>' for one in things)


def _page(title: str, body: str, status: int = 200) -> Answer:
    text = f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>{body}"
    return Answer(status, text.encode(), dict(HEADERS))
