"""Import settings are shown where an import starts, where it ran and where it can run again."""

from __future__ import annotations

import re

import pytest

from connector.extensions import db, transaction
from connector.models.repositories import Repository
from connector.tasks import carry_out
from tests.pages import FRAGMENT, words

MORE = re.compile(r'<details class="more"( open)?>')
SETTINGS = {"files": "y", "file_limit": "2 GB", "item_set": "new", "item_set_name": "Harbour"}


@pytest.fixture
def connected(client, sample):
    """A client that has connected to the sample."""
    client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})
    return client


def import_photographs(client, sample, **settings):
    scope = f"collection:{sample.data.named('Harbour photographs').handle}"
    answer = client.post("/repositories/1/", data=SETTINGS | settings | {"scope": scope})
    assert answer.status_code == 303
    return answer.location


def summary_of(page):
    return " ".join(re.sub("<[^>]*>", " ", re.search(r'<p[^>]*class="summary".*?</p>', page.text, re.S)[0]).split())


def test_only_files_item_set_and_comment_stand_before_more_options(connected):
    page = connected.get("/repositories/1/")

    visible, more = page.text.split('<details class="more"')[:2]
    assert [name for name in ("files", "item_set", "comment") if f'name="{name}"' not in visible] == []
    later = ("bundles", "file_limit", "files_limit", "test", "hours", "full", "estimate", "ignored")
    assert [name for name in later if f'name="{name}"' not in more] == []
    assert MORE.search(page.text)[1] is None


@pytest.mark.parametrize("typed", [{"hours": "22:00-06:00"}, {"test": "none"}, {"full": "y"}])
def test_more_options_are_open_if_one_is_set_or_has_an_error(connected, typed):
    page = connected.post("/repositories/1/", data={"show": "collections", "item_set": "", **typed})

    assert MORE.search(page.text)[1] == " open"


def test_after_an_error_all_fields_hold_what_was_typed(connected):
    typed = {"file_limit": "1.5 GB", "bundles": "ORIGINAL, TEXT", "files_limit": "20gb", "hours": "22:00 – 6:00"}

    page = connected.post("/repositories/1/", data=typed | {"test": "none", "item_set": "", "scope": "repository:"})

    assert page.status_code == 422
    for value in (*typed.values(), "none"):
        assert f'value="{value}"' in page.text


def test_the_lists_sum_up_the_settings(connected):
    before = connected.get("/repositories/1/")
    after = connected.post("/repositories/1/", data=SETTINGS | {"show": "collections"})

    assert summary_of(before).startswith("Files: no · Item set: none · Change")
    assert summary_of(after).startswith("Files: yes, each up to 2.0 GB · Item set: Harbour · Change")


def test_the_summary_follows_the_settings(connected):
    page = connected.post("/repositories/1/summary", data=SETTINGS | {"test": "3"}, headers=FRAGMENT)
    wrong = connected.post("/repositories/1/summary", data=SETTINGS | {"test": "none"}, headers=FRAGMENT)

    assert "Test import: 3 items" in summary_of(page)
    assert summary_of(wrong).startswith("The import settings have an error. · Change")


def test_the_next_import_of_a_repository_starts_with_the_settings_of_the_last(connected, sample):
    import_photographs(connected, sample, files_limit="20 GB", test="3", full="y")

    page = connected.get("/repositories/1/")

    assert summary_of(page).startswith("Files: yes, each up to 2.0 GB, together up to 20.0 GB")
    assert re.search(r'<input[^>]* checked[^>]* id="files"', page.text)
    assert 'value="2 GB"' in page.text
    assert re.search(r'name="test"[^>]*value=""', page.text)
    assert not re.search(r'<input[^>]* checked[^>]* id="full"', page.text)


def test_a_job_lists_its_settings_and_what_runs_again_names_them(app, connected, sample):
    job = connected.get(import_photographs(connected, sample))
    confirm = connected.post("/jobs/", data={"rerun": "1"})
    source = connected.get("/sources/1/")
    with app.app_context():
        carry_out(1)
    rerun = connected.get("/jobs/1/rerun")

    for page in (job, confirm, source, rerun):
        assert "Files: yes, each up to 2.0 GB · Item set: Harbour" in words(page)


def test_the_settings_beside_a_schedule_are_those_of_its_next_run(connected, sample):
    import_photographs(connected, sample, test="3")
    times = {"weekday": "0", "day": "1", "at": "02:00", "since": "22:00", "until": "06:00"}
    assert connected.post("/sources/1/schedule", data={"every": "daily", **times}).status_code == 303

    page = connected.get("/sources/1/")

    assert "Settings of the next import: Files: yes, each up to 2.0 GB · Item set: Harbour ·" in words(page)
    assert "Imports the whole source with the settings shown above." in words(page)


def test_related_items_are_a_setting_for_repositories_that_can_have_any(app, connected, sample):
    import_photographs(connected, sample, related_items="y")
    page = connected.get("/repositories/1/")
    with app.app_context(), transaction():
        db.session.execute(db.update(Repository).values(generation=6, version="6.3"))
    older = connected.get("/repositories/1/")
    refused = connected.post("/repositories/1/", data={"related_items": "y", "item_set": "", "scope": "nothing:"})

    assert "Related items: yes" in summary_of(page)
    assert re.search(r'<input[^>]* checked[^>]* id="related_items"', page.text)
    assert (refused.status_code, [one for one in (older, refused) if "related_items" in one.text]) == (422, [])
