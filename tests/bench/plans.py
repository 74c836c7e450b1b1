"""The reading plans of a walk, beside those of a bare client that knows the best one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from connector.dspace.records import Scope, ScopeKind
from tests.sample import Costs, Repository, SampleRepository
from tests.sample.costs import REAL

from . import bare
from .goals import at_most
from .reader import reader_of

COSTS = replace(Costs(), per_item=0.008, bundles_request=0.005, bundles_bitstream=0.006)
"""The costs of a DSpace 9.3 for the two collections in docs/dspace-findings.md, of few and of many files an item."""

FILES: dict[str, Callable[[int], int]] = {
    "theses": lambda number: int(number % 10 == 0),
    "articles": lambda number: (2, 9, 4, 5, 3, 6, 1, 7, 5)[number % 9],
    "articles after items without files": lambda number: 5 * (number >= 100),
}
GOAL = 1.1  # times the seconds of the fastest bare plan


@dataclass(frozen=True)
class Run:
    """The elapsed seconds, and the seconds of work of the server."""

    seconds: float
    work: float


def plans(console: Console, quick: bool) -> None:
    """Elapsed and server seconds of each plan, near and far."""
    sizes = {"theses": (20,), "articles": (20,)} if quick else dict.fromkeys(FILES, (60, 230, 600))
    for generation in (9, 6, 5):
        for kind, distance in ((kind, distance) for kind in sizes for distance in (0.0, 0.06)):
            for items in sizes[kind]:
                with _collection(generation, kind, items, distance) as (sample, home):
                    runs = {
                        name: _run(sample, lambda read=read: read(sample.url, home)) for name, read in _bare(generation)
                    }
                    taken, plan = _walk(sample, home)
                title = f"DSpace {generation}: {items} {kind}, {distance * 1000:.0f} ms away"
                console.print(_table(title, runs, taken, plan))


def _bare(generation: int) -> Iterable[tuple[str, Callable[[str, str], object]]]:
    return (bare.PLANS if generation >= 7 else bare.LEGACY_PLANS).items()


def _table(title: str, runs: dict[str, Run], taken: Run, plan: str) -> Table:
    """Compare with the fastest bare plan. The seconds of short lists are mostly those of the first requests."""
    best = min(runs.values(), key=lambda run: run.seconds)
    table = Table("plan", "seconds", "of the fastest", "server seconds", "of the fastest", title=title)
    for name, run in runs.items():
        part, work = run.seconds / best.seconds, run.work / best.work
        table.add_row(name, f"{run.seconds:.1f}", f"{part:.2f}", f"{run.work:.1f}", f"{work:.2f}")
    goals = [at_most(part, GOAL) for part in (taken.seconds / best.seconds, taken.work / best.work)]
    table.add_row(f"walk{plan}", f"{taken.seconds:.1f}", goals[0], f"{taken.work:.1f}", goals[1])
    return table


def _walk(sample: SampleRepository, home: str) -> tuple[Run, str]:
    """Return the run of a walk, and the plan that it has chosen, in words. DSpace 5 and 6 do not tell theirs.

    As in an import, the walk begins after a few requests about the site and the scope, which widen the concurrency.
    """
    chosen, scope = ["the first plan"], Scope(ScopeKind.COLLECTION, home)
    with reader_of(sample) as reader:

        def read() -> None:
            for page in reader.walk(scope, seen=lambda ids: set()):
                chosen.append(page.cursor.get("plan") or chosen[0])

        reader.ping()
        reader.collection(home)
        reader.count(scope)
        return _run(sample, read), f", at last {chosen[-1]}" if sample.generation >= 7 else ""


def _run(sample: SampleRepository, read: Callable[[], object]) -> Run:
    before, began = sample.costs.spent, time.monotonic()
    read()
    return Run(time.monotonic() - began, sample.costs.spent - before)


@contextmanager
def _collection(generation: int, kind: str, items: int, distance: float) -> Iterator[tuple[SampleRepository, str]]:
    """Serve a collection of this many items, and yield its id with the server."""
    data = Repository()
    home = data.add_collection(kind, data.add_community("Community"))
    for number in range(items):
        item = data.add_item(home, [("dc.title", [f"Item {number:06}"])])
        for file in range(FILES[kind](number)):
            data.add_file(item, f"{file}.txt", b"%d/%d" % (number, file))
    costs = replace(REAL.get(generation, COSTS), distance=distance)
    with SampleRepository(generation, data=data, costs=costs) as sample:
        sample.warm()
        yield sample, home.uuid if generation >= 6 else str(home.number)
