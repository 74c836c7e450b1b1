"""Conversions of texts for display and spreadsheets."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator

import nh3
from markupsafe import Markup

from .characters import encodable
from .formatting import between
from .i18n import decimal, gettext as _, lazy_gettext as _l, ngettext
from .ranges import Range

# fmt: off
_DESCRIPTION_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "cite", "code", "dd", "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr",
    "i", "li", "ol", "p", "pre", "q", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead",
    "tr", "u", "ul",
}
# fmt: on
_UNITS = (_l("%(amount)s kB"), _l("%(amount)s MB"), _l("%(amount)s GB"))
_UNSEEN_START = re.compile(r"[\s\x00-\x1f\u200b-\u200f\ufeff]*")


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


def natural_key(text: str) -> tuple[str | tuple[int, str], ...]:
    """Return a sort key by which numbers in texts count as numbers: "No. 2" stands before "No. 10"."""
    parts = enumerate(re.split("([0-9]+)", text))
    return tuple((len(digits := part.lstrip("0")), digits) if place % 2 else part for place, part in parts)


def human_size(size: int) -> str:
    """Return a number of bytes in decimal units: "12 bytes", "1.4 MB"."""
    if size < 1000:
        return ngettext("%(num)s byte", "%(num)s bytes", size)
    amount = float(size)
    for unit in _UNITS:
        amount /= 1000
        if round(amount, 1) < 1000:
            return unit % {"amount": decimal(amount, 1)}
    return _("%(amount)s TB", amount=decimal(amount / 1000, 1))


def size_range(sizes: Range) -> str:
    """Return a range of sizes in words: "4.2 MB to 11 MB"."""
    return between(human_size(round(sizes.low)), human_size(round(sizes.high)))


def csv_lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    r"""Yield a CSV line (RFC 4180, ended by \r\n) for each row. Half a surrogate pair becomes U+FFFD."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    for row in rows:
        yield writer.writerow(map(encodable, row))


class _Echo:
    """A file object for `csv.writer` whose `write` returns the line."""

    def write(self, line: str) -> str:
        return line


def csv_safe(text: str) -> str:
    """Return the text, with a leading apostrophe if a spreadsheet would run it as a formula.

    Rule: OWASP, "CSV Injection": = + - @ at the start, also full-width or after invisible characters, and a leading tab
    or line break. So "-5" gets one, too.
    """
    sign = unicodedata.normalize("NFKC", _UNSEEN_START.sub("", text, count=1)[:1])
    return f"'{text}" if sign.startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")) else text
