"""Runs each stage undisturbed, then repeatedly with kills, and compares the results."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.sample import SampleRepository

from .databases import Database
from .life import REQUEST, STAGES, Life, Source, Stage

CHAIN = 5  # kills of one job before it may go on to its end
GOLDEN = 0.618034  # its multiples modulo 1 lie evenly however many are taken
RANDOM = (REQUEST, "before a statement")
NEEDED = {
    "import": {REQUEST, "in the migration", "after a commit of items", "between a file's rename and its row"},
    "re-run": {REQUEST, "after a commit of items", "between a file's rename and its row"},
    "undo of the re-run": {"after a commit of items", "between the end of a row and of its bytes"},
    "undo of the import": {"after a commit of items", "between the end of a row and of its bytes"},
}


class Harness:
    """Kills until this many kills were made; raises AssertionError at the first difference. `folder` must be empty."""

    def __init__(
        self, sample: SampleRepository, folder: Path, database: Database, seed: int, say: Callable[[str], object]
    ):
        self._source, self._folder, self._database, self._say = Source(sample), folder, database, say
        self._random = random.Random(seed)
        self._turns: Counter[tuple[str, str]] = Counter()
        self._passed: dict[str, Counter[str]] = {}
        self._expected: dict[str, dict[str, object]] = {}
        self.kills: Counter[tuple[str, str]] = Counter()

    def run(self, kills: int) -> None:
        """Kill at least this many times, all stages in turn."""
        self._leave_alone()
        share = max(1, min(CHAIN, kills // len(STAGES)))
        trial = 0
        while self.kills.total() < kills:
            stage = STAGES[trial % len(STAGES)]
            self._disturb(stage, share, self._folder / f"{trial:03}")
            trial += 1
            self._say(f"{self.kills.total()} of {kills} kills: {stage.name} ended as one left alone")

    def _leave_alone(self) -> None:
        life = self._life(self._folder / "alone")
        for stage in STAGES:
            self._source.at(stage)
            ended = life.go_on(stage)
            self._passed[stage.name] = ended.passed + Counter({REQUEST: ended.requests})
            missing = NEEDED[stage.name] - self._passed[stage.name].keys()
            assert not missing, f"{stage.name} never comes to {missing}: it does not do what is to be tested"
            self._expected[stage.name] = life.outcome()
            life.copy(self._after(stage))

    def _life(self, folder: Path) -> Life:
        return Life(folder, self._source, self._database)

    def _after(self, stage: Stage) -> Path:
        return self._folder / f"after {stage.name}"

    def _disturb(self, stage: Stage, kills: int, folder: Path) -> None:
        number = STAGES.index(stage)
        if number:
            self._life(self._after(STAGES[number - 1])).copy(folder)
        life = self._life(folder)
        self._source.at(stage)
        left = Counter(self._passed[stage.name])
        for more in range(kills, 0, -1):
            if life.is_done(stage):
                break
            point = self._next_point(stage, left)
            ended = life.go_on(stage, point, self._pass_of(stage, point, left[point], more))
            left -= ended.passed
            self.kills[stage.name, point] += ended.was_killed
        if not life.is_done(stage):
            life.go_on(stage)
        self._compare(stage, life)
        life.end()

    def _next_point(self, stage: Stage, left: Counter[str]) -> str:
        """The point with the fewest turns in this stage, and among those in all."""
        points = [point for point in self._passed[stage.name] if left[point] > 0]
        in_all = {point: sum(self._turns[stage.name, point] for stage in STAGES) for point in points}
        point = min(points, key=lambda point: (self._turns[stage.name, point], in_all[point], self._random.random()))
        self._turns[stage.name, point] += 1
        return point

    def _pass_of(self, stage: Stage, point: str, left: int, kills: int) -> int:
        """At which pass from now on to kill, so that the kills to come have their share of what is left."""
        even = self._turns[stage.name, point] * GOLDEN % 1
        return 1 + int((self._random.random() if point in RANDOM else even) * left / kills)

    def _compare(self, stage: Stage, life: Life) -> None:
        outcome = life.outcome()
        for name, expected in self._expected[stage.name].items():
            difference = _first(outcome[name], expected)
            assert outcome[name] == expected, f"{name} after {stage.name}, in {life.folder}:\n{difference}"


def _first(got: object, expected: object) -> str:
    """Where two outcomes part, in a few lines."""
    if isinstance(got, str) and isinstance(expected, str):
        pairs = zip(got.split("\n"), expected.split("\n"), strict=False)
        got, expected = next((pair for pair in pairs if pair[0] != pair[1]), (len(got), len(expected)))
    if isinstance(got, dict) and isinstance(expected, dict):
        parted = {name for name in got.keys() | expected.keys() if got.get(name) != expected.get(name)}
        got, expected = ({name: one.get(name) for name in sorted(parted)} for one in (got, expected))
    return f"got      {got}\nexpected {expected}"
