"""`python -m tests.faults`: runs the fault matrix, prints its table, and a line for each cell that failed."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from .faults import FAULTS, OAI_FAULTS, faults_of
from .matrix import Cell, run_all, table
from .objects import OBJECTS
from .setups import SETUPS

WIDE = 420  # columns: a terminal that is narrower would fold the table


def main() -> int:
    options = _options()
    chosen = [
        Cell(setup, name, fault)
        for setup in options.setup or SETUPS
        for name in OBJECTS[SETUPS[setup].api]
        if not options.object or name in options.object
        for fault in faults_of(SETUPS[setup].api, name)
        if not options.fault or any(fault.startswith(part) for part in options.fault)
    ]
    found = {}
    for cell, verdict in run_all(chosen):
        found[cell] = verdict
        said = f"{_named(cell)}: {verdict} {verdict.reason} ({verdict.seconds:.1f} s)"
        print(f"{len(found)} of {len(chosen)}: {said}", file=sys.stderr)
    verdicts = {cell: found[cell] for cell in chosen}
    Console(width=WIDE).print(table(verdicts))
    failed = {cell: verdict for cell, verdict in verdicts.items() if verdict.failed}
    for cell, verdict in failed.items():
        print(f"{_named(cell)}: {verdict.failed}: {verdict.reason}")
    print(f"{len(verdicts)} cells, {len(failed)} failed.")
    return 1 if failed else 0


def _named(cell: Cell) -> str:
    return f"DSpace {cell.setup}, {cell.object}, {cell.fault}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--setup", action="append", choices=SETUPS)
    parser.add_argument(
        "--object", action="append", choices=dict.fromkeys(name for each in OBJECTS.values() for name in each)
    )
    parser.add_argument("--fault", action="append", help=f"one of {', '.join(FAULTS | OAI_FAULTS)}, or how it begins")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
