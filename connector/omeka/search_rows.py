"""The conditions of a search for exact values, in batches that fit into one request. It only computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

MOST_TEXTS = 100
# Apache accepts 8,190 bytes in the first line of a request. The rest is for the path, the key and the page.
_LONGEST_SEARCH = 7_000
_LONGEST_TEXT = 2_000


def batches(texts: Iterable[str], most: int = MOST_TEXTS) -> Iterator[list[str]]:
    """Yield batches of at most `most` texts that one search can contain.

    An empty text and "0" match all resources, so they are left out, like texts that are too long to be identifiers.
    """
    batch: list[str] = []
    length = 0
    for text in dict.fromkeys(texts):
        if text.strip() in ("", "0") or len(quote(text)) > _LONGEST_TEXT:
            continue
        row = len(_row(MOST_TEXTS, text)) + 1
        if batch and (len(batch) == most or length + row > _LONGEST_SEARCH):
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += row
    if batch:
        yield batch


def query_of(texts: Sequence[str]) -> str:
    """Return the query of a search for resources that have one of the texts as a value of any property."""
    return "&".join(_row(number, text) for number, text in enumerate(texts))


def _row(number: int, text: str) -> str:
    """Return one condition. The property is left blank: with its name, Omeka S needs a join for each condition."""
    names = ("property", "joiner", "type", "text")
    blank, joiner, kind, words = (f"property%5B{number}%5D%5B{name}%5D=" for name in names)
    return f"{blank}&{joiner}or&{kind}eq&{words}{quote(text, safe='')}"
