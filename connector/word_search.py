"""What a search for words looks for, and the text of an item in which it looks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from .characters import storable
from .errors import InvalidInputError

MOST_CHARACTERS, MOST_WORDS = 1000, 30  # limits of one search, because every item is searched for each word
_PHRASES_AND_WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')
_LIKE_SPECIAL = re.compile(r"[\\%_]")


def search_text(title: str | None, mapped_values: Mapping[str, list[dict]], file_names: Iterable[str | None]) -> str:
    """Return the text in which a search finds an item, for `LIKE`: title, values, URI labels and file names.

    Each is on its own line, once, case-folded (so "Straße" is "strasse"), in NFC, with single spaces.
    """
    texts: list[str | None] = [title]
    for values in mapped_values.values():
        for value in values:
            texts += [value["uri"], value["label"]] if "uri" in value else [value["value"]]
    folded = (fold(text) for text in (*texts, *file_names) if text)
    return "\n".join(line for line in dict.fromkeys(folded) if line)


def search_terms(query: str) -> list[str]:
    """Return the words and "quoted phrases" of a search, each once, folded as `search_text` is.

    Raises InvalidInputError if the search is longer than MOST_CHARACTERS or has more than MOST_WORDS words.
    """
    if len(query) > MOST_CHARACTERS:
        raise InvalidInputError(f"The search is too long. Use at most {MOST_CHARACTERS:,} characters.", "q")
    found = [phrase or word for phrase, word in _PHRASES_AND_WORDS.findall(query)]
    if len(found) > MOST_WORDS:
        raise InvalidInputError(f"The search has too many words. Use at most {MOST_WORDS}.", "q")
    return [term for term in dict.fromkeys(map(fold, found)) if term]


def like_patterns(query: str) -> list[str]:
    r"""Return a search as patterns for `LIKE … ESCAPE '\'` over `search_text`, all of which must match.

    An empty list for an empty search. Raises InvalidInputError as `search_terms` does.
    """
    return ["%" + _LIKE_SPECIAL.sub(r"\\\g<0>", term) + "%" for term in search_terms(query)]


def fold(text: str) -> str:
    """Return the text in Unicode's canonical caseless form (3.13, D145), in NFC, on one line."""
    one_line = " ".join(storable(text).split())
    if one_line.isascii():
        return one_line.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", one_line).casefold())
