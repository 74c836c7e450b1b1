"""`python -m tests.bench.site SECONDS`: the Omeka S stand-in, in which each check of a key costs this many seconds."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.omeka_server import Omeka

from .product import ROOT

# Measured on Omeka S 4.2: the check of a key takes 100 ms of a processor. More writers share what there is.
KEY_SECONDS = 0.1
_processor = threading.Lock()


@contextmanager
def site(key_seconds: float) -> Iterator[tuple[str, dict[str, str]]]:
    """Start a site in a process of its own. Yield its address and the key of its administrator."""
    command = [sys.executable, "-u", "-m", "tests.bench.site", str(key_seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        url, key = json.loads(process.stdout.readline())
        yield url, key


def _check_key(seconds: float) -> None:
    with _processor:
        time.sleep(seconds)


def main() -> None:
    """Serve until stdin is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("key_seconds", type=float)
    seconds = parser.parse_args().key_seconds
    with Omeka(key_check=lambda: _check_key(seconds)) as omeka:
        print(json.dumps([omeka.url, omeka.admin.key]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
