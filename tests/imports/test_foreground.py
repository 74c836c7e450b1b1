"""A command that watches a job which another process runs."""

from __future__ import annotations

import os
import signal
import threading

from sqlalchemy import func, select

from connector.cli import foreground
from connector.cli.foreground import follow
from connector.extensions import db
from connector.jobs import completion, lifecycle
from connector.models.accounts import AuditEntry
from connector.models.jobs import State
from tests.waiting import until


def test_ctrl_c_stops_a_job_that_another_process_runs_with_one_request(importer, dspace, monkeypatch):
    monkeypatch.setattr(foreground, "POLL_SECONDS", 0.01)
    recover, looks = lifecycle.recover, []
    monkeypatch.setattr(lifecycle, "recover", lambda: looks.append(None) or recover())
    dspace.add("i0")
    job_id = importer.create("c1")
    with importer.app.app_context():
        attempt = lifecycle.claim(job_id)
    before = signal.getsignal(signal.SIGINT)

    def other_process():
        until(lambda: signal.getsignal(signal.SIGINT) is not before)
        os.kill(os.getpid(), signal.SIGINT)
        until(lambda: importer.job(job_id).state == State.STOPPING)
        before_more = len(looks)
        until(lambda: len(looks) > before_more + 3)
        with importer.app.app_context():
            completion.finish(job_id, attempt, State.STOPPED, "Stopped.", None)

    thread = threading.Thread(target=other_process, daemon=True)
    thread.start()
    with importer.app.app_context():
        job = follow(job_id)
        stops = db.session.scalar(select(func.count()).where(AuditEntry.what == "stop"))
    thread.join()

    assert (job.state, job.message, stops) == (State.STOPPED, "Stopped.", 1)
    assert signal.getsignal(signal.SIGINT) is before
