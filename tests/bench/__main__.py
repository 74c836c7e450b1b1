"""`python -m tests.bench [--quick] [--only PART …]`: prints tables, each figure beside its goal where it has one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console

from . import both_ways, depth, distance, files, items, older, pages, plans, publish, stopping

Part = Callable[[Console, bool], None]
PARTS: dict[str, Part] = {
    "again": distance.again,
    "files": files.files,
    "growth": items.growth,
    "stop": stopping.stopping,
    "rates": items.rates,
    "plans": plans.plans,
    "depth": depth.depth,
    "older": older.older,
    "both-ways": both_ways.both_ways,
    "pages": pages.pages,
    "publish": publish.publish,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables of all parts, or of those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small form: fewer items, smaller files")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"any of {', '.join(PARTS)}")
    options = parser.parse_args(arguments)
    console = Console(width=140)
    for name in options.only or PARTS:
        PARTS[name](console, options.quick)


if __name__ == "__main__":
    main()
