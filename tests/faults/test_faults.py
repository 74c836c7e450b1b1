"""A small part of the fault matrix; `make test-faults` runs all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .cell import run_cell
from .world import World

CELLS = [
    (4, "root", "HTML"),
    (4, "file", "503 past"),
    (6, "page", "cut"),
    (6, "page", "totals low"),
    (6, "item", "drop"),
    (6, "file", "totals low"),
    (7, "tree", "totals high"),
    (7, "page", "429 1 h"),
    (7, "file list", "totals low"),
    (7, "item", "shape"),
    (9, "page", "totals low"),
    (9, "page", "bomb"),
    (9, "item", "redirect"),
    (9, "file list", "no rows"),
    (9, "file", "500"),
    (9, "file", "hang"),
]


@pytest.fixture(scope="module")
def world_of(tmp_path_factory) -> Iterator[Callable[[int], World]]:
    """Give the world of a generation, which is made when it is first asked for."""
    worlds: dict[int, World] = {}
    with ExitStack() as stack:

        def world_of(generation: int) -> World:
            if generation not in worlds:
                folder = tmp_path_factory.mktemp("faults")
                worlds[generation] = stack.enter_context(World(generation, folder))
            return worlds[generation]

        yield world_of


@pytest.mark.parametrize(("generation", "name", "fault"), CELLS)
def test_a_fault_is_survived_told_truly_and_made_good_by_the_next_run(world_of, generation, name, fault):
    verdict = run_cell(world_of(generation), name, fault)

    assert (verdict.met, verdict.failed, verdict.reason) == (True, "", "")
