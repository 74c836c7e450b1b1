"""Behind a reverse proxy: who asks, by which scheme, host and prefix, as the proxy tells it, believed only if set."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix


def init_app(app: Flask) -> None:
    """Believe the X-Forwarded headers of so many proxies as CONNECTOR_PROXY_HOPS says; with 0, ignore them."""
    if hops := app.config["PROXY_HOPS"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)


def peer() -> str:
    """The address at the other end of the connection, which no header can change."""
    original = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    return original.get("REMOTE_ADDR") or ""


def parsed(address: str | None) -> IPv4Address | IPv6Address | None:
    """The address of a peer or client, as IPv4 where it only stands for one; None for what has none, as a socket."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
