"""Finds the changed words of values before and after an import, so that a page can show them in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

# Words and the spaces between them. Chinese and Japanese texts have none: there, each sign counts as a word.
_WORDS = re.compile(r"[\u3040-\u9fff]|[^\s\u3040-\u9fff]+|\s+")
MAX_WORDS = 2000  # longer texts are compared only at their start and end
CONTEXT = 16  # unchanged words and spaces that are shown before and after a change
SHORT = 80  # words and spaces of a text that is shown in full


Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text. `is_folded`: unchanged words that the page leaves out; `text` is then empty."""

    text: str
    is_changed: bool = False
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value of a field with the parts of its text, or without an entry the number of unchanged values left out."""

    entry: Entry | None
    parts: Sequence[Part] = ()
    left_out: int = 0


Side = list[ShownValue]


def compare_values(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[Side, Side]:
    """Return the values of a field on both sides of a change, with their changed words marked.

    Values that are equal on both sides are left out and counted.
    """
    old, new = Side(), Side()
    matcher = SequenceMatcher(None, [_key(entry) for entry in before], [_key(entry) for entry in after], autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        removed, added = before[start:end], after[new_start:new_end]
        if tag == "equal":
            for side in (old, new):
                side.append(ShownValue(None, left_out=len(removed)))
            continue
        for number, entry in enumerate(removed):
            old.append(_shown_value(entry, _other(added, number, len(removed)), is_old=True))
        for number, entry in enumerate(added):
            new.append(_shown_value(entry, _other(removed, number, len(added)), is_old=False))
    return old, new


def compare_texts(before: str, after: str) -> tuple[list[Part], list[Part]]:
    """Return the parts of both texts, with changed words marked and long unchanged passages folded."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    return _folded(list(_parts(old, new, is_old=True))), _folded(list(_parts(old, new, is_old=False)))


def _key(entry: Entry) -> tuple[Any, ...]:
    return tuple(entry.get(name) for name in ("value", "language", "authority", "confidence"))


def _other(entries: Sequence[Entry], number: int, of: int) -> Entry | None:
    """Return the entry with which to compare, if the same number of values was replaced."""
    return entries[number] if len(entries) == of else None


def _shown_value(entry: Entry, other: Entry | None, *, is_old: bool) -> ShownValue:
    text, other_text = entry["value"], other["value"] if other else None
    if text is None:
        return ShownValue(entry)
    if other_text is None:
        return ShownValue(entry, [Part(text, is_changed=True)])
    old, new = compare_texts(*((text, other_text) if is_old else (other_text, text)))
    return ShownValue(entry, old if is_old else new)


def _parts(old: list[str], new: list[str], *, is_old: bool) -> Iterator[tuple[list[str], bool]]:
    """Yield (words, whether they changed) for one of two texts, in order."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    yield old[:start], False
    if len(middle_old) + len(middle_new) > MAX_WORDS:
        yield (middle_old if is_old else middle_new), True
    else:
        for tag, first, last, new_first, new_last in SequenceMatcher(None, middle_old, middle_new, False).get_opcodes():
            yield (middle_old[first:last] if is_old else middle_new[new_first:new_last]), tag != "equal"
    yield old[len(old) - end :], False


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words at the start of both are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (word, its) in pairs if word != its), min(len(one), len(other)))


def _folded(parts: list[tuple[list[str], bool]]) -> list[Part]:
    """Return the parts with long unchanged passages folded, except in a short text."""
    parts = [(words, is_changed) for words, is_changed in parts if words]
    if sum(len(words) for words, _is_changed in parts) <= SHORT:
        return [Part("".join(words), is_changed) for words, is_changed in parts]
    found: list[Part] = []
    for number, (words, is_changed) in enumerate(parts):
        before = CONTEXT if number else 0  # words to show after the last change
        after = CONTEXT if number < len(parts) - 1 else 0
        if is_changed or len(words) <= before + after + 1:
            found.append(Part("".join(words), is_changed))
            continue
        first, last = "".join(words[:before]), "".join(words[len(words) - after :])
        found += [Part(first)] * bool(first) + [Part("", is_folded=True)] + [Part(last)] * bool(last)
    return found
