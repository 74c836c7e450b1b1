"""DSpace 6, where long lists are expensive: a first import, an unchanged import and a full check."""

from __future__ import annotations

import tempfile

import requests
from rich.console import Console
from rich.table import Table

from .goals import at_most
from .product import Connector, sample

SCALE = 0.1  # of the time that a real server takes
UNCHANGED = 70  # requests of an unchanged run of 1,000 items


def older(console: Console, quick: bool) -> None:
    """Requests and seconds of each run, with a file of each item (not downloaded)."""
    table = Table("items", "run", "seconds", "requests", "requests for 1,000 items")
    table.title = f"From a DSpace 6, whose times are {SCALE:g} of the measured ones"
    for number in (500,) if quick else (2_500, 10_000):
        options = ("--generation", "6", "--costs", "--scale", str(SCALE), "--grow", str(number), "--files", "1")
        with sample(*options) as url, tempfile.TemporaryDirectory() as folder:
            connector, scope = Connector(folder), _synthetic(url)
            runs = {
                "first import": ("import", url, "--collection", scope),
                "unchanged": ("rerun", "1"),
                "full check": ("rerun", "1", "--full"),
            }
            for name, command in runs.items():
                job, _ = connector.job(*command)
                rate = job["requests"] * 1_000 / number
                told = at_most(rate, UNCHANGED) if name == "unchanged" else f"{rate:.0f}"
                table.add_row(f"{number:,}", name, f"{job['seconds']:.1f}", f"{job['requests']}", told)
    console.print(table)


def _synthetic(url: str) -> str:
    """The uuid of the collection of synthetic items."""
    found = requests.get(f"{url}/rest/collections?limit=100", headers={"Accept": "application/json"}, timeout=60)
    return next(row["uuid"] for row in found.json() if row["name"] == "Synthetic items")
