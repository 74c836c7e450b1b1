"""The harness with few kills. `make test-crash` makes a hundred."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.sample import SampleRepository
from tests.thoroughness import IS_THOROUGH

from .databases import Database, InTheFolder, OnAServer
from .harness import Harness
from .life import STAGES

FEW, MANY = 4, 12


def assert_as_if_nobody_had_killed_them(version: int, database: Database, folder: Path, kills: int) -> None:
    seed = random.randrange(10**6)
    said: list[str] = [f"Seed {seed}"]
    with SampleRepository(version) as sample:
        harness = Harness(sample, folder, database, seed, said.append)

        try:
            harness.run(kills)
        finally:
            print(*said, sep="\n")

    assert harness.kills.total() >= kills
    assert {stage for stage, _ in harness.kills} == {stage.name for stage in STAGES}


@pytest.mark.parametrize(("version", "kills"), [(9, MANY), (6, FEW)] if IS_THOROUGH else [(9, FEW)])
def test_killed_imports_reruns_and_undos_end_like_undisturbed_ones(tmp_path, version, kills):
    assert_as_if_nobody_had_killed_them(version, InTheFolder(), tmp_path, kills)


@pytest.mark.parametrize("version", [6, 9] if IS_THOROUGH else [6])
def test_killed_imports_end_like_undisturbed_ones_on_postgresql(postgresql, tmp_path, version):
    assert_as_if_nobody_had_killed_them(version, OnAServer(postgresql), tmp_path, FEW)
