"""Adds all pages to the app, with what only pages need."""

from __future__ import annotations

from flask import Flask
from flask_wtf import CSRFProtect

from .. import proxy_headers
from ..accounts import authentication
from . import access_guard, error_pages, rate_limits, request_validation, static_files
from .accounts.account_pages import blueprint as accounts
from .accounts.token_pages import blueprint as tokens
from .accounts.two_step_pages import blueprint as two_step
from .accounts.user_pages import blueprint as admin
from .api.routes import blueprint as api
from .catalogue.advanced_search import blueprint as advanced_search
from .catalogue.export_pages import blueprint as exports
from .catalogue.item_archive import blueprint as item_archive
from .catalogue.item_formats import blueprint as item_formats
from .catalogue.item_pages import blueprint as catalogue
from .catalogue.item_set_pages import blueprint as item_sets
from .catalogue.missing_pages import blueprint as missing
from .catalogue.viewer_pages import blueprint as viewer
from .help.help_pages import blueprint as guide
from .home.dashboard_pages import blueprint as home
from .imports import blueprint as imports
from .imports.preview_pages import blueprint as previews
from .imports.source_pages import blueprint as sources
from .monitoring import blueprint as monitoring
from .publishing.adoption_pages import blueprint as adoptions
from .publishing.conflict_pages import blueprint as conflicts
from .publishing.destination_pages import blueprint as destinations
from .publishing.item_set_choice_pages import blueprint as item_set
from .publishing.publish_forms import blueprint as publishing
from .publishing.withdrawal_pages import blueprint as withdrawals
from .repositories import blueprint as repositories


def init_app(app: Flask) -> None:
    """Add the pages. Call this before the first request."""
    proxy_headers.init_app(app)
    request_validation.init_app(app)
    authentication.init_app(app)
    access_guard.init_app(app)
    rate_limits.init_app(app)
    CSRFProtect(app)
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
