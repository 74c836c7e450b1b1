"""A large repository over REST alone, and with OAI-PMH beside it: a first import, and a re-run after some changes."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from tests.sample import Costs, Repository, SampleRepository, grow

from . import bare
from .goals import at_least
from .product import Connector

FILES = 4  # of each item, listed and not downloaded
CHANGED = 0.01  # of the items, before the re-run
FASTER, OF_BARE = 20, 0.5
RESOLVED_LATER = {"id", "jobs", "source_id", "page_link"}
"""What OAI-PMH does not give: the id of an item and the address of its page come from later lists over REST."""


@dataclass(frozen=True)
class Run:
    """A job of the product. `work`: seconds of work of the server."""

    seconds: float
    requests: int
    work: float


def both_ways(console: Console, quick: bool) -> None:
    """Time, requests and server seconds of each run. The catalogues must be equal.

    The few items of the small form are not held to the goals, and its server takes no time.
    """
    items = 520 if quick else 10_000
    data = Repository()
    grow(data, items, files=FILES)
    with (
        SampleRepository(9, data=data, costs=replace(Costs(), scale=0.0 if quick else 1.0)) as sample,
        tempfile.TemporaryDirectory() as rest_folder,
        tempfile.TemporaryDirectory() as oai_folder,
    ):
        sample.warm()
        sample.oai.freeze()
        _records, bare_seconds = bare.records(sample.url)
        rest, oai = Connector(rest_folder), Connector(oai_folder)
        first = [
            _run(sample, one, "import", sample.url, "--all", way) for one, way in ((rest, "--no-oai"), (oai, "--oai"))
        ]
        _compare(rest, oai)
        _change(data, round(items * CHANGED))
        again = [_run(sample, one, "rerun", "1") for one in (rest, oai)]
        _compare(rest, oai)
    console.print(_table(items, first, again, bare_seconds, has_goals=not quick))


def _table(items: int, first: list[Run], again: list[Run], bare_seconds: float, *, has_goals: bool) -> Table:
    table = Table("run", "seconds", "times as fast", "requests", "server seconds", "times less work", "of bare rate")
    table.title = f"{items:,} items with {FILES} files each (listed), over REST alone and with OAI-PMH"
    table.add_row("bare loop over OAI-PMH", f"{bare_seconds:.1f}")
    for name, (rest, oai) in (("first import", first), (f"re-run, {CHANGED:.0%} changed", again)):
        table.add_row(f"{name}, REST alone", f"{rest.seconds:.1f}", "", f"{rest.requests}", f"{rest.work:.1f}", "", "")
        faster, less, of_bare = rest.seconds / oai.seconds, rest.work / oai.work, bare_seconds / oai.seconds
        told = [f"{faster:.1f}", f"{less:.1f}", f"{of_bare:.2f}" if oai in first else ""]
        if has_goals and oai in first:
            told = [at_least(faster, FASTER), at_least(less, FASTER), at_least(of_bare, OF_BARE)]
        table.add_row(
            f"{name}, with OAI-PMH", f"{oai.seconds:.1f}", told[0], f"{oai.requests}", f"{oai.work:.1f}", *told[1:]
        )
    return table


def _run(sample: SampleRepository, connector: Connector, *command: str) -> Run:
    before = sample.costs.spent
    job, _memory = connector.job(*command)
    return Run(job["seconds"], job["requests"], sample.costs.spent - before)


def _change(data: Repository, number: int) -> None:
    """Change items that are spread over the repository. The index of OAI-PMH stays as it is."""
    every = list(data.items.values())
    for item in every[:: len(every) // number]:
        data.edit(item, "dc.title", [f"{item.name}, changed"])


def _compare(rest: Connector, oai: Connector) -> None:
    """Raise RuntimeError if the catalogues are not equal."""
    expected, found = _catalogue(rest), _catalogue(oai)
    different = {handle for handle in expected.keys() | found.keys() if expected.get(handle) != found.get(handle)}
    if different or not expected:
        raise RuntimeError(f"{len(different)} items differ, for example {sorted(different)[:5]}")


def _catalogue(connector: Connector) -> dict[str, str]:
    """Return the JSON of each item by handle."""
    out, _seconds, _memory = connector("export", "--format", "jsonl")
    records = map(json.loads, out.splitlines())
    return {
        one["handle"]: json.dumps({key: one[key] for key in one.keys() - RESOLVED_LATER}, sort_keys=True)
        for one in records
    }
