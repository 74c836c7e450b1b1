"""The worlds of the fault matrix, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .setups import SETUPS
from .world import World


@pytest.fixture(scope="session")
def world_of(tmp_path_factory) -> Iterator[Callable[[str], World]]:
    """Give the world of a setup, which is made when it is first asked for."""
    worlds: dict[str, World] = {}
    with ExitStack() as stack:

        def world_of(setup: str) -> World:
            if setup not in worlds:
                folder = tmp_path_factory.mktemp("faults")
                worlds[setup] = stack.enter_context(World(SETUPS[setup], folder))
            return worlds[setup]

        yield world_of
