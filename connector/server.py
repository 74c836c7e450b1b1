"""The server process: pages with waitress, jobs with huey threads. Ends within seconds on SIGTERM or SIGINT."""

from __future__ import annotations

import errno
import logging
import threading
from typing import Any

from flask import Flask
from waitress.server import create_server

from setting_parsers import is_here

from . import connection_limit
from .accounts import user_management
from .accounts.one_time_links import link_to
from .errors import ConflictError
from .i18n import gettext as _, lazy_gettext as _l
from .logs import print_status
from .tasks.workers import leave_signals_to_this_thread, work_until_signal
from .web import pages

log = logging.getLogger(__name__)
PORT_TAKEN = _l("Cannot listen on %(host)s:%(port)s: %(cause)s. Set CONNECTOR_PORT to another.")
HOST_UNKNOWN = _l("Cannot listen on %(host)s:%(port)s: %(cause)s. Set CONNECTOR_HOST to an address of this machine.")
WORKERS = 4
WEB_THREADS = 14  # more than costly requests and password checks can occupy together
KEPT_IN_MEMORY = 64 * 2**10  # bytes of an unfinished request, the rest goes to a file: 64 MB for all connections


def serve(app: Flask) -> None:
    """Serve pages and run jobs until a signal ends the process. Raise ConflictError if the address cannot be used."""
    pages.init_app(app)
    leave_signals_to_this_thread()
    host, port = app.config["HOST"], app.config["PORT"]
    try:
        server: Any = create_server(
            app,
            host=host,
            port=port,
            threads=WEB_THREADS,
            ident="DSpace-Connector",
            max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"],  # larger ones are refused by waitress itself
            inbuf_overflow=KEPT_IN_MEMORY,
            connection_limit=connection_limit.most(),
            asyncore_use_poll=True,  # select cannot handle file descriptors from 1024 on
            clear_untrusted_proxy_headers=not app.config["PROXY_HOPS"],  # otherwise proxy_headers.py reads them
        )
    except (OSError, ValueError) as error:  # waitress raises ValueError for an unknown host or zone
        sentence = PORT_TAKEN if _is_port(error) else HOST_UNKNOWN
        cause = getattr(error, "strerror", None) or _("there is no such address")
        raise ConflictError(sentence % {"host": host, "port": port, "cause": cause}) from error
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns about each request that waits for a thread
    _warn_if_readable(app)
    with app.app_context():
        _print_first_link(server.effective_port)
    threading.Thread(target=server.run, daemon=True, name="web").start()
    work_until_signal(
        app,
        WORKERS,
        _("DSpace Connector is at %(url)s (Ctrl-C ends it)", url=f"http://{host}:{server.effective_port}/"),
    )


def _is_port(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES)


def _warn_if_readable(app: Flask) -> None:
    """Warn if the app listens on other addresses without HTTPS, since passwords can then be read on the network."""
    host = app.config["HOST"]
    if not is_here(host) and not app.config["PROXY_HOPS"]:
        log.warning(
            "Listening on %s without https: passwords can be read on the way. Put a proxy with https in front "
            "(see deploy/) and set CONNECTOR_PROXY_HOPS, or leave CONNECTOR_HOST at 127.0.0.1.",
            host,
        )


def _print_first_link(port: int) -> None:
    """Print the link that creates the first admin if there is none. `port`: the port of the app."""
    if user_management.needs_first_admin():
        link = link_to(user_management.first_link(), port)
        print_status(
            _(
                "There is no admin yet. To become the first, open this within an hour; it works once:\n  %(link)s",
                link=link,
            )
        )
