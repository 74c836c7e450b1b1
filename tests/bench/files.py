"""Large files, stored with their checksums by the product, and stored by curl."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from config import DEFAULT_CONCURRENT_REQUESTS

from . import bare
from .distance import LATENCY
from .goals import at_least
from .product import Connector, collection_of, sample

MB = 1_000_000
GIGABIT = 125 * MB  # bytes a second
RATE = 0.8  # of curl's


def files(console: Console, quick: bool) -> None:
    """MB a second beside curl's, with as many at a time: through a fast line, and as fast as this machine can."""
    number, size = (10, 10 * MB) if quick else (10, 100 * MB)
    for line, name in ((GIGABIT, "through 1 Gbit/s"), (math.inf, "through the loopback interface")):
        table = Table("client", "seconds", "MB a second", "peak memory", "the product, of its rate")
        table.title = (
            f"{number} files of {size / MB:.0f} MB, {LATENCY * 1000:.0f} ms away, {name}, "
            f"{DEFAULT_CONCURRENT_REQUESTS} at once"
        )
        options = ("--large", str(number), "--size", str(size), "--distance", str(LATENCY), "--rate", str(line))
        with sample(*options) as url, tempfile.TemporaryDirectory() as folder:
            _compare(table, url, Path(folder), number * size / MB)
        console.print(table)


def _compare(table: Table, url: str, folder: Path, megabytes: float) -> None:
    scope, by_curl = collection_of(url, "Large files"), folder / "curl"
    by_curl.mkdir()
    bare_seconds = bare.curl(_addresses(url, scope), by_curl, DEFAULT_CONCURRENT_REQUESTS)
    checked_seconds = bare_seconds + bare.checksums(by_curl)
    job, memory = Connector(str(folder / "instance")).job("import", url, "--collection", scope, "--files")
    table.add_row("DSpace Connector", *_figures(job["seconds"], megabytes), f"{memory:.0f} MB", "")
    table.add_row("curl", *_figures(bare_seconds, megabytes), "", at_least(bare_seconds / job["seconds"], RATE))
    checked = at_least(checked_seconds / job["seconds"], RATE)
    table.add_row("curl, then md5sum and sha256sum", *_figures(checked_seconds, megabytes), "", checked)


def _figures(seconds: float, megabytes: float) -> tuple[str, str]:
    return f"{seconds:.1f}", f"{megabytes / seconds:.0f}"


def _addresses(url: str, scope: str) -> list[str]:
    query = f"dsoType=item&scope={scope}&size=100&embed=bundles/bitstreams"
    found = requests.get(f"{url}/server/api/discover/search/objects?{query}", timeout=60).json()
    items = [o["_embedded"]["indexableObject"] for o in found["_embedded"]["searchResult"]["_embedded"]["objects"]]
    bundles = [bundle for item in items for bundle in item["_embedded"]["bundles"]["_embedded"]["bundles"]]
    uuids = [one["uuid"] for bundle in bundles for one in bundle["_embedded"]["bitstreams"]["_embedded"]["bitstreams"]]
    return [f"{url}/server/api/core/bitstreams/{uuid}/content" for uuid in uuids]
