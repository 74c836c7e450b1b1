"""Counters of jobs: added in one statement, read with the job, and declared by its kind."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from connector.extensions import db, transaction
from connector.jobs import counters
from connector.jobs.attempt import work
from connector.models.jobs import Job

from .steps import set_counts


def test_added_numbers_increase_the_counters_of_a_job(importer):
    job_id = importer.create()
    for _ in range(2):
        with importer.app.app_context(), transaction():
            counters.add(db.session.connection(), job_id, {"seen": 3, "files_linked": -1, "added": 0})

    assert importer.job(job_id).counts == {"seen": 6, "files_linked": -2}
    assert importer.job(job_id).counts["added"] == 0


def test_totals_replace_the_counters_of_a_job(importer):
    job_id = importer.create()
    set_counts(importer, job_id, not_visible=5)

    set_counts(importer, job_id, not_visible=0, seen=2)

    assert importer.job(job_id).counts == {"not_visible": 0, "seen": 2}


@pytest.mark.parametrize("how", [{"counts": {"published": 1}}, {"totals": {"published": 1}}])
def test_a_job_counts_only_what_its_kind_declares(importer, how):
    job_id, said = importer.create(), []

    def runner(run):
        with pytest.raises(ValueError, match="The kind “import” declares no counter “published”") as refused:
            run.advance(**how)
        said.append(refused)
        return True, ""

    with importer.app.app_context():
        assert work(job_id, runner)

    assert len(said) == 1
    assert importer.job(job_id).counts == {}


def test_many_jobs_are_read_with_their_counts_in_one_query(importer):
    for number in range(3):
        set_counts(importer, importer.create(f"c{number}"), seen=number)
    queries = []
    with importer.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *of: queries.append(of[2]))
        found = [job.counts["seen"] for job in db.session.scalars(select(Job).order_by(Job.id))]

    assert found == [0, 1, 2]
    assert len([query for query in queries if query.startswith("SELECT")]) == 1
