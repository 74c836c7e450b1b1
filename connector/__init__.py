"""DSpace Connector: imports collections from DSpace into a catalogue of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask

from config import load

from . import localization, logs, proxy_headers
from .accounts import authentication, authorization
from .cli import commands
from .extensions import csrf, db, huey, migrate
from .logs import LoggedFlask
from .row_ids import RowIdConverter
from .version import __version__
from .web import error_pages, rate_limits, request_validation, static_files
from .web.accounts.account_pages import blueprint as accounts
from .web.accounts.token_pages import blueprint as tokens
from .web.accounts.two_step_pages import blueprint as two_step
from .web.accounts.user_pages import blueprint as admin
from .web.api.routes import blueprint as api
from .web.catalogue.advanced_search import blueprint as advanced_search
from .web.catalogue.export_pages import blueprint as exports
from .web.catalogue.item_archive import blueprint as item_archive
from .web.catalogue.item_formats import blueprint as item_formats
from .web.catalogue.item_pages import blueprint as catalogue
from .web.catalogue.item_set_pages import blueprint as item_sets
from .web.catalogue.missing_pages import blueprint as missing
from .web.catalogue.viewer_pages import blueprint as viewer
from .web.help.help_pages import blueprint as guide
from .web.home.dashboard_pages import blueprint as home
from .web.imports import blueprint as imports
from .web.imports.preview_pages import blueprint as previews
from .web.imports.source_pages import blueprint as sources
from .web.monitoring import blueprint as monitoring
from .web.publishing.adoption_pages import blueprint as adoptions
from .web.publishing.conflict_pages import blueprint as conflicts
from .web.publishing.destination_pages import blueprint as destinations
from .web.publishing.item_set_choice_pages import blueprint as item_set
from .web.publishing.publish_forms import blueprint as publishing
from .web.publishing.withdrawal_pages import blueprint as withdrawals
from .web.repositories import blueprint as repositories

__all__ = ["__version__", "create_app"]


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """Return the app with these settings, or those of the environment. No I/O.

    Call `storage.instance.prepare` before use.
    """
    app = LoggedFlask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(settings or load())
    app.url_map.converters["int"] = RowIdConverter
    localization.init_app(app)
    logs.init_app(app)
    proxy_headers.init_app(app)
    request_validation.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db)
    authentication.init_app(app)
    authorization.init_app(app)
    rate_limits.init_app(app)
    csrf.init_app(app)
    huey.init_app(app)
    app.register_blueprint(home)
    app.register_blueprint(repositories)
    app.register_blueprint(imports)
    app.register_blueprint(sources)
    app.register_blueprint(previews)
    app.register_blueprint(catalogue)
    app.register_blueprint(advanced_search)
    app.register_blueprint(item_formats)
    app.register_blueprint(exports)
    app.register_blueprint(item_archive)
    app.register_blueprint(viewer)
    app.register_blueprint(item_sets)
    app.register_blueprint(missing)
    app.register_blueprint(guide)
    app.register_blueprint(monitoring)
    app.register_blueprint(accounts)
    app.register_blueprint(two_step)
    app.register_blueprint(tokens)
    app.register_blueprint(admin)
    app.register_blueprint(api)
    app.register_blueprint(destinations)
    app.register_blueprint(conflicts)
    app.register_blueprint(item_set)
    app.register_blueprint(adoptions)
    app.register_blueprint(publishing)
    app.register_blueprint(withdrawals)
    error_pages.init_app(app)
    static_files.init_app(app)
    commands.init_app(app)
    return app
