"""How much of a random or very large test runs: a part of it by default, all of it with `make test-thorough`."""

from __future__ import annotations

import os

IS_THOROUGH = bool(os.environ.get("CONNECTOR_TEST_THOROUGH"))
PART = 5


def share(number: int, least: int = 1) -> int:
    """Return this number if tests are thorough, else a fifth of it, but at least `least`."""
    return number if IS_THOROUGH else max(least, number // PART)
