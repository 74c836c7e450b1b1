"""DSpace Connector: brings collections out of DSpace into a catalogue of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask

from config import load

from . import cli, pages
from .catalogue.clearing import blueprint as clearing
from .catalogue.views import blueprint as catalogue
from .extensions import csrf, db, huey, migrate
from .imports.views import blueprint as imports
from .repositories.views import blueprint as repositories
from .version import __version__

__all__ = ["__version__", "create_app"]


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """Build the app from the environment's settings, or those given. No I/O; `storage.prepare` comes before use."""
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(settings or load())
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    huey.init_app(app)
    app.register_blueprint(repositories)
    app.register_blueprint(imports)
    app.register_blueprint(catalogue)
    app.register_blueprint(clearing)
    pages.init_app(app)
    cli.init_app(app)
    return app
