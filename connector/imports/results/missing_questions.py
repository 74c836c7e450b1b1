"""Questions that a person must answer before items are marked as missing, with their sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ...i18n import decimal, gettext as _, lazy_gettext as _l, ngettext
from ...models.jobs import Job

_ALL_MISSING = _l(
    "The source lists none of the %(held)s items that were here before. That is unusual, and the repository may have "
    "problems. No item was marked as missing. Are they really gone?"
)
_MANY_MISSING = _l(
    "The source lists only %(left)s of the %(held)s items that were here before. That is unusual, and the repository "
    "may have problems. No item was marked as missing. Are they really gone?"
)
_ALL_WOULD_BE_MISSING = _l(
    "The source lists none of the %(held)s items that are here. An import would mark nothing and ask you whether the "
    "other %(unseen)s are really gone. They are not in this list."
)
_MANY_WOULD_BE_MISSING = _l(
    "The source lists only %(left)s of the %(held)s items that are here. An import would mark nothing and ask you "
    "whether the other %(unseen)s are really gone. They are not in this list."
)


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
            return ngettext(
                "%(gone)s Nothing was changed. Mark its %(num)s item as missing?",
                "%(gone)s Nothing was changed. Mark its %(num)s items as missing?",
                self.unseen,
                gone=self.gone,
            )
        sentence = _ALL_MISSING if self._left == 0 else _MANY_MISSING
        return sentence % self._counts

    @property
    def forecast(self) -> str:
        """Return the sentence that a preview shows instead of the question."""
        if self.gone:
            return _("%(gone)s An import would ask you whether to mark its items as missing.", gone=self.gone)
        sentence = _ALL_WOULD_BE_MISSING if self._left == 0 else _MANY_WOULD_BE_MISSING
        return sentence % self._counts

    @property
    def _left(self) -> int:
        return self.held - self.unseen

    @property
    def _counts(self) -> dict[str, str]:
        return {"left": decimal(self._left), "held": decimal(self.held), "unseen": decimal(self.unseen)}


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
        return ngettext(
            "The source counts %(num)s item and does not list it. Either it is private or restricted, or the "
            "repository has problems. Is it right that it is not public?",
            "The source counts %(num)s items and lists none of them. Either all of them are private or restricted, or "
            "the repository has problems. Is it right that they are not public?",
            self.items,
        )

    @property
    def forecast(self) -> str:
        """Return the sentence that a preview shows instead of the question."""
        return ngettext(
            "The source counts %(num)s item and does not list it. An import would ask whether that is right.",
            "The source counts %(num)s items and lists none of them. An import would ask whether that is right.",
            self.items,
        )


def from_json(stored: Mapping[str, Any]) -> Missing | Unlisted:
    """Return the question that a job row stores. The sentence about the scope is not stored."""
    return Unlisted(stored["unseen"]) if stored.get("unlisted") else Missing(stored["unseen"], stored["held"])


def answer_of(job: Job) -> Answer | None:
    """Return the answer to the question of an import, or None."""
    return None if job.answer is None else Answer(job.answer)
