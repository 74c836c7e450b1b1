"""DSpace Connector: brings collections out of DSpace into a catalogue of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask

from config import load

from . import cli, limits, logs, pages, proxies, readable
from .accounts import gate, signing
from .accounts.admin import blueprint as admin
from .accounts.second_factor_views import blueprint as second_factor
from .accounts.views import blueprint as accounts
from .catalogue.clearing import blueprint as clearing
from .catalogue.views import blueprint as catalogue
from .extensions import csrf, db, huey, migrate
from .health import blueprint as monitoring
from .ids import RowIdConverter
from .imports.looking import blueprint as looking
from .imports.sources import blueprint as sources
from .imports.views import blueprint as imports
from .logs import LoggedFlask
from .repositories.views import blueprint as repositories
from .version import __version__

__all__ = ["__version__", "create_app"]


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """Build the app from the environment's settings, or those given. No I/O; `storage.prepare` comes before use."""
    app = LoggedFlask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(settings or load())
    app.url_map.converters["int"] = RowIdConverter
    logs.init_app(app)
    proxies.init_app(app)
    readable.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db)
    signing.init_app(app)
    gate.init_app(app)
    limits.init_app(app)
    csrf.init_app(app)
    huey.init_app(app)
    app.register_blueprint(repositories)
    app.register_blueprint(imports)
    app.register_blueprint(sources)
    app.register_blueprint(looking)
    app.register_blueprint(catalogue)
    app.register_blueprint(clearing)
    app.register_blueprint(monitoring)
    app.register_blueprint(accounts)
    app.register_blueprint(second_factor)
    app.register_blueprint(admin)
    pages.init_app(app)
    cli.init_app(app)
    return app
