"""A figure beside its goal."""

from __future__ import annotations


def at_most(figure: float, goal: float, unit: str = "") -> str:
    """The figure, and whether it is as small as it should be."""
    return _told(figure, f"at most {goal:g}{unit}", unit, figure <= goal)


def at_least(figure: float, goal: float, unit: str = "") -> str:
    """The figure, and whether it is as large as it should be."""
    return _told(figure, f"at least {goal:g}{unit}", unit, figure >= goal)


def _told(figure: float, goal: str, unit: str, is_met: bool) -> str:
    return f"{figure:.2f}{unit} (goal: {goal}: {'yes' if is_met else 'NO'})"
