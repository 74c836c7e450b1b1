"""DSpace Connector: imports collections from DSpace into a catalogue of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask

from config import load

from . import localization, logs, tasks
from .cli import commands
from .extensions import db
from .logs import LoggedFlask
from .row_ids import RowIdConverter
from .version import __version__

__all__ = ["__version__", "create_app"]


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """Return the app with these settings, or those of the environment. No I/O.

    It has the commands, but no pages: `web.pages.init_app` adds them. Call `storage.instance.prepare` before use.
    """
    app = LoggedFlask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(settings or load())
    app.url_map.converters["int"] = RowIdConverter
    localization.init_app(app)
    logs.init_app(app)
    db.init_app(app)
    tasks.init_app(app)
    commands.init_app(app)
    return app
