"""The terms of a search for words, and the text of an item that is searched.

A search consists of words, "quoted phrases" and prefixes such as harb*. A hyphen before one of them excludes it.

Words of three characters and more are found anywhere, also inside of other words. Words of one or two characters are
found only as whole words, because almost every text contains them. The search index has no sequences shorter than three
characters (see `search_index`), so the text of an item has a line for each of its short words.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .characters import storable
from .errors import InvalidInputError
from .i18n import decimal, gettext as _

SHORT = 2  # characters of a short word
MOST_CHARACTERS, MOST_WORDS = 1000, 30  # limits of one search, because every item is searched for each word
_TERM = re.compile(r'(?:(?<!\S)(-))?(?:"([^"]*)"|([^\s"]+))')
_SHORT_WORD = re.compile(rf"\b\w{{1,{SHORT}}}\b")
_SHORT_ASCII_WORD = re.compile(_SHORT_WORD.pattern, re.ASCII)  # twice as fast
# Thai to Burmese, Khmer, kana, Han, Yi and Hangul: in these scripts, no space separates words, or words have endings.
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
# Accents of Latin, Greek and Cyrillic letters, points of Hebrew, and vowel marks and line extensions of Arabic.
MARKS = "[\u0300-\u036f\u0591-\u05bd\u0640\u064b-\u065f\u0670]"
# Letters that people write without their stroke or as two, but that Unicode does not decompose.
LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
_LETTERS = str.maketrans(LETTERS)
_LIKE_SPECIAL = re.compile(r"[\\%_]")


def search_text(
    title: str | None, mapped_values: Mapping[str, list[dict[str, Any]]], file_names: Iterable[str | None]
) -> str:
    """Return the text in which a search finds an item, for `LIKE`: title, values, URI labels and file names.

    Each is on its own line, once, folded (see `fold`). The last lines are the short words. Each line begins after a
    line break and ends with one.
    """
    texts: list[str | None] = [title]
    for values in mapped_values.values():
        for value in values:
            texts += [value["uri"], value["label"]] if "uri" in value else [value["value"]]
    lines = dict.fromkeys(filter(None, map(fold, filter(None, (*texts, *file_names)))))
    return "\n".join(("", *lines, *sorted(_short_words("\n".join(lines)) - lines.keys()), ""))


@dataclass(frozen=True, slots=True)
class Term:
    """A folded word or phrase. `is_prefix`: it must be the start of a word. `is_excluded`: no item with it is found."""

    text: str
    is_excluded: bool = False
    is_prefix: bool = False

    @property
    def strings(self) -> list[str]:
        """Return the strings that occur in a search text with this term: a long term anywhere, a short one as a line.

        A short term with a symbol, such as "c#", is found where its letters are a whole word and the term occurs.
        """
        if len(self.text) > SHORT:
            return [self.text]
        words = _short_words(self.text)
        if self.text in words:
            return [f"\n{self.text}\n"]
        return [*(f"\n{word}\n" for word in sorted(words)), self.text]

    @property
    def patterns(self) -> list[str]:
        r"""Return the strings as patterns for `LIKE … ESCAPE '\'`."""
        return [f"%{escape_like(string)}%" for string in self.strings]

    @property
    def expression(self) -> str:
        """Return a regular expression of Python and PostgreSQL that finds the term in folded text."""
        is_short = len(self.text) <= SHORT and not _UNSPACED.search(self.text)
        start, end = (r"(?<!\w)" if self.is_prefix or is_short else ""), (r"(?!\w)" if is_short else "")
        return start + re.escape(self.text) + end


def search_terms(query: str) -> list[Term]:
    """Return the terms of a search, each once, folded as `search_text` is.

    Raises InvalidInputError if the search is longer than MOST_CHARACTERS, has more than MOST_WORDS words, or has a
    prefix of one or two characters.
    """
    if len(query) > MOST_CHARACTERS:
        raise InvalidInputError(
            _("The search is too long. Use at most %(most)s characters.", most=decimal(MOST_CHARACTERS)), "q"
        )
    found = _TERM.findall(query)
    if len(found) > MOST_WORDS:
        raise InvalidInputError(_("The search has too many words. Use at most %(most)s.", most=MOST_WORDS), "q")
    return [term for term in dict.fromkeys(_term(*parts) for parts in found) if term.text]


def _term(hyphen: str, phrase: str, word: str) -> Term:
    text = fold(phrase or word.rstrip("*"))
    # Words of scripts without spaces have no visible start.
    is_prefix = word.endswith("*") and not _UNSPACED.match(text)
    if is_prefix and 0 < len(text) <= SHORT:
        raise InvalidInputError(_("“%(word)s” is too short. Use at least three characters before “*”.", word=word), "q")
    return Term(text, bool(hyphen), is_prefix)


def _short_words(text: str) -> set[str]:
    """Return the words of one or two letters or digits. In scripts without spaces, each such sequence is a word."""
    if text.isascii():
        return set(_SHORT_ASCII_WORD.findall(text))
    runs = _UNSPACED.findall(text)
    words = set(_SHORT_WORD.findall(_UNSPACED.sub(" ", text) if runs else text))
    for run in runs:
        words.update(run, map(operator.add, run, run[1:]))
    return words


def escape_like(text: str) -> str:
    r"""Return the text as part of a pattern for `LIKE … ESCAPE '\'`."""
    return _LIKE_SPECIAL.sub(r"\\\g<0>", text)


def fold(text: str) -> str:
    """Return the text without case, accents and vowel marks, in NFC, on one line: "Häfen" is "hafen".

    It is Unicode's canonical caseless form (3.13, D145) without MARKS, and with LETTERS replaced.
    """
    text = storable(text)
    if text.isascii():
        return " ".join(text.split()).lower()
    caseless = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    bare = re.sub(MARKS, "", caseless).translate(_LETTERS)
    return unicodedata.normalize("NFC", " ".join(bare.split()))
