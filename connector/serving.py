"""Serves the pages with waitress, works on the jobs with huey's threads, ends within seconds on SIGTERM and SIGINT."""

from __future__ import annotations

import logging
import signal
import threading
from ipaddress import ip_address

import click
from flask import Flask
from huey.consumer import Consumer
from waitress import create_server

from .accounts.commands import tell_first_link
from .errors import Conflict
from .extensions import huey
from .health import note_recovery
from .imports import jobs
from .imports.run import pause_all
from .imports.tasks import run_job

log = logging.getLogger(__name__)
WORKERS = 4
WEB_THREADS = 8
MINUTE = 60.0  # seconds
ENDINGS = (signal.SIGINT, signal.SIGTERM)


def serve(app: Flask) -> None:
    """Serve and work until told to end."""
    _leave_signals_to_this_thread()
    host, port = app.config["HOST"], app.config["PORT"]
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=WEB_THREADS,
            ident="DSpace-Connector",
            max_request_body_size=app.config["MAX_CONTENT_LENGTH"],  # or a larger one is kept on the disk first
            clear_untrusted_proxy_headers=not app.config["PROXY_HOPS"],  # else proxies.py reads them
        )
    except OSError as error:
        raise Conflict(f"Cannot listen on {host}:{port}: {error.strerror}. Set CONNECTOR_PORT to another.") from error
    _warn_if_readable(app)
    with app.app_context():
        tell_first_link(server.effective_port)
    threading.Thread(target=server.run, daemon=True, name="web").start()
    _work_until_told(app, WORKERS, f"DSpace Connector is at http://{host}:{server.effective_port}/ (Ctrl-C ends it)")


def _warn_if_readable(app: Flask) -> None:
    """Whoever can listen on the network reads passwords that come without https."""
    host = app.config["HOST"]
    if host != "localhost" and not _is_loopback(host) and not app.config["PROXY_HOPS"]:
        log.warning(
            "Listening on %s without https: passwords can be read on the way. Put a proxy with https in front "
            "(see deploy/) and set CONNECTOR_PROXY_HOPS, or leave CONNECTOR_HOST at 127.0.0.1.",
            host,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def work(app: Flask, threads: int) -> None:
    """Only work, until told to end."""
    _leave_signals_to_this_thread()
    _work_until_told(app, threads, f"Working on jobs with {threads} threads (Ctrl-C ends it)")


def _leave_signals_to_this_thread() -> None:
    """Before the first other thread begins: all that begin later keep the mask, and this one asks for the signals.

    A handler would run when this thread next wakes up by itself, which on some systems is at the end of its wait.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)


def _work_until_told(app: Flask, threads: int, sentence: str) -> None:
    logging.getLogger(__package__).setLevel(logging.INFO)
    _wake(app)
    consumer = _start_consumer(threads)
    click.echo(sentence, err=True)
    while signal.sigtimedwait(ENDINGS, MINUTE) is None:
        wake_again(app)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)  # a second one ends it at once
    click.echo("Ending: jobs under way pause at their cursor and go on at the next start.", err=True)
    pause_all()
    consumer.stop(graceful=True)


def _wake(app: Flask) -> None:
    """Jobs that were left by a process that is gone, or that wait for a worker."""
    with app.app_context():
        for job_id in jobs.recover():
            run_job(job_id)
        note_recovery(app.config["INSTANCE"])


def wake_again(app: Flask) -> None:
    """The same once a minute, from here too: while every worker has a job, none comes to do it (see tasks.recover)."""
    try:
        _wake(app)
    except Exception:  # the database may be away for a while
        log.exception("Jobs that were left behind could not be looked for")


def _start_consumer(workers: int) -> Consumer:
    consumer = huey.create_consumer(
        workers=workers, worker_type="thread", initial_delay=0.1, max_delay=0.5, check_worker_health=True
    )
    consumer._set_signal_handlers = lambda: None  # the handlers are ours
    consumer.start()
    return consumer
