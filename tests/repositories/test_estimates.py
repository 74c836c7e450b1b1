"""What an import will take is told before it, as far as it can be known: and what cannot be is named."""

from __future__ import annotations

import re

import pytest

from connector.dspace.records import Estimate, Scope, ScopeKind
from connector.extensions import db
from connector.imports import jobs
from connector.imports.models import ImportJob
from connector.imports.tasks import carry_out
from connector.repositories import connecting, register
from connector.repositories.connections import Connection
from tests.pages import words
from tests.sample import SampleRepository

UNTOLD = "without the files, whose number DSpace 4 to 6 does not tell"
ALL = {"scope": "repository:", "item_set": "", "file_limit": "", "estimate": "y"}
EVERYTHING = Scope(ScopeKind.REPOSITORY)


@pytest.fixture
def six():
    with SampleRepository(6) as running:
        yield running


def estimate(app, url: str) -> Estimate:
    with app.app_context():
        return connecting.estimate(connecting.connect(url, "rest", None).repository_id, EVERYTHING, files=True)


def answers_take(monkeypatch, seconds: float) -> None:
    """Whatever is asked, all of it was answered in so many seconds on average."""
    monkeypatch.setattr(Connection, "traffic", lambda self: {"seconds": seconds * 3, "answers": 3})


def test_before_the_first_import_the_time_is_told_by_how_fast_the_estimate_was_answered(app, sample, monkeypatch):
    answers_take(monkeypatch, 6.0)
    app.config["PACE"] = 2

    told = estimate(app, sample.url)

    assert told.requests > 10
    assert told.seconds == told.requests * 6.0 / 2


def test_a_pause_that_is_kept_between_requests_counts(app, sample, monkeypatch):
    answers_take(monkeypatch, 0.4)
    with app.app_context():
        connecting.connect(sample.url, "rest", None, delay=0.2)

    told = estimate(app, sample.url)

    assert told.seconds == told.requests * 0.2


def test_later_the_last_imports_tell_the_time(app, sample, monkeypatch):
    answers_take(monkeypatch, 6.0)
    with app.app_context():
        repository_id = connecting.connect(sample.url, "rest", None).repository_id
        job_id = jobs.create(register.source_for(repository_id, EVERYTHING), {"test": 3})
        monkeypatch.undo()
        assert carry_out(job_id)
        db.session.execute(db.update(ImportJob).values(worked=50.0, requests=100))
        db.session.commit()

    told = estimate(app, sample.url)

    assert told.seconds == told.requests * 0.5


def test_the_page_says_that_the_files_of_an_older_dspace_are_left_out(app, client, six):
    client.post("/", data={"url": six.url, "endpoint": "rest", "limit": ""})

    with_files, without = (words(client.post("/repositories/1/", data=ALL | more)) for more in ({"files": "y"}, {}))

    assert f"That is {UNTOLD}" in with_files
    assert UNTOLD not in without
    assert re.search(r"Time, about (under 1|\d+) s ", with_files)


@pytest.mark.parametrize("generation", [9, 6])
def test_the_command_prints_time_and_size_as_people_read_them(app, generation):
    with SampleRepository(generation) as sample, app.app_context():
        run = app.test_cli_runner().invoke
        told, plain = (run(args=["import", sample.url, "--all", "--estimate", *more]) for more in (["--files"], []))

    size = r", [\d,]+ files? \([\d.]+ [kMG]B\)" if generation == 9 else ""
    untold = "" if generation == 9 else rf"That is {UNTOLD}\.\n"
    assert re.fullmatch(rf"About [\d,]+ items, [\d,]+ requests?{size}: (under 1|\d+) s\.\n{untold}", told.stdout)
    assert re.fullmatch(r"About [\d,]+ items, [\d,]+ requests?: (under 1|\d+) s\.\n", plain.stdout)


def test_the_command_says_so_where_nothing_is_told(app, sample, monkeypatch):
    monkeypatch.setattr(connecting, "estimate", lambda *args, **options: Estimate(None, None))

    with app.app_context():
        told = app.test_cli_runner().invoke(args=["import", sample.url, "--all", "--estimate"])

    assert told.stdout == "The repository does not tell how much there is.\n"
