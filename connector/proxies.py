"""Behind a reverse proxy: who asks, by which scheme, host and prefix, as the proxy tells it, believed only if set."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix


def init_app(app: Flask) -> None:
    """Believe the X-Forwarded headers of so many proxies as CONNECTOR_PROXY_HOPS says; with 0, ignore them."""
    if hops := app.config["PROXY_HOPS"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)
