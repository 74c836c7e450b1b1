"""Translates the texts that people read. All code takes `gettext` from here, also code that knows no Flask.

The app installs the catalogue of its language at its start (`localization`). Until then, texts stay in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from babel import Locale, get_locale_identifier
from babel.dates import format_datetime
from babel.numbers import format_decimal
from babel.support import LazyProxy, NullTranslations


@dataclass(frozen=True, slots=True)
class Language:
    """The language of an instance, with its catalogue."""

    locale: Locale
    translations: NullTranslations


_language = Language(Locale("en"), NullTranslations())


def install(language: Language) -> None:
    """Use this language in all threads of the process."""
    global _language
    _language = language


def translations() -> NullTranslations:
    """Return the catalogue in use."""
    return _language.translations


def language() -> str:
    """Return the tag of the language in use (BCP 47), for the `lang` of pages."""
    return get_locale_identifier((_language.locale.language, _language.locale.territory), sep="-")


def gettext(message: str, /, **values: object) -> str:
    """Return a message in the language of the instance, with its named placeholders filled: "%(name)s"."""
    text = _language.translations.gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, count: int, /, **values: object) -> str:
    """Return the form of a message for a count. Its placeholder `%(num)s` is the count in digits: "6,000"."""
    text: str = _language.translations.ngettext(singular, plural, count)
    return text % {"num": decimal(count), **values}


def ngettext_or_empty(singular: str, plural: str, count: int, /, **values: object) -> str:
    """Return the form of a message for a count, or "" if the count is 0."""
    return ngettext(singular, plural, count, **values) if count else ""


def lazy_gettext(message: str, /, **values: object) -> str:
    """Return a text that is translated when it is used, for constants, labels and forms.

    It is typed as `str` because it stands where a text does. Call `str` on it where a real string is necessary.
    """
    return cast(str, LazyProxy(gettext, message, enable_cache=False, **values))


def decimal(number: float, digits: int = 0) -> str:
    """Return a number with this many decimal digits, as the language writes it: "6,000", "1.5"."""
    return _decimal(round(number, digits), digits, _language.locale)


@lru_cache(maxsize=4096)  # a list of collections shows thousands of counts
def _decimal(number: float, digits: int, locale: Locale) -> str:
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return format_decimal(number, pattern, locale=locale)


def date_and_time(moment: datetime) -> str:
    """Return a local time as the language writes it: "24 Nov 2026, 14:05"."""
    return format_datetime(moment, "d MMM y, HH:mm", locale=_language.locale)
