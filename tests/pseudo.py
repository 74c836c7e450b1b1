"""A pseudo-locale: every translated text reads ⟦lïkë thïs⟧, so that a text without brackets was forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from babel import Locale
from babel.support import NullTranslations

from connector import i18n

ACCENTED = str.maketrans("aeiouyAEIOUY", "äëïöüÿÄËÏÖÜŸ")
KEPT = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]*>|&\w+;)")  # placeholders and markup


class PseudoTranslations(NullTranslations):
    """The catalogue of the pseudo-locale."""

    def gettext(self, message: str) -> str:
        """Return the message with accents, in brackets."""
        parts = KEPT.split(message)
        parts[::2] = [part.translate(ACCENTED) for part in parts[::2]]
        return f"⟦{''.join(parts)}⟧"

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """Return the English form for the count, as `gettext` returns it."""
        return self.gettext(singular if count == 1 else plural)


@contextmanager
def pseudo_locale() -> Iterator[None]:
    """Use the pseudo-locale in all threads. Enter it after the last app was created, since an app installs its own."""
    i18n.install(i18n.Language(Locale("en"), PseudoTranslations()))
    try:
        yield
    finally:
        i18n.install(i18n.Language(Locale("en"), NullTranslations()))


def outside(text: str) -> str:
    """Return what stands outside of translated texts. A translated text may hold others as values of placeholders."""
    depth, rest = 0, []
    for sign in text:
        depth += (sign == "⟦") - (sign == "⟧")
        rest.append(sign if depth == 0 and sign != "⟧" else " ")
    return "".join(rest)
