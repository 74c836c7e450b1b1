"""`python -m tests.sample`: serves the sample repository until it gets a signal."""

from __future__ import annotations

import argparse
import math
import signal
import threading
from dataclasses import replace

from . import FREE, Costs, SampleRepository, grow, grow_large
from .costs import REAL
from .server import GENERATIONS


def main() -> None:
    options = _options()
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    costs = REAL.get(options.generation, Costs()) if options.costs else FREE
    costs = replace(costs, distance=options.distance, rate=options.rate, scale=options.scale)
    with SampleRepository(options.generation, options.port, costs=costs) as sample:
        if options.grow:
            grow(sample.data, options.grow, files=options.files)
            sample.warm()
        if options.large:
            grow_large(sample.data, options.large, options.size)
        print(f"{sample.data.name} as DSpace {options.generation} on {sample.url}", flush=True)
        ended.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sample", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--generation", type=int, default=9, choices=sorted(GENERATIONS))
    parser.add_argument("--grow", type=int, default=0, metavar="N", help="add N synthetic items")
    parser.add_argument("--files", type=int, default=0, metavar="N", help="files of each synthetic item")
    parser.add_argument("--costs", action="store_true", help="take as long as a real server")
    parser.add_argument("--scale", type=float, default=1.0, metavar="TIMES", help="as long as that, so many times")
    parser.add_argument("--distance", type=float, default=0.0, metavar="S", help="seconds on the way of each request")
    parser.add_argument("--rate", type=float, default=math.inf, metavar="BYTES", help="a second through the line")
    parser.add_argument("--large", type=int, default=0, metavar="N", help="add N items with one large file each")
    parser.add_argument("--size", type=int, default=100_000_000, metavar="BYTES", help="of each large file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
