"""The patterns of a search for words, and the text of an item that is searched.

Words of three characters and more are found anywhere, also inside of other words. Words of one or two characters are
found only as whole words, because almost every text contains them. The search index has no sequences shorter than three
characters (see `search_index`), so the text of an item has a line for each of its short words.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from .characters import storable
from .errors import InvalidInputError
from .i18n import decimal, gettext as _

SHORT = 2  # characters of a short word
MOST_CHARACTERS, MOST_WORDS = 1000, 30  # limits of one search, because every item is searched for each word
_PHRASES_AND_WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')
_WORD = re.compile(r"\w+")
# Thai to Burmese, Khmer, kana, Han, Yi and Hangul: in these scripts, no space separates words, or words have endings.
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
_LIKE_SPECIAL = re.compile(r"[\\%_]")


def search_text(
    title: str | None, mapped_values: Mapping[str, list[dict[str, Any]]], file_names: Iterable[str | None]
) -> str:
    """Return the text in which a search finds an item, for `LIKE`: title, values, URI labels and file names.

    Each is on its own line, once, case-folded (so "Straße" is "strasse"), in NFC, with single spaces. The last lines
    are the short words. Each line begins after a line break and ends with one.
    """
    texts: list[str | None] = [title]
    for values in mapped_values.values():
        for value in values:
            texts += [value["uri"], value["label"]] if "uri" in value else [value["value"]]
    folded = (fold(text) for text in (*texts, *file_names) if text)
    lines = dict.fromkeys(line for line in folded if line)
    return "\n".join(("", *lines, *sorted(_short_words("\n".join(lines)) - lines.keys()), ""))


def search_terms(query: str) -> list[str]:
    """Return the words and "quoted phrases" of a search, each once, folded as `search_text` is.

    Raises InvalidInputError if the search is longer than MOST_CHARACTERS or has more than MOST_WORDS words.
    """
    if len(query) > MOST_CHARACTERS:
        raise InvalidInputError(
            _("The search is too long. Use at most %(most)s characters.", most=decimal(MOST_CHARACTERS)), "q"
        )
    found = [phrase or word for phrase, word in _PHRASES_AND_WORDS.findall(query)]
    if len(found) > MOST_WORDS:
        raise InvalidInputError(_("The search has too many words. Use at most %(most)s.", most=MOST_WORDS), "q")
    return [term for term in dict.fromkeys(map(fold, found)) if term]


def searched_strings(query: str) -> list[str]:
    """Return the strings that the search text of an item must contain, so that the search finds the item.

    Raises InvalidInputError as `search_terms` does.
    """
    return [string for term in search_terms(query) for string in _strings(term)]


def like_patterns(query: str) -> list[str]:
    r"""Return a search as patterns for `LIKE … ESCAPE '\'` over `search_text`, all of which must match.

    An empty list for an empty search. Raises InvalidInputError as `search_terms` does.
    """
    return ["%" + _LIKE_SPECIAL.sub(r"\\\g<0>", string) + "%" for string in searched_strings(query)]


def _strings(term: str) -> list[str]:
    """Return the strings to look for: a long term anywhere, a short one as a line.

    A short term with a symbol, such as "c#", is found where its letters are a whole word and the term itself occurs.
    """
    if len(term) > SHORT:
        return [term]
    words = _short_words(term)
    return [f"\n{term}\n"] if term in words else [*(f"\n{word}\n" for word in sorted(words)), term]


def _short_words(text: str) -> set[str]:
    """Return the words of one or two letters or digits. In scripts without spaces, each such sequence is a word."""
    words = {word for word in set(_WORD.findall(_UNSPACED.sub(" ", text))) if len(word) <= SHORT}
    for run in _UNSPACED.findall(text):
        words.update(run, map(operator.add, run, run[1:]))
    return words


def fold(text: str) -> str:
    """Return the text in Unicode's canonical caseless form (3.13, D145), in NFC, on one line."""
    one_line = " ".join(storable(text).split())
    if one_line.isascii():
        return one_line.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", one_line).casefold())
