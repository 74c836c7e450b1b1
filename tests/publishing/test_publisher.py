"""Publishing a source: no item twice, no edit lost, and only changes are sent again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from connector.extensions import db, utcnow
from connector.jobs import creation, lifecycle, report
from connector.jobs.attempt import stop_here
from connector.models.catalogue import CatalogueFile, CatalogueItem, Holding
from connector.models.jobs import Job, State
from connector.models.publishing import FileMode, PublishedFile, PublishedItem
from connector.publishing import destinations, publish_jobs
from connector.tasks import carry_out
from tests.pages import links, words

from .conftest import added
from .steps import (
    begin_long_ago,
    change_title,
    counts,
    first_published,
    held,
    identifiers,
    job_of,
    literal,
    publish,
    source,
)

BIBO = "http://purl.org/ontology/bibo/"


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        yield stocked_app


def test_each_item_of_a_source_is_created_once_with_its_link_in_an_item_set_of_its_name(library, omeka):
    job = publish(library)

    number = held()
    assert (job.state, counts(job)) == (
        State.COMPLETED,
        {"seen": number, "added": number, "updated": 0, "unchanged": 0, "failed": 0},
    )
    assert (len(identifiers(omeka)), len(set(identifiers(omeka)))) == (number, number)
    (item_set,) = omeka.all_of("item_sets")
    assert item_set["o:title"] == "Odd metadata"
    assert all(item["o:item_set"][0]["o:id"] == item_set["o:id"] for item in omeka.all_of("items"))
    item, there = first_published(omeka)
    assert item.link in [value.get("@id") for value in there["bibo:uri"]]


def test_publishing_again_sends_nothing_and_needs_few_requests(library, omeka):
    publish(library)
    omeka.requests.clear()

    job = publish(library)

    assert counts(job) == {"seen": held(), "added": 0, "updated": 0, "unchanged": held(), "failed": 0}
    assert [one for one in omeka.writes() if one != ("POST", "/api/media")] == []  # the check of the key
    assert Counter(omeka.requests)["GET", "/api/items"] == 1
    assert len(omeka.requests) <= 11  # so 1,000 items in ten batches need 20


def test_a_change_at_the_source_is_sent_and_edits_in_omeka_stay(library, omeka):
    publish(library)
    item, there = first_published(omeka)
    subject = {**literal("Theirs"), "property_id": 3}
    omeka.edit(there["o:id"], dcterms__subject=[subject], o__is_public=False)
    change_title(item, "A new title")

    job = publish(library)

    assert counts(job) == {"seen": held(), "added": 0, "updated": 1, "unchanged": held() - 1, "failed": 0}
    there = omeka.resources[there["o:id"]]
    assert [value["@value"] for value in there["dcterms:title"]] == ["A new title"]
    assert [value["@value"] for value in there["dcterms:subject"]] == ["Theirs"]
    assert there["o:is_public"] is False


def test_what_changed_on_both_sides_stays_as_it_is_in_omeka_and_is_listed(library, omeka):
    publish(library)
    item, there = first_published(omeka)
    omeka.edit(there["o:id"], dcterms__title=[literal("Theirs")])
    change_title(item, "Ours")

    job = publish(library)

    assert counts(job, "conflicts", "failed") == {"conflicts": 1, "failed": 0}
    assert omeka.resources[there["o:id"]]["dcterms:title"][0]["@value"] == "Theirs"
    assert job.clean is False
    assert [problem["reason"] for problem in report.problems(job)] == [
        "Changed both in Omeka S and at the source: Title. The values in Omeka S stay."
    ]


def test_a_class_that_both_sides_changed_is_named_in_words(library, omeka):
    destinations.get(library).classes = {"text": f"{BIBO}Thesis"}
    for one in db.session.scalars(db.select(CatalogueItem)):
        one.mapped_values = one.mapped_values | {"dcterms:type": [{"value": "Text", "language": None}]}
    db.session.commit()
    publish(library)
    _, there = first_published(omeka)
    assert there["@type"] == ["o:Item", "bibo:Thesis"]
    omeka.edit(there["o:id"], o__resource_class={"o:id": 40})
    destinations.get(library).classes = {"text": f"{BIBO}Article"}
    db.session.commit()

    job = publish(library)

    assert counts(job, "conflicts", "updated") == {"conflicts": 1, "updated": held() - 1}
    assert [problem["reason"] for problem in report.problems(job)] == [
        "Changed both in Omeka S and at the source: class. The values in Omeka S stay."
    ]


@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_answer_creates_no_item_twice(library, omeka, lost):
    first = omeka.faults.instead

    def lose_answers(request):
        if request.method == "POST" and request.path == "/api/items":
            omeka.faults.instead = first
            omeka.faults.lost = lost
        return None

    omeka.faults.instead = lose_answers

    job = publish(library)

    assert counts(job, "added", "failed") == {"added": held(), "failed": 0}
    assert len(omeka.all_of("items")) == held()


def test_an_item_whose_creation_was_not_recorded_before_a_crash_is_found_again(library, omeka):
    publish(library)
    before = sorted(omeka.resources)
    rows = db.session.scalars(db.select(PublishedItem)).all()
    for row in rows:
        row.omeka_id = row.wanted = row.accepted = None
        row.sending_since = utcnow() - timedelta(minutes=5)
    db.session.commit()

    job = publish(library)

    assert sorted(omeka.resources) == before
    assert counts(job, "added", "conflicts") == {"added": held(), "conflicts": 0}


def title_of(omeka, there: dict) -> list[str]:
    return [value["@value"] for value in omeka.resources[there["o:id"]]["dcterms:title"]]


@pytest.fixture
def unanswered(library, omeka) -> tuple[CatalogueItem, dict]:
    """Return an item that is there although its creation has no answer yet, and the item there."""
    publish(library)
    item, there = first_published(omeka)
    row = db.session.scalars(db.select(PublishedItem).where(PublishedItem.item_id == item.id)).one()
    row.omeka_id = row.wanted = row.accepted = None
    row.sending_since = utcnow() - timedelta(minutes=5)
    db.session.commit()
    return item, there


def test_a_change_at_the_source_before_a_crashed_job_goes_on_is_sent(library, omeka, unanswered):
    item, there = unanswered
    change_title(item, "New")

    job = publish(library)

    assert (counts(job, "added", "conflicts"), title_of(omeka, there)) == ({"added": 1, "conflicts": 0}, ["New"])


def test_an_edit_before_a_crashed_job_goes_on_stays_and_is_listed(library, omeka, unanswered):
    item, there = unanswered
    item_id = item.id
    omeka.edit(there["o:id"], dcterms__title=[literal("Theirs")])
    change_title(item, "New")

    first = counts(publish(library), "added", "conflicts")
    change_title(db.session.get_one(CatalogueItem, item_id), "Newer")
    publish(library)

    assert (first, title_of(omeka, there)) == ({"added": 1, "conflicts": 1}, ["Theirs"])


def test_an_item_that_was_deleted_in_omeka_stays_deleted(library, omeka):
    publish(library)
    _, there = first_published(omeka)
    del omeka.resources[there["o:id"]]

    job = publish(library)

    assert counts(job, "deleted_there", "added") == {"deleted_there": 1, "added": 0}
    assert job.message.startswith(
        "1 item was deleted in Omeka S, or is not visible for this key. It is not published again."
    )
    assert len(omeka.all_of("items")) == held() - 1


def test_an_item_set_that_was_deleted_in_omeka_is_created_again_for_new_items(library, omeka):
    publish(library)
    (item_set,) = omeka.all_of("item_sets")
    del omeka.resources[item_set["o:id"]]

    publish(library)

    assert [one["o:title"] for one in omeka.all_of("item_sets")] == ["Odd metadata"]


def test_a_refused_item_is_listed_and_the_others_are_published(library, omeka):
    refused = []

    def refuse(request):
        if request.method == "POST" and request.path == "/api/items" and not refused:
            refused.append(request.path)
            return Response(json.dumps({"errors": {"o:resource_template_property": ["Une valeur manque"]}}), 422)
        return None

    omeka.faults.instead = refuse

    job = publish(library)

    assert (job.state, job.clean, counts(job, "added", "failed")) == (
        State.COMPLETED,
        False,
        {"added": held() - 1, "failed": 1},
    )
    (problem,) = report.problems(job)
    assert problem["reason"] == "It lacks a value that the resource template requires."
    assert problem["technical_details"] == [f"{omeka.url}/api/items", "Status 422", "Une valeur manque"]
    assert counts(publish(library), "added", "failed") == {"added": 1, "failed": 0}


def test_items_without_a_required_value_are_listed_before_anything_is_sent_for_them(app, omeka):
    required = [{"o:property": {"o:id": 44}, "o:is_required": True}]
    omeka.templates.append({"o:id": 2, "o:label": "Strict", "o:resource_template_property": required})

    job = publish(added(omeka, template_id=2))

    reasons = {problem["reason"] for problem in report.problems(job)}
    assert counts(job, "added", "failed") == {"added": 0, "failed": held()}
    assert reasons == {"The resource template requires values that it lacks: Date Copyrighted."}
    assert ("POST", "/api/items") not in omeka.requests


def test_a_template_that_was_deleted_ends_the_job_before_anything_is_sent(app, omeka):
    number = added(omeka, template_id=1)
    omeka.templates.clear()

    job = publish(number)

    assert (job.state, omeka.resources) == (State.FAILED, {})
    assert job.message.startswith("The chosen resource template is no longer there.")


def test_an_html_page_with_status_500_fails_one_item_only(library, omeka):
    failures = []

    def fail(request):
        if request.method == "POST" and request.path == "/api/items" and not failures:
            failures.append(1)
            return Response("<html>Omeka S encountered an error</html>", 500)
        return None

    omeka.faults.instead = fail

    job = publish(library)

    [problem] = report.problems(job)
    assert counts(job, "added", "failed") == {"added": held() - 1, "failed": 1}
    assert problem["reason"].startswith("Omeka S failed with an error of its own. Its log names the cause.")


def test_a_key_that_may_no_longer_write_ends_the_job_before_anything_is_sent(library, omeka):
    omeka.users[omeka.admin.identity].role = "researcher"

    job = publish(library)

    assert (job.state, job.message) == (State.FAILED, "The key of this destination may not write. Check its key.")
    assert omeka.resources == {}


def test_a_site_that_does_not_answer_ends_the_job_which_goes_on_later(app, library, omeka):
    app.config["MAX_OUTAGE_SECONDS"] = 2
    omeka.faults.instead = lambda request: Response(status=503)
    job = publish(library)
    job_id = job.id
    assert (job.state, job.can_resume) == (State.FAILED, True)
    omeka.faults.instead = lambda request: None
    app.config["MAX_OUTAGE_SECONDS"] = 60

    lifecycle.resume(job_id)
    carry_out(job_id)

    assert counts(job_of(job_id), "seen", "added") == {"seen": held(), "added": held()}


def test_a_site_that_redirects_to_a_maintenance_page_is_away_and_fails_no_item(app, library, omeka):
    app.config["MAX_OUTAGE_SECONDS"] = 6  # so that one request may take 2 s
    created = []

    def close_after_two_items(request):
        created.append(request.path) if request.method == "POST" and request.path == "/api/items" else None
        return Response(status=302, headers={"Location": "/maintenance"}) if len(created) > 2 else None

    omeka.faults.instead = close_after_two_items
    job = publish(library)
    job_id, ended_as = job.id, (job.state, job.can_resume, job.counts["failed"])
    begin_long_ago()
    omeka.faults.instead = lambda request: None

    lifecycle.resume(job_id)
    carry_out(job_id)

    assert ended_as == (State.FAILED, True, 0)
    assert counts(job_of(job_id), "seen", "added", "failed") == {"seen": held(), "added": held(), "failed": 0}


def test_a_stopped_job_goes_on_where_it_ended(library, omeka):
    created = []

    def stop(request):
        if request.method == "POST" and request.path == "/api/items":
            created.append(1)
            if len(created) == 3:
                stop_here(job_id)
        return None

    omeka.faults.instead = stop
    job_id = publish_jobs.create(source("Odd metadata"), library)
    assert carry_out(job_id)
    job = job_of(job_id)
    state, seen = job.state, job.counts["seen"]
    begin_long_ago()
    omeka.faults.instead = lambda request: None

    lifecycle.resume(job_id)
    carry_out(job_id)

    assert (state, seen < held()) == (State.STOPPED, True)
    assert counts(job_of(job_id)) == {"seen": held(), "added": held(), "updated": 0, "unchanged": 0, "failed": 0}
    assert len(omeka.all_of("items")) == held()


def test_the_key_is_nowhere_to_be_read_after_publishing(app, library, omeka, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    omeka.faults.lost = 1

    job = publish(library)

    page = app.test_client().get(f"/jobs/{job.id}/").get_data(as_text=True)
    request_log = app.test_client().get(f"/jobs/{job.id}/request-log.txt").get_data(as_text=True)
    secret = omeka.admin.credential
    files = [path for path in Path(app.config["INSTANCE"]).rglob("*") if path.is_file()]
    assert "POST /api/items" in caplog.text.replace('"', "")
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
    assert secret not in caplog.text + page + request_log


# Files


@pytest.fixture
def archive(app, omeka) -> int:
    """A destination with files."""
    return added(omeka, files=FileMode.UPLOAD)


def open_files(name: str) -> list[CatalogueFile]:
    items = db.select(Holding.item_id).where(Holding.source_id == source(name))
    query = db.select(CatalogueFile).where(CatalogueFile.item_id.in_(items), CatalogueFile.sha256.is_not(None))
    return list(db.session.scalars(query.where(~CatalogueFile.is_restricted)))


def test_stored_files_are_uploaded_once_with_their_checksums(archive, omeka):
    job = publish(archive, "Harbour photographs")

    stored = {file.sha256 for file in open_files("Harbour photographs")}
    assert {hashlib.sha256(data).hexdigest() for data in omeka.files.values()} == stored
    assert job.counts["files_sent"] == len(omeka.all_of("media")) > 0
    omeka.requests.clear()
    again = publish(archive, "Harbour photographs")
    assert (again.counts["files_sent"], again.counts["unchanged"]) == (0, held("Harbour photographs"))
    assert omeka.writes() == [("POST", "/api/media")]  # the check of the key


def test_uploaded_files_have_their_title_order_and_alternative_text(archive, omeka):
    item_id = open_files("Harbour photographs")[0].item_id
    files = [file for file in open_files("Harbour photographs") if file.item_id == item_id]
    files[0].description, files[0].media_type = "Boats at the quay", "image/jpeg"
    db.session.commit()
    titles = [file.description or file.name for file in sorted(files, key=lambda file: file.position)]

    publish(archive, "Harbour photographs")

    published = db.session.scalars(db.select(PublishedItem).where(PublishedItem.item_id == item_id)).one()
    media = [one for one in omeka.all_of("media") if one["o:item"]["o:id"] == published.omeka_id]
    in_order = sorted(media, key=lambda one: one["@owner_position"])
    assert [one["dcterms:title"][0]["@value"] for one in in_order] == titles
    assert {one["o:title"]: one["o:alt_text"] for one in media}["Boats at the quay"] == "Boats at the quay"


def test_an_upload_whose_answer_is_lost_is_not_sent_twice(archive, omeka):
    def lose(request):
        if request.method == "POST" and request.path == "/api/media" and request.mimetype == "multipart/form-data":
            omeka.faults.instead = lambda request: None
            omeka.faults.lost = 1
        return None

    omeka.faults.instead = lose

    job = publish(archive, "Harbour photographs")

    hashes = [media["o:sha256"] for media in omeka.all_of("media")]
    per_item = Counter((media["o:item"]["o:id"], media["o:sha256"]) for media in omeka.all_of("media"))
    assert (job.counts["failed"], max(per_item.values()), bool(hashes)) == (0, 1, True)


def test_a_refused_file_is_named_and_the_item_is_published(archive, omeka):
    omeka.limits = (10, 1 << 30)

    job = publish(archive, "Harbour photographs")

    reasons = [problem["reason"] for problem in report.problems(job)]
    assert (job.counts["added"], job.counts["failed"]) == (held("Harbour photographs"), 0)
    assert reasons and all("It is larger than the Omeka S site accepts." in reason for reason in reasons)
    assert job.clean is False


def test_restricted_files_and_files_of_items_that_are_not_open_are_never_uploaded(archive, omeka):
    for item in db.session.scalars(db.select(CatalogueItem)):
        item.is_restricted = True
    db.session.commit()

    publish(archive, "Harbour photographs")

    assert omeka.files == {}
    assert {item["o:is_public"] for item in omeka.all_of("items")} == {False}


def test_uploaded_files_are_forgotten_with_their_destination(archive, omeka):
    publish(archive, "Harbour photographs")

    destinations.remove(archive)

    assert db.session.scalars(db.select(db.func.count(PublishedFile.id))).one() == 0


# Commands and pages


def test_the_command_publishes_a_source_and_prints_its_result(app, library, omeka):
    result = app.test_cli_runner().invoke(args=["publish", "--source", "Odd metadata", "--to", "Library", "--json"])

    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["added"], printed["state"]) == (0, held(), "completed")
    assert printed["kind"] == "publish"
    assert "added" in result.stderr


def test_the_page_of_the_job_and_past_imports_name_it(app, library, omeka):
    job = publish(library)
    client = app.test_client()

    page, past = client.get(f"/jobs/{job.id}/"), client.get("/jobs/")

    assert "Publishing of Odd metadata" in words(page)
    assert "Destination Library" in words(page)
    assert "Request log" not in words(page)
    assert f"Added: {held()} Updated: 0 Unchanged: 0 Failed: 0" in words(past)
    assert "Removed: " not in words(past)


def test_the_page_of_an_item_says_where_it_is_published_and_links_to_it(app, library, omeka):
    publish(library)
    item, there = first_published(omeka)

    page = app.test_client().get(f"/items/{item.id}/")

    assert "Published in Omeka S Library , last changed" in words(page)
    assert f"{omeka.url}/admin/item/{there['o:id']}" in links(page)


def test_items_removed_from_the_catalogue_do_not_end_the_job(library, omeka):
    publish(library)
    undone = creation.create_undo(
        db.session.scalars(db.select(Job.id).where(Job.kind == "import", Job.source_id == source("Odd metadata"))).one()
    )
    assert carry_out(undone)

    job = publish(library)

    assert (job.state, counts(job)["seen"]) == (State.COMPLETED, 0)
    assert None in db.session.scalars(db.select(PublishedItem.item_id)).all()
