"""Serves the pages with waitress, works on the jobs with huey's threads, ends within seconds on SIGTERM and SIGINT."""

from __future__ import annotations

import logging
import signal
import threading

import click
from flask import Flask
from huey.consumer import Consumer
from waitress import create_server

from .errors import Conflict
from .extensions import huey
from .imports import jobs
from .imports.run import pause_all
from .imports.tasks import run_job

WORKERS = 4
WEB_THREADS = 8


def serve(app: Flask) -> None:
    """Serve and work until told to end."""
    host, port = app.config["HOST"], app.config["PORT"]
    try:
        server = create_server(app, host=host, port=port, threads=WEB_THREADS, ident="DSpace-Connector")
    except OSError as error:
        raise Conflict(f"Cannot listen on {host}:{port}: {error.strerror}. Set CONNECTOR_PORT to another.") from error
    threading.Thread(target=server.run, daemon=True, name="web").start()
    _work_until_told(app, WORKERS, f"DSpace Connector is at http://{host}:{server.effective_port}/ (Ctrl-C ends it)")


def work(app: Flask, threads: int) -> None:
    """Only work, until told to end."""
    _work_until_told(app, threads, f"Working on jobs with {threads} threads (Ctrl-C ends it)")


def _work_until_told(app: Flask, threads: int, sentence: str) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    _wake(app)
    consumer = _start_consumer(threads)
    click.echo(sentence, err=True)
    ended.wait()
    click.echo("Ending: jobs under way pause at their cursor and go on at the next start.", err=True)
    pause_all()
    consumer.stop(graceful=True)


def _wake(app: Flask) -> None:
    """Jobs that were left by a process that is gone, or that wait for a worker."""
    with app.app_context():
        for job_id in jobs.recover():
            run_job(job_id)


def _start_consumer(workers: int) -> Consumer:
    consumer = huey.create_consumer(
        workers=workers, worker_type="thread", initial_delay=0.1, max_delay=0.5, check_worker_health=True
    )
    consumer._set_signal_handlers = lambda: None  # the handlers are ours
    consumer.start()
    return consumer
