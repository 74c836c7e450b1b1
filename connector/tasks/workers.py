"""The worker process: runs jobs in huey threads, with the periodic tasks. Ends within seconds on SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable

from flask import Flask
from huey.consumer import Consumer

from .. import error_translation
from ..extensions import huey
from ..i18n import gettext as _, ngettext
from ..jobs.attempt import pause_all
from ..logs import QueueErrorFilter, log_throttled, print_status
from ..tls_warnings import settings_without_tls
from .periodic_tasks import PERIODIC_TASKS

log = logging.getLogger(__name__)
ENDINGS = (signal.SIGINT, signal.SIGTERM)


def warn_of_settings_without_tls(app: Flask) -> None:
    """Warn about every outgoing connection configured without TLS."""
    for name in settings_without_tls(app.config):
        log.warning("%s leads to another machine without TLS: what goes there can be read on the way.", name)


def work(app: Flask, threads: int) -> None:
    """Run jobs, without serving pages, until a signal ends the process."""
    leave_signals_to_this_thread()
    sentence = ngettext(
        "Working on jobs with %(num)s thread (Ctrl-C ends it)",
        "Working on jobs with %(num)s threads (Ctrl-C ends it)",
        threads,
    )
    work_until_signal(app, threads, sentence)


def leave_signals_to_this_thread() -> None:
    """Block the ending signals, so that this thread can wait for them with `sigwait`.

    Call this before any other thread starts, since new threads inherit the mask. A signal handler is no alternative: on
    some systems it would only run at the end of the current wait of this thread.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)


def work_until_signal(app: Flask, threads: int, sentence: str) -> None:
    """Print the sentence, then run jobs and periodic tasks until a signal ends the process."""
    logging.getLogger("connector").setLevel(logging.INFO)
    warn_of_settings_without_tls(app)
    consumer, ended = _start_consumer(threads), threading.Event()
    for task, seconds in PERIODIC_TASKS.items():
        threading.Thread(target=_repeat, args=(app, task, seconds, ended), daemon=True, name=task.__name__).start()
    print_status(sentence)
    signal.sigwait(ENDINGS)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)  # a second signal ends the process at once
    ended.set()
    print_status(_("Stopping. Running jobs pause at their cursor and continue at the next start."))
    pause_all()
    consumer.stop(graceful=True)


def _repeat(app: Flask, task: Callable[[], None], seconds: float, ended: threading.Event) -> None:
    """Run a task now, then every `seconds` until `ended` is set. Its own thread keeps it independent of jobs."""
    while True:
        attempt(app, task)
        if ended.wait(seconds):
            return


def attempt(app: Flask, task: Callable[[], None]) -> None:
    """Run a task once. Log errors instead of raising them, since the database may be unavailable for a while."""
    try:
        with app.app_context():
            task()
    except Exception as error:
        if (known := error_translation.translate(error)) is None:
            log.exception("The periodic task %s failed", task.__name__)
        else:
            with app.app_context():
                log_throttled(log, f"The periodic task {task.__name__} failed: {known}")


def _start_consumer(workers: int) -> Consumer:
    consumer: Consumer = huey.create_consumer(
        workers=workers,
        worker_type="thread",
        initial_delay=0.1,
        max_delay=0.5,
        check_worker_health=True,
        periodic=False,  # see PERIODIC_TASKS
    )
    consumer._set_signal_handlers = lambda: None  # type: ignore[method-assign]  # this module handles the signals
    queue_errors = QueueErrorFilter()
    for part in (consumer.worker_class, consumer.scheduler_class):
        logging.getLogger(f"huey.consumer.{part.process_name}").addFilter(queue_errors)
    consumer.start()
    return consumer
