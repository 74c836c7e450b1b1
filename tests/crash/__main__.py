"""`python -m tests.crash`: runs until the number of kills is reached, and prints the kills of each kind."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.postgresql import server
from tests.sample import SampleRepository

from .databases import InTheFolder, OnAServer
from .harness import Harness


def main() -> None:
    options = _options()
    print(f"Seed {options.seed}", flush=True)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-"))
        sample = stack.enter_context(SampleRepository(options.dspace))
        database = OnAServer(stack.enter_context(server())) if options.postgresql else InTheFolder()
        harness = Harness(sample, Path(folder), database, options.seed, lambda line: print(line, file=sys.stderr))
        harness.run(options.kills)
    for (stage, point), number in sorted(harness.kills.items()):
        print(f"{number:4} {stage}: {point}")
    print(f"{harness.kills.total():4} kills in all, seed {options.seed}: nothing lost, nothing doubled.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), metavar="N")
    parser.add_argument("--dspace", type=int, default=9, choices=(4, 5, 6, 7, 9, 10), help="the version of the source")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own, not SQLite")
    return parser.parse_args()


if __name__ == "__main__":
    main()
