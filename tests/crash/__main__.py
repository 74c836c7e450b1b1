"""`python -m tests.crash [--kills N] [--seed N]`: kills until so many kills were made, and prints how many of which."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.sample import SampleRepository

from .harness import Harness


def main() -> None:
    options = _options()
    print(f"Seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder, SampleRepository(options.generation) as sample:
        harness = Harness(sample, Path(folder), options.seed, lambda sentence: print(sentence, file=sys.stderr))
        harness.run(options.kills)
    for (stage, point), number in sorted(harness.kills.items()):
        print(f"{number:4} {stage}: {point}")
    print(f"{harness.kills.total():4} kills in all, seed {options.seed}: nothing lost, nothing doubled.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), metavar="N")
    parser.add_argument("--generation", type=int, default=9, choices=(4, 5, 6, 7, 9, 10))
    return parser.parse_args()


if __name__ == "__main__":
    main()
