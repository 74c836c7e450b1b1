"""Lists of a large repository: their cost to a server whose pages get more expensive the deeper they are."""

from __future__ import annotations

import time
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from connector.dspace.hal_query import LARGEST_LIST
from connector.dspace.records import Scope, ScopeKind
from tests.sample import Costs, Repository, SampleRepository, grow

from .goals import at_most
from .reader import reader_of

GROWTH = 1.1  # times the cost of an item in the smallest list


def depth(console: Console, quick: bool) -> None:
    """Seconds of work of the server, counted, while a list of values is read: in parts, and as one list."""
    largest_list, numbers = (500, (600, 3_000)) if quick else (LARGEST_LIST, (10_000, 50_000, 200_000))
    table = Table("items", "server seconds", "ms an item", "of the smallest", "seconds", "ms an item as one list")
    table.title = f"Lists of values, in parts if they have more than {largest_list:,} items"
    smallest = 0.0
    for number in numbers:
        began = time.monotonic()
        spent = server_seconds(number, largest_list)
        seconds, undivided = time.monotonic() - began, server_seconds(number, number)
        cost = spent / number
        smallest = smallest or cost
        told, ms = at_most(cost / smallest, GROWTH), [f"{1000 * each:.1f}" for each in (cost, undivided / number)]
        table.add_row(f"{number:,}", f"{spent:,.0f}", ms[0], told, f"{seconds:.0f}", ms[1])
    console.print(table)


def server_seconds(items: int, largest_list: int, per_skipped: float = Costs.per_skipped) -> float:
    """Return the seconds of work of the server while a walk lists these items, each once. The work takes no time."""
    data, costs = Repository(), replace(Costs(), per_skipped=per_skipped, scale=0)
    home = grow(data, items=items, values=6)
    with SampleRepository(9, data=data, costs=costs) as sample, reader_of(sample, largest_list) as reader:
        pages = reader.walk(Scope(ScopeKind.COLLECTION, home.uuid), light=True, seen=lambda ids: set())
        found = [item.id for page in pages for item in page.items]
    if not len(found) == len(set(found)) == items:
        raise RuntimeError(f"{len(found)} items were listed, {len(set(found))} of them once")
    return costs.spent
