"""A number that is known only roughly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """What a number is at least and at most, as far as that can be judged."""

    low: float
    high: float
