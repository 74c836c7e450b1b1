"""The cost of the product alone: the server answers from memory."""

from __future__ import annotations

import statistics
import tempfile

from rich.console import Console
from rich.table import Table

from . import bare
from .goals import at_most
from .product import Connector, collection_of, sample

GROWTH = 1.2  # times the cost of an item in the smallest import


def rates(console: Console, quick: bool) -> None:
    """Items a second of each command, beside a loop that only reads."""
    names = ("bare loop", "import", "of bare", "unchanged, listed", "unchanged, proven", "undo", "export")
    table = Table("items", *names)
    table.title = "Items a second, from a repository that answers from memory (15 values an item)"
    for number in (100, 500) if quick else (1_000, 10_000):
        with sample("--grow", str(number)) as url, tempfile.TemporaryDirectory() as folder:
            table.add_row(f"{number:,}", *_rates(url, Connector(folder)))
    console.print(table)


def _rates(url: str, connector: Connector) -> list[str]:
    scope = collection_of(url)
    job, _ = connector.job("import", url, "--collection", scope, "--no-oai")  # as the bare loop reads
    size = min((5, 10, 20, 100), key=lambda size: abs(size - job["seen"] / job["requests"]))
    items, seconds = bare.pages(url, scope, size, bare.EMBED)
    proven, _ = connector.job("rerun", "1")
    connector.forget_proof()
    listed, _ = connector.job("rerun", "1")
    _, exported, _ = connector("export")
    _, undone, _ = connector("undo", "1")
    return [
        f"{items / seconds:,.0f} (pages of {size})",
        f"{items / job['seconds']:,.0f}",
        f"{seconds / job['seconds']:.0%}",
        f"{items / listed['seconds']:,.0f} ({listed['requests']} requests)",
        f"{proven['seconds']:.2f} s ({proven['requests']} requests)",
        f"{items / undone:,.0f}",
        f"{items / exported:,.0f}",
    ]


def growth(console: Console, quick: bool) -> None:
    """What one item costs in small and large imports."""
    table = Table("items", "seconds", "requests", "peak memory", "ms an item", "of the smallest")
    table.title = "The cost of an item, from a repository that answers from memory"
    smallest = 0.0
    for number, times in ((100, 1), (1_000, 1)) if quick else ((1_000, 5), (10_000, 1), (100_000, 1)):
        with sample("--grow", str(number)) as url:
            runs = [_import(url) for _ in range(times)]
        cost = statistics.median(job["seconds"] for job, _ in runs) / number
        smallest = smallest or cost
        job, memory = runs[0]
        figures = (f"{cost * number:.1f}", f"{job['requests']}", f"{memory:.0f} MB", f"{cost * 1000:.2f}")
        table.add_row(f"{number:,}", *figures, at_most(cost / smallest, GROWTH))
    console.print(table)


def _import(url: str) -> tuple[dict, float]:
    with tempfile.TemporaryDirectory() as folder:
        return Connector(folder).job("import", url, "--collection", collection_of(url))
