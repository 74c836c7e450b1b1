"""Questions that a person must answer before items are marked as missing, with their sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """A user's answer when unusually many items are missing at the source: mark them as missing, or change nothing."""

    MARK = "mark"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Missing:
    """The number of present items of a source that were not seen now, and the number of all its present items.

    `gone`: a sentence that the whole imported scope is gone, or "".
    """

    unseen: int
    held: int
    gone: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the question in the form that the job row stores."""
        return {"unseen": self.unseen, "held": self.held}

    @property
    def sentence(self) -> str:
        """Return the question for the pages."""
        if self.gone:
            items = "its 1 item" if self.unseen == 1 else f"its {self.unseen} items"
            return f"{self.gone} Nothing was changed. Mark {items} as missing?"
        return (
            f"The source lists {self._left} of the {self.held} items that were here before. That is unusual, and the "
            "repository may have problems. No item was marked as missing. Are they really gone?"
        )

    @property
    def forecast(self) -> str:
        """Return the sentence that a preview shows instead of the question."""
        if self.gone:
            return f"{self.gone} An import would ask you whether to mark its items as missing."
        return (
            f"The source lists {self._left} of the {self.held} items that are here. An import would mark nothing and "
            f"ask you whether the other {self.unseen} are really gone. They are not in this list."
        )

    @property
    def _left(self) -> str:
        return "none" if self.unseen == self.held else f"only {self.held - self.unseen}"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The number of items that collections with empty lists count (DSpace 4 to 6)."""

    items: int

    def to_json(self) -> dict[str, Any]:
        """Return the question in the form that the job row stores."""
        return {"unseen": self.items, "held": self.items, "unlisted": True}

    @property
    def sentence(self) -> str:
        """Return the question for the pages."""
        return (
            f"The source counts {self.items} items and lists none of them. Either all of them are private or "
            "restricted, or the repository has problems. Is it right that they are not public?"
        )

    @property
    def forecast(self) -> str:
        """Return the sentence that a preview shows instead of the question."""
        return (
            f"The source counts {self.items} items and lists none of them. An import would ask whether that is right."
        )


def from_json(stored: Mapping[str, Any]) -> Missing | Unlisted:
    """Return the question that a job row stores. The sentence about the scope is not stored."""
    return Unlisted(stored["unseen"]) if stored.get("unlisted") else Missing(stored["unseen"], stored["held"])


def answer_from_json(stored: Mapping[str, Any] | None) -> Answer | None:
    """Return the answer to the question that a job row stores, or None."""
    answer = (stored or {}).get("answer")
    return None if answer is None else Answer(answer)
