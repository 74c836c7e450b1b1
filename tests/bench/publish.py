"""The cost of publishing, compared with a loop that only posts, with the same number of writers."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from connector.publishing.destination_connections import WRITERS

from .goals import at_least, at_most
from .product import Connector, collection_of, sample
from .site import KEY_SECONDS, site

RATE = 0.9  # of the bare loop
REQUESTS = 20  # for 1,000 unchanged items
TO = ("--source", "Synthetic items", "--to", "Library")


def publish(console: Console, quick: bool) -> None:
    """A first publishing beside a bare loop, then again: unchanged, with some changes, and without a memory of it.

    The few items of the small form are not held to the goals, because the check of the site costs as much as they do.
    """
    items, key_seconds = (50, 0.01) if quick else (1_000, KEY_SECONDS)
    table = Table("run", "seconds", "requests", "items a second", "of the bare loop")
    table.title = f"{items:,} items with 15 values, {WRITERS} writers, {key_seconds * 1000:.0f} ms to check a key"
    with (
        sample("--grow", str(items)) as repository,
        site(key_seconds) as (url, key),
        tempfile.TemporaryDirectory() as folder,
    ):
        connector = Connector(folder)
        connector.job("import", repository, "--collection", collection_of(repository))
        connector("destination", "add", "Library", url, key["key_identity"], typed=key["key_credential"])
        first, _ = connector.job("publish", *TO)
        with site(key_seconds) as (other, other_key):
            bare = _posted(_bodies(url, key), other, other_key)
        part = bare / first["seconds"]
        beside = f"{part:.2f}" if quick else at_least(part, RATE)
        table.add_row("bare loop", f"{bare:.1f}", f"{items}", f"{items / bare:.1f}", "")
        table.add_row("first", *_figures(first), beside)
        again, _ = connector.job("publish", *TO)
        seconds, asked, rate = _figures(again)
        table.add_row("unchanged", seconds, asked if quick else at_most(again["requests"], REQUESTS), rate, "")
        _change(connector, -(-items // 100))
        changed, _ = connector.job("publish", *TO)
        table.add_row(f"{changed['updated']} changed", *_figures(changed), "")
        _forget(connector)
        found, _ = connector.job("publish", *TO, "--dry-run")
        table.add_row(f"{found['adopted']:,} looked up by identifier", *_figures(found), "")
    console.print(table)


def _figures(job: dict[str, Any]) -> tuple[str, str, str]:
    return f"{job['seconds']:.1f}", f"{job['requests']}", f"{job['seen'] / job['seconds']:.1f}"


def _bodies(url: str, key: dict[str, str]) -> list[dict[str, Any]]:
    """Return what a client sends to create the items of a site once more."""
    found: list[dict[str, Any]] = []
    while page := requests.get(
        f"{url}/api/items", {**key, "per_page": 100, "page": len(found) // 100 + 1}, timeout=60
    ).json():
        found += page
    return [{name: values for name, values in item.items() if _are_values(values)} for item in found]


def _are_values(member: Any) -> bool:
    return isinstance(member, list) and bool(member) and isinstance(member[0], dict) and "property_id" in member[0]


def _posted(bodies: Sequence[dict[str, Any]], url: str, key: dict[str, str]) -> float:
    """Return the seconds that a loop takes to create items."""
    own = threading.local()

    def post(body: dict[str, Any]) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        own.session.post(f"{url}/api/items", params=key, json=body, timeout=60).raise_for_status()

    began = time.monotonic()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(post, bodies))
    return time.monotonic() - began


def _change(connector: Connector, number: int) -> None:
    """Change the titles of items in the catalogue, as an import does."""
    with closing(sqlite3.connect(connector.folder / "connector.db")) as database, database:
        new = json.dumps([{"value": "A new title", "language": None}])
        changed = "json_set(mapped_values, '$.\"dcterms:title\"', json(?))"
        database.execute(f"UPDATE item SET mapped_values = {changed} WHERE id <= ?", (new, number))


def _forget(connector: Connector) -> None:
    """Delete what the database knows of published items."""
    with closing(sqlite3.connect(connector.folder / "connector.db")) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM published_item")
