"""The cursors of jobs at a destination: how far they are, so that they can resume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class PublishCursor:
    """How far a publishing job is. A job without a cursor has changed nothing.

    `after`: the id of the last item that is done, or None while the job takes the items of a running import. `change`:
    the id of the last change of that import that is done. `left_out`: the numbers of values left out, by field.
    """

    after: int | None = None
    change: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """Return the cursor that `to_json` gave."""
        known = stored or {}
        return cls(known.get("after"), known.get("change", 0), Counter(known.get("left_out", {})))

    def to_json(self) -> dict[str, Any]:
        """Return the cursor as the job row stores it."""
        if self.after is None:
            return {"change": self.change}
        return {"after": self.after, "left_out": dict(self.left_out)}


@dataclass(frozen=True, slots=True)
class RowCursor:
    """How far a job on rows is (see `row_work`).

    `step`: the number of the step. `after`: the id of the last row that is done. `begun`: the id of the last row on
    which the job has begun to work.
    """

    step: int = 0
    after: int = 0
    begun: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, int] | None) -> Self:
        """Return the cursor that `to_json` gave, or that of a new job."""
        return cls(**(stored or {}))

    def to_json(self) -> dict[str, int]:
        """Return the cursor as the job row stores it."""
        return asdict(self)
