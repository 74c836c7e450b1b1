"""A server with latency: an import and its re-runs."""

from __future__ import annotations

import tempfile

from rich.console import Console
from rich.table import Table

from .goals import at_most
from .product import Connector, collection_of, sample

LATENCY = 0.05  # seconds
FILES = 2  # of each item: then a first import reads embedded pages, as it does at most real repositories
PROVEN, LISTED = 0.1, 1 / 3


def again(console: Console, quick: bool) -> None:
    """A first import and unchanged re-runs, each alone, and with the slice of items that is read again besides.

    The few items of the small form are not held to the goals: a run has requests that do not depend on their number.
    """
    items = 100 if quick else 10_000
    options = ("--grow", str(items), "--files", str(FILES), "--distance", str(LATENCY))
    table = Table("run", "seconds", "requests", "peak memory", "of the first import")
    table.title = f"{items:,} items with {FILES} files each (linked), {LATENCY * 1000:.0f} ms away"
    with sample(*options) as url, tempfile.TemporaryDirectory() as folder:
        plain, sliced = Connector(folder, RECHECK_RUNS="0"), Connector(folder)
        first, memory = plain.job("import", url, "--collection", collection_of(url))
        table.add_row("first import", *_figures(first, memory), "")
        for name, goal in (("unchanged, proven by two requests", PROVEN), ("unchanged, listed", LISTED)):
            for connector, more in ((plain, ""), (sliced, ", and a slice of the items read")):
                if goal is LISTED:
                    plain.forget_proof()
                job, memory = connector.job("rerun", "1")
                part = job["seconds"] / first["seconds"]
                told = f"{part:.2f}" if more or quick else at_most(part, round(goal, 2))
                table.add_row(name + more, *_figures(job, memory), told)
    console.print(table)


def _figures(job: dict, memory: float) -> tuple[str, str, str]:
    return f"{job['seconds']:.1f}", f"{job['requests']}", f"{memory:.0f} MB"
