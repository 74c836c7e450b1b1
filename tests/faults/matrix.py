"""The whole matrix: runs its cells in two processes, prints its table and the reasons of failures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.table import Table
from rich.text import Text

from .cell import Verdict, run_cell
from .setups import SETUPS
from .world import World

PROCESSES = 2
_worlds: dict[str, World] = {}
_open = ExitStack()  # until the process ends


@dataclass(frozen=True, order=True)
class Cell:
    """Which setup (a name of `SETUPS`), which object, which fault."""

    setup: str
    object: str
    fault: str


def run(cell: Cell) -> Verdict:
    """Run one cell, in the world of its setup that this process keeps."""
    if cell.setup not in _worlds:
        folder = _open.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        _worlds[cell.setup] = _open.enter_context(World(SETUPS[cell.setup], Path(folder)))
    return run_cell(_worlds[cell.setup], cell.object, cell.fault)


def run_all(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Verdict]]:
    """Run the cells in two processes, and yield each as it ends."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        cells_of = {pool.submit(run, cell): cell for cell in cells}
        for future in as_completed(cells_of):
            yield cells_of[future], future.result()


def table(verdicts: dict[Cell, Verdict]) -> Table:
    """Return the table: a row for each setup and object, a column for each fault."""
    faults = list(dict.fromkeys(cell.fault for cell in verdicts))
    shown = Table(
        "", "", *faults, title="ok, or the question that failed (·: nothing was asked for; empty: cannot happen)"
    )
    for setup, name in dict.fromkeys((cell.setup, cell.object) for cell in verdicts):
        shown.add_row(
            Text(setup, no_wrap=True),
            Text(name, no_wrap=True),
            *(str(verdicts.get(Cell(setup, name, fault), "")) for fault in faults),
        )
    return shown
