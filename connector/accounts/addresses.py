"""The address of a one-time link: the app's external address where that is set, else where it is asked or listens."""

from __future__ import annotations

import socket

from flask import current_app, has_request_context, url_for

EVERYWHERE = ("0.0.0.0", "::")


def link_to(token: str, port: int | None = None) -> str:
    """The full address of the one-time link with this token. `port`: where the app listens, if not as set."""
    config = current_app.config
    path = current_app.url_map.bind("").build("accounts.welcome", {"token": token})
    if config["URL"]:
        return config["URL"].rstrip("/") + path
    if has_request_context():
        return url_for("accounts.welcome", token=token, _external=True)
    host = socket.gethostname() if config["HOST"] in EVERYWHERE else config["HOST"]
    return f"http://{f'[{host}]' if ':' in host else host}:{port or config['PORT']}{path}"
