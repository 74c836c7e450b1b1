"""How much of a random or very large test runs: a part by default, all with `make test-thorough`."""

from __future__ import annotations

import os
import secrets

IS_THOROUGH = bool(os.environ.get("CONNECTOR_TEST_THOROUGH"))


SEED = int(os.environ.get("CONNECTOR_TEST_SEED", 0)) or secrets.randbelow(2**32)  # of random tests, if thorough


def share(number: int, part: int = 5) -> int:
    """Return this number if tests are thorough, else this part of it: a fifth by default."""
    return number if IS_THOROUGH else number // part
