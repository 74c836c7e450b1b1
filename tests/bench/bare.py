"""Clients that only fetch and parse. No import can be faster."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from lxml import etree

OAI = "{http://www.openarchives.org/OAI/2.0/}"
JSON = {"Accept": "application/json"}
DETAILS = "metadata,bitstreams"
EMBED = "&embed=bundles/bitstreams/format&embed.size=bundles/bitstreams=500"


def pages(url: str, scope: str, size: int, embed: str = "", parallel: int = 1) -> tuple[int, float]:
    """Fetch and parse every page of the scope; gives (items, seconds)."""
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


def bundles(url: str, scope: str) -> tuple[int, float]:
    """Light pages of 20 and one bundles request an item, four at a time; gives (items, seconds)."""
    session = requests.Session()

    def files_of(uuid: str) -> None:
        path = f"{url}/server/api/core/items/{uuid}/bundles?embed=bitstreams/format&embed.size=bitstreams=500"
        session.get(path, timeout=600).json()

    def light(number: int) -> list[str]:
        query = f"dsoType=item&scope={scope}&sort=dc.date.accessioned,asc&page={number}&size=20"
        found = session.get(f"{url}/server/api/discover/search/objects?{query}", timeout=600).json()
        totals.append(found["_embedded"]["searchResult"]["page"]["totalElements"])
        objects = found["_embedded"]["searchResult"]["_embedded"]["objects"]
        return [o["_embedded"]["indexableObject"]["uuid"] for o in objects]

    totals: list[int] = []
    began = time.monotonic()
    first = light(0)
    with ThreadPoolExecutor(4) as pool:
        lists = pool.map(light, range(1, -(-totals[0] // 20)))
        waiting = [pool.submit(files_of, uuid) for uuid in first]
        waiting += [pool.submit(files_of, uuid) for uuids in lists for uuid in uuids]
        for future in waiting:
            future.result()
    return totals[0], time.monotonic() - began


def records(url: str) -> tuple[int, float]:
    """Fetch and parse all records over OAI-PMH, one page after another; gives (records, seconds)."""
    session, number, token = requests.Session(), 0, ""
    began = time.monotonic()
    while True:
        query = f"resumptionToken={token}" if token else "metadataPrefix=xoai"
        answer = session.get(f"{url}/server/oai/request?verb=ListRecords&{query}", timeout=600)
        tree = etree.fromstring(answer.content)
        number += len(tree.findall(f".//{OAI}record"))
        token = tree.findtext(f".//{OAI}resumptionToken")
        if not token:
            return number, time.monotonic() - began


def lists(url: str, scope: str, size: int, expand: str) -> tuple[int, float]:
    """Pages of a collection of DSpace 5 or 6 with the details of all items, four at a time; gives (items, seconds)."""
    session = requests.Session()

    def page(offset: int) -> list[dict]:
        path = f"{url}/rest/collections/{scope}/items?limit={size}&offset={offset}{expand}"
        return session.get(path, headers=JSON, timeout=600).json()

    began = time.monotonic()
    total = session.get(f"{url}/rest/collections/{scope}", headers=JSON, timeout=600).json()["numberItems"]
    with ThreadPoolExecutor(4) as pool:
        rows = [row for found in pool.map(page, range(0, total, size)) for row in found]
        if not expand:
            path = f"{url}/rest/items/%s?expand={DETAILS}"
            for answer in pool.map(lambda row: session.get(path % (row.get("uuid") or row["id"]), headers=JSON), rows):
                answer.json()
    return total, time.monotonic() - began


LEGACY_PLANS: dict[str, Callable[[str, str], tuple[int, float]]] = {
    **{
        f"pages of {size} with details": lambda url, scope, size=size: lists(url, scope, size, f"&expand={DETAILS}")
        for size in (25, 50, 100)
    },
    "light pages of 50 and single items": lambda url, scope: lists(url, scope, 50, ""),
}

PLANS: dict[str, Callable[[str, str], tuple[int, float]]] = {
    "embedded pages of 5": lambda url, scope: pages(url, scope, 5, EMBED, 4),
    "embedded pages of 10": lambda url, scope: pages(url, scope, 10, EMBED, 4),
    "embedded pages of 20": lambda url, scope: pages(url, scope, 20, EMBED, 4),
    "light pages and bundles": bundles,
}


def curl(addresses: list[str], folder: Path, parallel: int) -> float:
    """Seconds that curl takes to store what is at these addresses, this many at a time."""
    config = folder / "curl"
    config.write_text("".join(f'url = "{url}"\noutput = "{folder}/{n}"\n' for n, url in enumerate(addresses)))
    command = ["curl", "--no-progress-meter", "--fail", "--parallel", "--parallel-immediate"]
    began = time.monotonic()
    subprocess.run([*command, "--parallel-max", str(parallel), "--config", str(config)], check=True)
    return time.monotonic() - began


def checksums(folder: Path) -> float:
    """Seconds that MD5 and SHA-256 of all files in this folder take, the two side by side."""
    files = [str(path) for path in folder.iterdir()]
    began = time.monotonic()
    both = [subprocess.Popen([command, *files], stdout=subprocess.DEVNULL) for command in ("md5sum", "sha256sum")]
    for process in both:
        process.wait()
    return time.monotonic() - began
