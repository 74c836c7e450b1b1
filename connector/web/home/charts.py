"""The data of the charts of the dashboard: columns of a drawing, in percent of its width and pixels of its height."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...i18n import gettext as _

HEIGHT = 120  # pixels
LEAST = 2  # pixels of a column that is not 0
FILLED = 0.8  # of the width of a column, the rest is a gap
MOST_COLUMNS = 40  # years; more are shown by decade or century
SHOWN_TYPES = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chart. `x`, `width`: in percent. `y`, `height`: in pixels."""

    label: str
    value: float
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Share:
    """A row of a chart. `percent`: the length of its bar, in percent of the longest."""

    label: str
    value: int
    percent: float


def columns(values: Sequence[tuple[str, float]]) -> list[Column]:
    """Return a column for each (label, value), from left to right."""
    highest = max((value for _label, value in values), default=0) or 1
    step = 100 / max(len(values), 1)
    found = []
    for place, (label, value) in enumerate(values):
        height = max(value / highest * HEIGHT, LEAST) if value else 0
        found.append(Column(label, value, place * step, step * FILLED, HEIGHT - height, height))
    return found


def years(numbers: Mapping[int | None, int]) -> list[tuple[str, float]]:
    """Return the number of items of each year, decade or century as (label, number), without gaps."""
    known = {year: number for year, number in numbers.items() if year is not None}
    if not known:
        return []
    first, last = min(known), max(known)
    step = next(step for step in (1, 10, 100, 1000) if last // step - first // step < MOST_COLUMNS or step == 1000)
    found: Counter[int] = Counter()
    for year, number in known.items():
        found[year // step] += number
    return [(_span(group * step, step), found[group]) for group in range(first // step, last // step + 1)]


def shares(numbers: Mapping[str | None, int], others: int) -> list[Share]:
    """Return the most frequent types, the sum of the others, and the number of items without a type.

    `others`: the number of items with types that `numbers` leaves out.
    """
    known = Counter({name: number for name, number in numbers.items() if name is not None})
    common = known.most_common(SHOWN_TYPES)
    rest = known.total() - sum(number for _name, number in common) + others
    rows = [(str(name), number) for name, number in common]
    rows += [
        (label, number) for label, number in ((_("Other types"), rest), (_("No type"), numbers.get(None, 0))) if number
    ]
    highest = max((number for _label, number in rows), default=1)
    return [Share(label, number, number / highest * 100) for label, number in rows]


def _span(year: int, step: int) -> str:
    if step == 1:
        return str(year)
    return _("%(first)s to %(last)s", first=year, last=year + step - 1)
