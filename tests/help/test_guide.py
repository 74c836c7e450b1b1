"""The guide in the app, and its list in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel import Locale
from babel.support import NullTranslations

from connector import i18n
from connector.extensions import db, transaction
from connector.models.jobs import Job
from connector.web.help import guide
from tests.pages import links, words

ROOT = Path(__file__).parents[2]


@pytest.fixture
def german():
    i18n.install(i18n.Language(Locale("de", "AT"), NullTranslations()))
    yield
    i18n.install(i18n.Language(Locale("en"), NullTranslations()))


def test_the_readme_lists_the_parts_of_the_guide_with_their_first_sentences():
    readme = " ".join((ROOT / "README.md").read_text().split())

    places = [readme.index(f"- [{part.title}](docs/guide/en/{part.name}.md): {part.summary}") for part in guide.parts()]

    assert places == sorted(places)


def test_every_file_of_the_guide_is_a_part():
    assert {path.stem for path in (guide.FOLDER / guide.ORIGINAL).iterdir()} == set(guide.PARTS)


def test_every_link_in_the_guide_leads_to_a_part():
    found = {target for path in guide.FOLDER.rglob("*.md") for target in re.findall(r"\]\(([^)]*)\)", path.read_text())}

    assert found <= {f"{name}.md" for name in guide.PARTS}


def test_the_guide_quotes_errors_as_the_app_writes_them():
    table = (guide.FOLDER / "en" / "blocked.md").read_text()
    code = " ".join(path.read_text() for path in (ROOT / "connector").rglob("*.py"))

    quoted = re.findall("“([^”]*)”", table)

    assert len(quoted) > 10
    assert [phrase for phrase in quoted if phrase not in code] == []


def test_help_lists_all_parts_and_each_part_is_a_page(client):
    index = client.get("/help/")

    for part in guide.parts():
        assert f"/help/{part.name}/" in links(index)
        page = client.get(f"/help/{part.name}/")
        assert page.status_code == 200
        assert f"{part.title} {part.summary}" in words(page)


def test_a_part_links_to_other_parts_as_pages(client):
    assert "/help/missing/" in links(client.get("/help/sync/"))
    assert ".md" not in client.get("/help/sync/").text


def test_an_unknown_part_is_not_found(client):
    assert client.get("/help/none/").status_code == 404
    assert client.get("/help/..%2Fsecurity/").status_code == 404


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("/", ""),
        ("/repositories/", "connect/"),
        ("/repositories/1/", "import/"),
        ("/repositories/1/crosswalk", "crosswalk/"),
        ("/repositories/1/crosswalk/field?field=dc.title", "crosswalk/"),
        ("/jobs/", "import/"),
        ("/jobs/1/", "import/"),
        ("/jobs/1/undo", "undo/"),
        ("/sources/1/", "sync/"),
        ("/items/", "items/"),
        ("/item-sets/", "items/"),
        ("/missing/", "missing/"),
        ("/users/", "accounts/"),
        ("/destinations/", "publish/"),
        ("/account/", "accounts/"),
        ("/account/tokens/", "programs/"),
    ],
)
def test_each_page_links_to_its_part_of_the_guide(stocked_client, address, part):
    assert f'<a href="/help/{part}">Help</a>' in stocked_client.get(address).text


@pytest.mark.parametrize("state", [{"state": "failed"}, {"state": "running", "wait_reason": "repository"}])
def test_a_job_that_failed_or_waits_links_to_the_part_about_blocking(stocked_app, stocked_client, state):
    with stocked_app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == 1).values(state))

    assert '<a href="/help/blocked/">Help</a>' in stocked_client.get("/jobs/1/").text


def test_an_address_that_cannot_be_used_links_to_the_part_about_blocking(client):
    assert '<a href="/help/blocked/">Help</a>' in client.post("/repositories/", data={"url": "none"}).text


def test_a_translated_part_is_shown_in_the_language_of_the_instance(client, german, tmp_path, monkeypatch):
    for folder, title in (("en", "Undo"), ("de", "Rückgängig")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "undo.md").write_text(f"# {title}\n\nA sentence.\n")
    monkeypatch.setattr(guide, "FOLDER", tmp_path)
    monkeypatch.setattr(guide, "PARTS", ("undo",))

    page = client.get("/help/undo/").text

    assert '<div class="prose" lang="de">' in page
    assert "<h1>Rückgängig</h1>" in page


def test_a_part_without_translation_is_shown_in_english(client, german):
    assert '<div class="prose" lang="en">' in client.get("/help/undo/").text
