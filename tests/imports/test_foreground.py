"""A command that watches a job which another process runs."""

from __future__ import annotations

import os
import signal
import threading

from connector.cli.foreground import follow
from connector.jobs import lifecycle
from connector.models.jobs import State
from tests.waiting import until


def test_ctrl_c_stops_a_job_that_another_process_runs(desk, dspace):
    dspace.add("i0")
    job_id = desk.create("c1")
    with desk.app.app_context():
        attempt = lifecycle.claim(job_id)
    before = signal.getsignal(signal.SIGINT)

    def other_process():
        until(lambda: signal.getsignal(signal.SIGINT) is not before)
        os.kill(os.getpid(), signal.SIGINT)
        until(lambda: desk.job(job_id).state == State.STOPPING)
        with desk.app.app_context():
            lifecycle.finish(job_id, attempt, State.STOPPED, "Stopped.", None)

    thread = threading.Thread(target=other_process, daemon=True)
    thread.start()
    with desk.app.app_context():
        job = follow(job_id)
    thread.join()

    assert (job.state, job.message) == (State.STOPPED, "Stopped.")
    assert signal.getsignal(signal.SIGINT) is before
