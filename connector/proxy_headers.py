"""X-Forwarded headers of a reverse proxy: client address, scheme, host and prefix. They are trusted only if set so."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from flask import Flask, request
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

log = logging.getLogger(__name__)
CLIENT = "X-Forwarded-For"
FORWARDED_HEADERS = (CLIENT, "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix")
UNKNOWN = "unknown"  # RFC 7239's name for a client whose address the proxy does not give


def init_app(app: Flask) -> None:
    """Trust the X-Forwarded headers of as many proxies as CONNECTOR_PROXY_HOPS says. With 0, ignore the headers."""
    if hops := app.config["PROXY_HOPS"]:
        counted = _Counted(app.wsgi_app, hops)
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask's documentation says
            counted, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops
        )


def peer() -> str:
    """Return the address at the other end of the connection, which no header can change."""
    original = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    return original.get("REMOTE_ADDR") or ""


def parse_address(address: str | None) -> IPv4Address | IPv6Address | None:
    """Return the address of a peer or client, or None if it has none, such as a Unix socket.

    IPv4-mapped IPv6 addresses are returned as IPv4.
    """
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


class _Counted:
    """A WSGI middleware inside ProxyFix, which ignores a header with too few values.

    If the client header is ignored, the client counts as unknown, instead of taking the proxy for the client. A request
    without any of the headers bypassed the proxy, and its peer is the client.
    """

    def __init__(self, app: Any, hops: int):
        self._app, self._hops, self._warned = app, hops, False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        counts = {name: len(parse_list_header(text)) for name in FORWARDED_HEADERS if (text := environ.get(_key(name)))}
        if counts and counts.get(CLIENT, 0) < self._hops:
            environ["REMOTE_ADDR"] = UNKNOWN
        self._warn_once(counts)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def _warn_once(self, counts: dict[str, int]) -> None:
        short = [f"{name} ({number})" for name, number in counts.items() if number < self._hops]
        if short and not self._warned:
            self._warned = True
            log.warning(
                "CONNECTOR_PROXY_HOPS is %s, but fewer values came in %s: ignored. Set it to the number of values that "
                "the proxy in front gives; with the examples in deploy/ that is 1.",
                self._hops,
                ", ".join(short),
            )


def _key(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")
