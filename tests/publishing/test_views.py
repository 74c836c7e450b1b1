"""The pages of destinations, and publishing from the page of a source."""

from __future__ import annotations

import pytest

from connector.extensions import db
from connector.models.accounts import Account, Role
from connector.models.jobs import Job
from connector.models.publishing import Destination
from connector.models.repositories import Source
from connector.publishing import destinations
from tests.pages import words

from .conftest import added


@pytest.fixture
def app(stocked_app):
    return stocked_app


@pytest.fixture
def client(stocked_client):
    return stocked_client


@pytest.fixture
def form(omeka):
    key = omeka.admin
    return {"name": "Library", "address": omeka.url, "identity": key.identity, "credential": key.credential}


def saved(app) -> list[Destination]:
    with app.app_context():
        return destinations.every()


def add(app, omeka, **settings) -> int:
    with app.app_context():
        return added(omeka, **settings)


def test_an_admin_adds_a_destination_and_sees_it_in_the_list(app, client, omeka, form):
    settings = {"is_public": "y", "has_files": "y", "template": "1"}
    classes = "Thesis = http://purl.org/ontology/bibo/Thesis\n"

    page = client.post("/destinations/new", data=form | settings | {"classes": classes}, follow_redirects=True)

    assert "The destination was added." in words(page)
    (destination,) = saved(app)
    assert (destination.is_public, destination.has_files, destination.template_id) == (True, True, 1)
    assert destination.classes == {"thesis": "http://purl.org/ontology/bibo/Thesis"}
    assert omeka.url in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"identity": "short"}, "Each part of a key has 32 letters and digits."),
        ({"credential": "w" * 32}, "The site does not know this key."),
        ({"address": "ftp://example.org"}, "This is not the address of a website."),
        ({"template": "99"}, "The site has no such resource template."),
        ({"classes": "Thesis"}, "Write each line as type = class."),
        ({"name": ""}, "Enter a name"),
    ],
)
def test_a_refusal_is_shown_and_the_credential_is_not_sent_back(app, client, form, changed, sentence):
    given = form | changed

    page = client.post("/destinations/new", data=given)

    assert (page.status_code, sentence in words(page)) == (422, True)
    assert given["credential"] not in page.get_data(as_text=True)
    assert saved(app) == []


def test_the_form_of_a_destination_never_shows_its_credential(app, client, omeka):
    add(app, omeka)

    page = client.get("/destinations/1/").get_data(as_text=True)

    assert omeka.admin.identity in page
    assert omeka.admin.credential not in page


def test_a_destination_is_changed_without_its_credential(app, client, omeka, form):
    add(app, omeka)

    client.post("/destinations/1/", data=form | {"name": "Archive", "credential": ""})

    assert [(one.name, one.is_public) for one in saved(app)] == [("Archive", False)]


def test_the_connection_test_says_what_was_found(app, client, omeka):
    add(app, omeka)

    page = client.post("/destinations/1/test")

    assert "The key may create items and files." in words(page)


def test_a_connection_test_of_a_site_that_is_away_is_a_sentence(app, client, omeka):
    add(app, omeka)
    with app.app_context():
        destinations.get(1).api_url = "http://127.0.0.1:9/api"
        db.session.commit()

    page = client.post("/destinations/1/test")

    assert "127.0.0.1 refused the connection" in words(page)


def test_a_destination_is_removed_after_a_question(app, client, omeka):
    add(app, omeka)

    question = client.get("/destinations/1/remove")
    client.post("/destinations/1/remove")

    assert "Remove Library?" in words(question)
    assert saved(app) == []


@pytest.mark.parametrize("path", ["/destinations/", "/destinations/new", "/destinations/1/", "/destinations/1/remove"])
def test_only_admins_see_destinations(app, client, omeka, path):
    add(app, omeka)
    allowed = client.get(path).status_code
    with app.app_context():
        db.session.execute(db.update(Account).values(role=Role.EDITOR.value))
        db.session.commit()

    assert (allowed, client.get(path).status_code) == (200, 403)


def source_of(app, name: str) -> int:
    with app.app_context():
        return db.session.scalars(db.select(Source.id).where(Source.name == name)).one()


def test_the_page_of_a_source_offers_destinations_only_where_there_are_any(app, client, omeka):
    path = f"/sources/{source_of(app, 'Odd metadata')}/"
    without = client.get(path).get_data(as_text=True)
    add(app, omeka)

    assert "Publish items" not in without
    assert "Publish items" in client.get(path).get_data(as_text=True)


def test_an_editor_publishes_a_source_and_sees_the_job(app, client, omeka):
    add(app, omeka)
    source_id = source_of(app, "Odd metadata")

    page = client.post(f"/destinations/publish/{source_id}", data={"destination": "1"})

    with app.app_context():
        job = db.session.scalars(db.select(Job).where(Job.kind == "publish")).one()
    assert page.headers["Location"] == f"/jobs/{job.id}/"
    assert (job.source_id, job.resource) == (source_id, "destination:1")


def test_publishing_needs_a_destination(app, client, omeka):
    page = client.post(f"/destinations/publish/{source_of(app, 'Odd metadata')}", data={})

    assert (page.status_code, "Choose a destination." in words(page)) == (422, True)
