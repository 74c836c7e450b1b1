"""The worlds of the fault matrix, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .world import World


@pytest.fixture(scope="session")
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
