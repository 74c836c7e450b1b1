"""The harness with few kills; `make test-crash` makes a hundred."""

from __future__ import annotations

import random

from tests.sample import SampleRepository

from .harness import Harness
from .life import STAGES

KILLS = 12


def test_an_import_a_re_run_and_their_undo_end_as_if_nobody_had_killed_them(tmp_path):
    seed = random.randrange(10**6)
    said: list[str] = [f"Seed {seed}"]
    with SampleRepository(9) as sample:
        harness = Harness(sample, tmp_path, seed, said.append)

        try:
            harness.run(KILLS)
        finally:
            print(*said, sep="\n")

    assert harness.kills.total() >= KILLS
    assert {stage for stage, _ in harness.kills} == {stage.name for stage in STAGES}
