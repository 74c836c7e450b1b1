"""Decides whether an OAI-PMH index holds its values escaped once too often, as DSpace 7.6.6, 8.3, 9.2 and later do.

These versions escape the characters < > & " ' of each metadata value before they index it, and the XML escapes them
again. Without the REST API the values themselves must prove this (design rule 21).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import structs

from .records import MetadataValue

_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_UNESCAPED = re.compile(rf"""[<>"']|&(?!{"|".join(entity[1:] for entity in _ENTITIES)})""")
LEAST_PROOFS = 3  # values with entities; one or two may come from people who typed “&amp;”


@dataclass(slots=True)
class Escaping:
    """What the values read so far prove. `proofs`: the number of values with an entity that escaping leaves.

    A character that an escaping index cannot contain disproves it for good. This is also so for an index that an
    upgrade has left half escaped.
    """

    proofs: int = 0
    is_disproved: bool = False

    @property
    def is_double(self) -> bool:
        """Return whether the values are proven to be escaped once too often."""
        return self.proofs >= LEAST_PROOFS and not self.is_disproved

    def note(self, values: Iterable[MetadataValue]) -> None:
        """Learn from the values of one answer."""
        for value in values if not self.is_disproved else ():
            text = value.value or ""
            self.is_disproved = self.is_disproved or has_unescaped(text)
            self.proofs += has_entity(text)

    def plain(self, values: Iterable[MetadataValue]) -> tuple[MetadataValue, ...]:
        """Return values as the repository holds them: unescaped once, but only if double escaping is proven."""
        return tuple(map(unescaped, values)) if self.is_double else tuple(values)


def has_entity(text: str) -> bool:
    """Return whether a text has an entity that escaping leaves."""
    return _ENTITY.search(text) is not None


def has_unescaped(text: str) -> bool:
    """Return whether a text has a character that an escaping index cannot contain."""
    return _UNESCAPED.search(text) is not None


def unescaped(value: MetadataValue) -> MetadataValue:
    """Return a value whose text is unescaped once."""
    if not value.value or "&" not in value.value:
        return value
    return structs.replace(value, value=_ENTITY.sub(lambda found: _ENTITIES[found[0]], value.value))
