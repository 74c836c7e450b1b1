"""Binds the language of the instance to Python code, templates and forms."""

from __future__ import annotations

from flask import Flask
from flask_babel import get_locale, get_translations

from . import i18n
from .extensions import babel

LANGUAGE = "en"  # the only one for now: its texts stand in the code


def init_app(app: Flask) -> None:
    """Install the catalogue of the language for the whole process, so that worker threads use it, too."""
    babel.init_app(app, default_locale=LANGUAGE)
    with app.app_context():
        i18n.install(i18n.Language(get_locale(), get_translations()))
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True, pgettext=i18n.pgettext)
