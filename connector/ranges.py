"""A number with a lower and an upper bound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """The lower and the upper bound of an estimated number."""

    low: float
    high: float
