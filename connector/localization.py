"""Binds the language of the instance to Python code, templates and forms."""

from __future__ import annotations

from babel import Locale
from flask import Flask
from flask_babel import get_locale, get_translations

from . import i18n
from .extensions import babel

LANGUAGE = "en"  # the only one for now: its texts stand in the code


def init_app(app: Flask) -> None:
    """Install the catalogue of the language for the whole process, so that worker threads use it, too."""
    babel.init_app(app, default_locale=LANGUAGE)
    with app.app_context():
        i18n.install(i18n.Language(get_locale() or Locale(LANGUAGE), get_translations()))
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True  # as babel.cfg says, so that messages are found
    app.jinja_env.globals["language"] = i18n.language
    # Jinja fills the placeholders itself, because it escapes their values.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        lambda message: i18n.translations().gettext(message),
        lambda singular, plural, count: i18n.translations().ngettext(singular, plural, count),
        newstyle=True,
    )
