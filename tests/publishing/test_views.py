"""The pages of destinations, and publishing from the page of a source."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Response

from connector.catalogue.search import Selection
from connector.extensions import db
from connector.models.accounts import Account, Role
from connector.models.catalogue import Holding, Membership
from connector.models.jobs import Job
from connector.models.publishing import Destination, PublishingSelection
from connector.models.repositories import Source
from connector.publishing import destinations, publish_jobs
from connector.tasks import carry_out
from tests.pages import links, words

from .conftest import added

THESIS = "http://purl.org/ontology/bibo/Thesis"


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


def test_an_admin_adds_a_destination_and_then_chooses_from_what_the_site_has(app, client, omeka, form):
    omeka.add_site("Exhibition")
    omeka.add_user("editor")

    page = client.post("/destinations/new", data=form | {"is_public": "y", "files": "upload"}, follow_redirects=True)
    row = {"classes-0-type": "Thesis", "classes-0-resource_class": THESIS}
    more = {"has_more": "yes", "sites": "1", "owner": "2", "template": "1"} | row
    client.post("/destinations/1/", data=form | {"credential": "", "files": "links"} | more)

    assert "The destination was added." in words(page)
    assert all(name in words(page) for name in ("Exhibition", "User 2", "Base Resource", "Thesis (bibo)"))
    (destination,) = saved(app)
    assert (destination.is_public, destination.files, destination.template_id) == (False, "links", 1)
    assert (destination.site_ids, destination.owner_id, destination.classes) == ([1], 2, {"thesis": THESIS})
    shown = client.get("/destinations/1/").get_data(as_text=True)
    assert f'<option selected value="{THESIS}">Thesis (bibo)</option>' in shown
    assert omeka.url in shown


def test_options_that_the_page_could_not_offer_stay_as_they_are(app, client, omeka, form):
    add(app, omeka, template_id=1, classes={"thesis": THESIS})

    client.post("/destinations/1/", data=form | {"credential": "", "name": "Archive"})

    [known] = saved(app)
    assert (known.name, known.template_id, known.classes) == ("Archive", 1, {"thesis": THESIS})


def test_the_settings_open_while_the_site_does_not_answer(app, client, omeka):
    add(app, omeka, template_id=1)
    omeka.faults.instead = lambda request: Response("gone", 404)

    page = client.get("/destinations/1/")

    assert (page.status_code, "So the options of this site cannot be changed now." in words(page)) == (200, True)
    assert 'name="has_more"' not in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("chosen", "role", "sentence"),
    [
        ({"template": "99"}, "global_admin", "The site has no such resource template."),
        ({"sites": "99"}, "global_admin", "There is no such site in Omeka S."),
        ({"owner": "99"}, "global_admin", "The site has no such user."),
        ({"owner": "1"}, "editor", "Only the key of an administrator"),
    ],
)
def test_a_choice_that_the_site_refuses_is_shown_at_its_field(app, client, omeka, form, chosen, role, sentence):
    add(app, omeka)
    omeka.users[omeka.admin.identity].role = role

    page = client.post("/destinations/1/", data=form | {"credential": "", "has_more": "yes"} | chosen)

    assert (page.status_code, sentence in words(page)) == (422, True)
    assert [(one.template_id, one.owner_id, one.site_ids) for one in saved(app)] == [(None, None, [])]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"identity": "short"}, "Each part of a key has 32 letters and digits."),
        ({"credential": "w" * 32}, "The site does not know this key."),
        ({"address": "ftp://example.org"}, "This is not the address of a website."),
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

    assert "Remove Library ?" in words(question)
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

    page = client.post("/publish/", data={"destination": "1", "source": str(source_id)})

    with app.app_context():
        job = db.session.scalars(db.select(Job).where(Job.kind == "publish")).one()
    assert page.headers["Location"] == f"/jobs/{job.id}/"
    assert (job.source_id, job.resource) == (source_id, "destination:1")


def test_publishing_needs_a_destination(app, client, omeka):
    page = client.post("/publish/", data={"source": str(source_of(app, "Odd metadata"))})

    assert (page.status_code, "Choose a destination." in words(page)) == (422, True)


def job_list(app) -> list[Job]:
    with app.app_context():
        return list(db.session.scalars(db.select(Job).where(Job.kind.startswith("publish")).order_by(Job.id)))


def selected(app, job: Job) -> set[int]:
    with app.app_context():
        mine = PublishingSelection.job_id == job.id
        return set(db.session.scalars(db.select(PublishingSelection.item_id).where(mine)))


def items_in_set(app, set_id: int) -> set[int]:
    with app.app_context():
        return set(db.session.scalars(db.select(Membership.item_id).where(Membership.item_set_id == set_id)))


def test_an_editor_publishes_an_item_set(app, client, omeka):
    add(app, omeka)

    page = client.get("/item-sets/1/")
    client.post("/publish/", data={"destination": "1", "item_set": "1", "every": "y"})

    jobs = job_list(app)
    assert "Publish selected items" in words(page)
    assert set().union(*(selected(app, job) for job in jobs)) == items_in_set(app, 1) != set()


def test_an_editor_publishes_one_item_and_sees_its_job(app, client, omeka):
    add(app, omeka)

    page = client.get("/items/1/")
    answer = client.post("/publish/", data={"destination": "1", "item": "1"})

    [job] = job_list(app)
    assert "Publish item" in words(page)
    assert (answer.headers["Location"], selected(app, job)) == (f"/jobs/{job.id}/", {1})
    assert "Publishing of selected items of" in words(client.get(f"/jobs/{job.id}/"))
    assert "Publishing of selected items:" in words(client.get("/jobs/"))


def test_ticked_items_of_several_sources_make_a_job_for_each_source(app, client, omeka):
    add(app, omeka)
    with app.app_context():
        rows = db.session.execute(
            db.select(Holding.source_id, db.func.min(Holding.item_id)).group_by(Holding.source_id)
        )
        chosen = sorted({item_id for _, item_id in rows})

    page = client.post("/publish/", data={"destination": "1", "item": list(map(str, chosen))}, follow_redirects=True)

    jobs = job_list(app)
    assert len(jobs) > 1
    assert sorted(item_id for job in jobs for item_id in selected(app, job)) == chosen
    assert "There is a job for each" in words(page)


def test_items_that_a_search_finds_are_published(app, client, omeka):
    add(app, omeka)
    with app.app_context():
        found = set(db.session.scalars(Selection(words="harbour").ids()))

    page = client.get("/items/?q=harbour")
    client.post("/publish/", data={"destination": "1", "q": "harbour", "every": "y"})

    assert found
    assert "All items of this list" in words(page)
    assert set().union(*(selected(app, job) for job in job_list(app))) == found


@pytest.mark.parametrize("data", [{}, {"item": "999999"}, {"item": "x"}])
def test_publishing_needs_items(app, client, omeka, data):
    add(app, omeka)

    assert client.post("/publish/", data={"destination": "1", **data}).status_code == 422
    assert job_list(app) == []


def test_lists_do_not_offer_to_publish_without_a_destination(client):
    assert "Publish" not in client.get("/items/").get_data(as_text=True)


def published(app, omeka) -> int:
    """Publish a source and return the id of the job."""
    add(app, omeka)
    source_id = source_of(app, "Odd metadata")
    with app.app_context():
        job_id = publish_jobs.create(source_id, 1)
        assert carry_out(job_id)
    return job_id


def test_the_page_before_an_undo_tells_numbers_and_names_items_that_were_edited_since(app, client, omeka):
    job_id = published(app, omeka)
    edited = omeka.all_of("items")[0]
    omeka.edit(edited["o:id"], o__is_public=False)

    page = client.get(f"/jobs/{job_id}/undo")

    shown = words(page)
    assert "“ Publishing of Odd metadata ” of" in shown
    assert f"Items deleted in Omeka S {len(omeka.all_of('items')) - 1} Items restored 0" in shown
    assert "Edited items that are kept 1" in shown
    assert "It is kept, unless you choose below to delete it, too. " + edited["o:title"] in shown
    assert f"{omeka.url}/admin/item/{edited['o:id']}" in links(page)


def test_the_page_before_an_undo_says_that_the_vocabulary_of_fields_stays(app, client, omeka):
    job_id = published(app, omeka)
    before = words(client.get(f"/jobs/{job_id}/undo"))
    with app.app_context():
        destinations.get(1).has_all_fields = True
        db.session.commit()

    sentence = "The vocabulary of fields without a term stays in Omeka S."
    assert (sentence in before, sentence in words(client.get(f"/jobs/{job_id}/undo"))) == (False, True)


def test_the_page_before_an_undo_says_that_the_site_does_not_answer(app, client, omeka):
    job_id = published(app, omeka)
    omeka.faults.instead = lambda request: Response("gone", 404)

    assert "The items could not be compared with Omeka S:" in words(client.get(f"/jobs/{job_id}/undo"))


@pytest.mark.parametrize(("data", "left"), [({}, 1), ({"edited": "yes"}, 0)])
def test_an_undo_from_its_page_keeps_edited_items_unless_told_otherwise(app, client, omeka, data, left):
    job_id = published(app, omeka)
    omeka.edit(omeka.all_of("items")[0]["o:id"], o__is_public=False)

    page = client.post(f"/jobs/{job_id}/undo", data=data)

    with app.app_context():
        undo = db.session.scalars(db.select(Job).where(Job.kind == "publish_undo")).one()
        assert carry_out(undo.id)
        shown = words(client.get(page.headers["Location"]))
    assert len(omeka.all_of("items")) == left
    assert "Destination Library" in shown
    assert ("Somebody edited it in Omeka S later, so it was kept." in shown) == bool(left)


def test_several_jobs_are_undone_from_past_imports_with_the_numbers_of_each(app, client, omeka):
    job_id = published(app, omeka)

    question = words(client.post("/jobs/", data={"undo": [str(job_id), "1"]}))
    client.post("/jobs/", data={"undo": str(job_id), "confirmed": "yes"})

    assert f"Undo job {job_id}: Publishing of Odd metadata" in question
    assert "Undo job 1: Import of Harbour photographs" in question
    with app.app_context():
        assert [job.undoes_id for job in db.session.scalars(db.select(Job).where(Job.kind == "publish_undo"))] == [
            job_id
        ]
