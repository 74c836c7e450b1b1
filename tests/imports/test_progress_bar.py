"""The progress of a job in the terminal."""

from __future__ import annotations

import threading

import pytest
from rich.console import Console
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from connector.cli import progress_bar as progress_module
from connector.cli.progress_bar import JobProgress
from connector.extensions import db, transaction
from connector.models.jobs import Job

from .steps import set_counts


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("answered", [0, 1])
def test_the_progress_display_survives_a_failing_database(importer, monkeypatch, capsys, is_terminal, answered):
    monkeypatch.setattr(progress_module, "REDRAW", 0.01)
    monkeypatch.setattr(progress_module, "LINE_EVERY", 1)
    job_id, asked, enough, ended = importer.create(), [], threading.Event(), []
    monkeypatch.setattr(threading, "excepthook", ended.append)

    def fail(connection, cursor, statement, *rest):
        if "FROM job" not in statement:
            return
        asked.append(statement)
        if len(asked) > 3:
            enough.set()
        if len(asked) > answered:
            raise OperationalError(statement, {}, Exception("moved"))

    with importer.app.app_context():
        shown = JobProgress(job_id, db.engine)
        shown._console = Console(stderr=True, force_terminal=is_terminal)
        event.listen(db.engine, "before_cursor_execute", fail)
        try:
            with shown:
                assert enough.wait(60)
        finally:
            event.remove(db.engine, "before_cursor_execute", fail)

    assert ended == []
    assert (f"Job {job_id}:" in capsys.readouterr().err) == (bool(answered) and not is_terminal)


def test_the_total_leaves_out_items_that_are_not_visible(importer, capsys):
    job_id = importer.create()
    set_counts(importer, job_id, not_visible=1, seen=44)
    with importer.app.app_context():
        with transaction():
            db.session.execute(update(Job).values(expected=45))
        with JobProgress(job_id, db.engine):
            pass

    assert "44 of 44 items" in capsys.readouterr().err
