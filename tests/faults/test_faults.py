"""A small part of the fault matrix; `make test-faults` runs all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cell import run_cell
from .world import World

CELLS = [
    ("root", "HTML"),
    ("tree", "shape"),
    ("page", "shape"),
    ("item", "shape"),
    ("file", "empty"),
    ("file", "totals low"),
]


@pytest.fixture(scope="module", params=[6, 9], ids=lambda generation: f"DSpace {generation}")
def world(request, tmp_path_factory) -> Iterator[World]:
    with World(request.param, tmp_path_factory.mktemp("faults")) as world:
        yield world


@pytest.mark.parametrize(("name", "fault"), CELLS)
def test_a_fault_is_survived_told_truly_and_made_good_by_the_next_run(world, name, fault):
    verdict = run_cell(world, name, fault)

    assert (verdict.met, verdict.failed, verdict.reason) == (True, "", "")
