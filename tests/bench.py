"""`make bench`: what an import costs, as ratios to a bare client on the same machine. Prints tables, judges nothing."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
console = Console(width=140)


@contextmanager
def sample(*options: str) -> Iterator[str]:
    """The sample repository in a process of its own; gives its address."""
    command = [sys.executable, "-u", "-m", "tests.sample", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


class Connector:
    """Runs the product's commands in an instance of its own and measures them as whole processes."""

    def __init__(self, folder: str):
        self._environment = os.environ | {"CONNECTOR_INSTANCE": folder, "CONNECTOR_ALLOW_NETWORKS": "127.0.0.0/8"}

    def __call__(self, *args: str) -> tuple[str, float, float]:
        """Gives (stdout, seconds, peak memory in MB)."""
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", *args],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"flask {' '.join(args)} ended with {process.returncode}: {out.decode()}")
        return out.decode(), time.monotonic() - began, usage.ru_maxrss / 1024

    def forget_proof(self) -> None:
        """Let the next run list its scope, as it does where the counts of the source prove nothing."""
        with sqlite3.connect(Path(self._environment["CONNECTOR_INSTANCE"]) / "connector.db") as database:
            database.execute("UPDATE source SET proof = NULL")

    def job(self, *args: str) -> tuple[dict, float]:
        """Gives (the job's JSON, peak memory in MB)."""
        out, _, memory = self(*args, "--json")
        return json.loads(out), memory


def collection_of(url: str) -> str:
    """The uuid of the synthetic collection."""
    found = requests.get(f"{url}/server/api/discover/search/objects?dsoType=collection&size=100", timeout=60).json()
    objects = [o["_embedded"]["indexableObject"] for o in found["_embedded"]["searchResult"]["_embedded"]["objects"]]
    return next(o["uuid"] for o in objects if o["name"] == "Synthetic items")


def bare_pages(url: str, scope: str, size: int, embed: str = "", parallel: int = 1) -> tuple[int, float]:
    """Fetch and parse every page of the scope, nothing else; gives (items, seconds)."""
    session = requests.Session()

    def page(number: int) -> dict:
        query = f"dsoType=item&scope={scope}&sort=dc.date.accessioned,asc&page={number}&size={size}{embed}"
        answer = session.get(f"{url}/server/api/discover/search/objects?{query}", timeout=600)
        return json.loads(answer.content)["_embedded"]["searchResult"]

    began = time.monotonic()
    total = page(0)["page"]["totalElements"]
    with ThreadPoolExecutor(parallel) as pool:
        read = pool.map if parallel > 1 else map
        for _ in read(page, range(1, -(-total // size))):
            pass
    return total, time.monotonic() - began


EMBED = "&embed=bundles/bitstreams/format&embed.size=bundles/bitstreams=500"


def bare_bundles(url: str, scope: str) -> tuple[int, float]:
    """Light pages of 20 and one bundles request an item, four at a time; gives (items, seconds)."""
    session = requests.Session()

    def bundles(uuid: str) -> None:
        path = f"{url}/server/api/core/items/{uuid}/bundles?embed=bitstreams/format&embed.size=bitstreams=500"
        session.get(path, timeout=600).json()

    def light(number: int) -> list[str]:
        query = f"dsoType=item&scope={scope}&sort=dc.date.accessioned,asc&page={number}&size=20"
        found = session.get(f"{url}/server/api/discover/search/objects?{query}", timeout=600).json()
        pages.append(found["_embedded"]["searchResult"]["page"]["totalElements"])
        objects = found["_embedded"]["searchResult"]["_embedded"]["objects"]
        return [o["_embedded"]["indexableObject"]["uuid"] for o in objects]

    pages: list[int] = []
    began = time.monotonic()
    first = light(0)
    with ThreadPoolExecutor(4) as pool:
        lists = pool.map(light, range(1, -(-pages[0] // 20)))
        waiting = [pool.submit(bundles, uuid) for uuid in first]
        waiting += [pool.submit(bundles, uuid) for uuids in lists for uuid in uuids]
        for future in waiting:
            future.result()
    return pages[0], time.monotonic() - began


PLANS: dict[str, Callable[[str, str], tuple[int, float]]] = {
    "embedded pages of 5": lambda url, scope: bare_pages(url, scope, 5, EMBED, 4),
    "embedded pages of 10": lambda url, scope: bare_pages(url, scope, 10, EMBED, 4),
    "embedded pages of 20": lambda url, scope: bare_pages(url, scope, 20, EMBED, 4),
    "light pages and bundles": bare_bundles,
}


def cheap_server(sizes: list[int]) -> None:
    """The product's own cost: the server answers from memory."""
    names = ("bare loop", "import", "of bare", "unchanged, listed", "unchanged, proven", "undo", "export", "memory")
    table = Table("items", *names)
    table.title = "Items a second, from a repository that answers from memory (15 values an item)"
    costs = {}
    for number in sizes:
        with sample("--grow", str(number)) as url, tempfile.TemporaryDirectory() as folder:
            scope, connector = collection_of(url), Connector(folder)
            job, memory = connector.job("import", url, "--collection", scope)
            size = max(5, min(100, round(number / job["requests"])))
            size = min((5, 10, 20, 100), key=lambda s: abs(s - size))
            items, bare = bare_pages(url, scope, size, EMBED)
            proven, _ = connector.job("rerun", "1")
            connector.forget_proof()
            listed, _ = connector.job("rerun", "1")
            _, exported, _ = connector("export")
            _, undone, _ = connector("undo", "1")
            costs[number] = job["seconds"] / items
            rates = [items / job["seconds"], items / listed["seconds"], items / undone, items / exported]
            table.add_row(
                f"{number:,}",
                f"{items / bare:,.0f} (pages of {size})",
                f"{rates[0]:,.0f}",
                f"{bare / job['seconds']:.0%}",
                f"{rates[1]:,.0f} ({listed['requests']} requests)",
                f"{proven['seconds']:.2f} s ({proven['requests']} requests)",
                f"{rates[2]:,.0f}",
                f"{rates[3]:,.0f}",
                f"{memory:.0f} MB",
            )
    console.print(table)
    console.print(
        f"Cost of an item at {max(sizes):,} against {min(sizes):,}: {costs[max(sizes)] / costs[min(sizes)]:.2f}\n"
    )


def dear_server(items: int) -> None:
    """The reading plan: a server with the costs of a real DSpace 9.3, near and far."""
    for distance in (0.0, 0.06):
        options = ("--grow", str(items), "--files", "4", "--costs", "--distance", str(distance))
        with sample(*options) as url, tempfile.TemporaryDirectory() as folder:
            scope = collection_of(url)
            table = Table("plan", "seconds", "of the best fixed plan")
            table.title = f"{items} items with 4 files each, costs of a DSpace 9.3, {distance * 1000:.0f} ms away"
            seconds = {name: plan(url, scope)[1] for name, plan in PLANS.items()}
            job, _ = Connector(folder).job("import", url, "--collection", scope)
            seconds[f"DSpace Connector ({job['requests']} requests)"] = job["seconds"]
            best = min(list(seconds.values())[:-1])
            for name, taken in seconds.items():
                table.add_row(name, f"{taken:.1f}", f"{taken / best:.2f}")
            console.print(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small form: fewer items")
    quick = parser.parse_args().quick
    cheap_server([100, 500] if quick else [1_000, 10_000])
    dear_server(60 if quick else 400)
    console.print(
        f"Peak memory of all children: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
