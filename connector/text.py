"""Conversions of texts for search, display and spreadsheets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import nh3
from markupsafe import Markup

from .characters import storable
from .errors import InvalidInputError
from .formatting import between
from .ranges import Range

MOST_CHARACTERS, MOST_WORDS = 1000, 30  # limits of one search, because every item is searched for each word

# fmt: off
_DESCRIPTION_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "cite", "code", "dd", "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr",
    "i", "li", "ol", "p", "pre", "q", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead",
    "tr", "u", "ul",
}
# fmt: on
_PHRASES_AND_WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')
_LIKE_SPECIAL = re.compile(r"[\\%_]")
_UNSEEN_START = re.compile(r"[\s\x00-\x1f\u200b-\u200f\ufeff]*")


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


def clean_html(html: str) -> Markup:
    """Return the description of a collection or community with harmless tags only, safe to use in a page.

    Styles, scripts, images and forms are removed. Links use only http, https or mailto, and get rel="noopener". A
    relative link loses its address, because that would point to our own pages. Headings start at h3, below those of our
    pages.
    """
    return Markup(
        nh3.clean(
            html,
            tags=_DESCRIPTION_TAGS,
            attributes={"a": {"href"}, "*": {"lang", "dir", "title"}},
            url_schemes={"http", "https", "mailto"},
            url_relative="deny",
            link_rel="noopener",
        )
    )


def human_size(size: int) -> str:
    """Return a number of bytes in decimal units: "12 bytes", "1.4 MB"."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if round(amount, 1) < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def size_range(sizes: Range) -> str:
    """Return a range of sizes in words: "4.2 MB to 11 MB"."""
    return between(human_size(round(sizes.low)), human_size(round(sizes.high)))


def csv_safe(text: str) -> str:
    """Return the text, with a leading apostrophe if a spreadsheet would run it as a formula.

    Rule: OWASP, "CSV Injection": = + - @ at the start, also full-width or after invisible characters, and a leading tab
    or line break. So "-5" gets one, too.
    """
    start = _UNSEEN_START.match(text).end()
    sign = unicodedata.normalize("NFKC", text[start : start + 1])
    return f"'{text}" if sign.startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")) else text


def fold(text: str) -> str:
    """Return the text in Unicode's canonical caseless form (3.13, D145), in NFC, on one line."""
    one_line = " ".join(storable(text).split())
    if one_line.isascii():
        return one_line.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", one_line).casefold())
