"""The server process: pages with waitress, jobs with huey threads. Ends within seconds on SIGTERM or SIGINT."""

from __future__ import annotations

import errno
import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from huey.consumer import Consumer
from waitress.server import create_server

from setting_parsers import is_here

from . import connection_limit, error_translation
from .accounts import user_management
from .accounts.one_time_links import link_to
from .errors import ConflictError
from .extensions import huey
from .i18n import gettext as _, lazy_gettext as _l, ngettext
from .jobs.attempt import pause_all
from .logs import QueueErrorFilter, log_throttled, print_status
from .tasks import DUTIES
from .tls_warnings import settings_without_tls

log = logging.getLogger(__name__)
PORT_TAKEN = _l("Cannot listen on %(host)s:%(port)s: %(cause)s. Set CONNECTOR_PORT to another.")
HOST_UNKNOWN = _l("Cannot listen on %(host)s:%(port)s: %(cause)s. Set CONNECTOR_HOST to an address of this machine.")
WORKERS = 4
WEB_THREADS = 14  # more than costly requests and password checks can occupy together
KEPT_IN_MEMORY = 64 * 2**10  # bytes of an unfinished request, the rest goes to a file: 64 MB for all connections
ENDINGS = (signal.SIGINT, signal.SIGTERM)


def serve(app: Flask) -> None:
    """Serve pages and run jobs until a signal ends the process. Raise ConflictError if the address cannot be used."""
    _leave_signals_to_this_thread()
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
    _work_until_signal(
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


def warn_of_settings_without_tls(app: Flask) -> None:
    """Warn about every outgoing connection configured without TLS."""
    for name in settings_without_tls(app.config):
        log.warning("%s leads to another machine without TLS: what goes there can be read on the way.", name)


def work(app: Flask, threads: int) -> None:
    """Run jobs, without serving pages, until a signal ends the process."""
    _leave_signals_to_this_thread()
    sentence = ngettext(
        "Working on jobs with %(num)s thread (Ctrl-C ends it)",
        "Working on jobs with %(num)s threads (Ctrl-C ends it)",
        threads,
    )
    _work_until_signal(app, threads, sentence)


def _leave_signals_to_this_thread() -> None:
    """Block the ending signals, so that this thread can wait for them with `sigwait`.

    Call this before any other thread starts, since new threads inherit the mask. A signal handler is no alternative: on
    some systems it would only run at the end of the current wait of this thread.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)


def _work_until_signal(app: Flask, threads: int, sentence: str) -> None:
    logging.getLogger(__package__).setLevel(logging.INFO)
    warn_of_settings_without_tls(app)
    consumer, ended = _start_consumer(threads), threading.Event()
    for duty, seconds in DUTIES.items():
        threading.Thread(target=_repeat, args=(app, duty, seconds, ended), daemon=True, name=duty.__name__).start()
    print_status(sentence)
    signal.sigwait(ENDINGS)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)  # a second signal ends the process at once
    ended.set()
    print_status(_("Stopping. Running jobs pause at their cursor and continue at the next start."))
    pause_all()
    consumer.stop(graceful=True)


def _repeat(app: Flask, duty: Callable[[], None], seconds: float, ended: threading.Event) -> None:
    """Run a duty now, then every `seconds` until `ended` is set. Its own thread keeps it independent of jobs."""
    while True:
        attempt(app, duty)
        if ended.wait(seconds):
            return


def attempt(app: Flask, duty: Callable[[], None]) -> None:
    """Run a duty once. Log errors instead of raising them, since the database may be unavailable for a while."""
    try:
        with app.app_context():
            duty()
    except Exception as error:
        if (known := error_translation.translate(error)) is None:
            log.exception("The periodic task %s failed", duty.__name__)
        else:
            with app.app_context():
                log_throttled(log, f"The periodic task {duty.__name__} failed: {known}")


def _start_consumer(workers: int) -> Consumer:
    consumer: Consumer = huey.create_consumer(
        workers=workers,
        worker_type="thread",
        initial_delay=0.1,
        max_delay=0.5,
        check_worker_health=True,
        periodic=False,  # see DUTIES
    )
    consumer._set_signal_handlers = lambda: None  # type: ignore[method-assign]  # this module handles the signals
    queue_errors = QueueErrorFilter()
    for part in (consumer.worker_class, consumer.scheduler_class):
        logging.getLogger(f"huey.consumer.{part.process_name}").addFilter(queue_errors)
    consumer.start()
    return consumer


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
