"""What all cases share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.clock import SkippingClock
from tests.faults.world import pauses_skipped


@pytest.fixture(autouse=True)
def skipped_pauses() -> Iterator[None]:
    """Repeat requests at once, after the pauses that a job or a page would make."""
    with pauses_skipped(SkippingClock()):
        yield
