"""Files that Omeka S refuses: they are named with each publishing, and sent again only for a reason."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Response

from connector.extensions import db
from connector.models.catalogue import CatalogueFile, StoredFile
from connector.models.publishing import FileMode, PublishedItem, RefusedFile
from connector.publishing import destinations
from connector.tasks import can_retry, carry_out, retry

from . import steps
from .conftest import added
from .steps import Ended, ended, first_published, job_of, literal

HARBOUR = "Harbour photographs"
TOO_LARGE = "It is larger than the Omeka S site accepts."


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


@pytest.fixture
def archive(app, omeka) -> int:
    """A destination with files, whose site refuses all files as too large."""
    omeka.limits = (1, 1 << 30)
    number = added(omeka, files=FileMode.UPLOAD)
    omeka.requests.clear()
    return number


def publish(destination: int) -> Ended:
    return ended(steps.publish(destination, HARBOUR))


def carried_out(job_id: int) -> Ended:
    assert carry_out(job_id)
    return ended(job_of(job_id))


def uploads(omeka) -> int:
    """Return the number of uploads since the last call. The check of the key is one request for media, too."""
    number = omeka.requests.count(("POST", "/api/media"))
    omeka.requests.clear()
    return number - 1


def test_a_refused_file_is_sent_once_and_named_by_each_job(archive, omeka):
    first = publish(archive)
    sent = uploads(omeka)

    again = publish(archive)

    assert (sent > 0, uploads(omeka)) == (True, 0)
    assert first.problems and again.problems == first.problems
    assert all(TOO_LARGE in reason for reason in again.reasons)
    assert (again.clean, again.counts["files_sent"], again.counts["unchanged"]) == (False, 0, steps.held(HARBOUR))


def change_file(destination: int, job: Ended) -> int:
    """Change a file of the item of the first refused one, and publish again."""
    item_id = db.session.scalars(db.select(PublishedItem.item_id).join(RefusedFile)).first()
    file = db.session.scalars(db.select(CatalogueFile).where(CatalogueFile.item_id == item_id)).first()
    taken = db.select(CatalogueFile.sha256).where(CatalogueFile.item_id == item_id, CatalogueFile.sha256.is_not(None))
    file.sha256 = db.session.scalars(db.select(StoredFile.sha256).where(StoredFile.sha256.not_in(taken))).first()
    db.session.commit()
    return publish(destination).counts["files_sent"]


def save_destination(destination: int, job: Ended) -> int:
    known = destinations.get(destination)
    settings = destinations.settings_of(known)
    destinations.change(destination, known.api_url, known.key_identity, None, settings)
    return publish(destination).counts["files_sent"]


def retry_failed(destination: int, job: Ended) -> int:
    return carried_out(retry(job.id)).counts["files_sent"]


@pytest.mark.parametrize(("act", "is_one"), [(change_file, True), (save_destination, False), (retry_failed, False)])
def test_a_refused_file_is_sent_again_for_a_reason(archive, omeka, act, is_one):
    job = publish(archive)
    refused = uploads(omeka)
    omeka.limits = (16 << 20, 20 << 20)

    sent = act(archive, job)

    assert sent == (1 if is_one else refused)
    assert bool(publish(archive).reasons) is is_one


def test_an_error_of_the_site_is_no_refusal_so_the_file_is_sent_with_the_next_job(archive, omeka):
    omeka.limits = (16 << 20, 20 << 20)

    def fail(request):
        return Response("<html>", 500) if request.mimetype == "multipart/form-data" else None

    omeka.faults.instead = fail
    job = publish(archive)
    omeka.faults.instead = lambda request: None

    again = publish(archive)

    assert (job.counts["files_sent"], "may be larger than its PHP settings allow" in job.reasons[0]) == (0, True)
    assert (again.counts["files_sent"] > 0, again.clean) == (True, True)


def test_a_retry_publishes_only_the_items_that_failed(app, omeka):
    library = added(omeka)
    refused = []

    def refuse_first(request):
        if request.method == "POST" and request.path == "/api/items" and not refused:
            refused.append(request.path)
            return Response(json.dumps({"errors": {"o:resource_template_property": ["?"]}}), 422)
        return None

    omeka.faults.instead = refuse_first
    job = publish(library)

    retried = carried_out(retry(job.id))

    assert (job.counts["failed"], retried.counts["seen"], retried.counts["added"]) == (1, 1, 1)
    assert retried.clean and not can_retry(job_of(job.id))


def test_a_conflict_alone_offers_no_retry(app, omeka):
    library = added(omeka)
    publish(library)
    item, there = first_published(omeka)
    omeka.edit(there["o:id"], dcterms__title=[literal("Theirs")])
    steps.change_title(item, "Ours")

    job = publish(library)

    assert (job.clean, can_retry(job_of(job.id))) == (False, False)


def test_the_page_of_the_job_offers_a_retry_and_names_the_new_job(app, archive, omeka, stocked_client):
    job = publish(archive)

    page = stocked_client.get(f"/jobs/{job.id}/").get_data(as_text=True)
    answer = stocked_client.post(f"/jobs/{job.id}/retry", follow_redirects=True).get_data(as_text=True)

    assert "Retry failed" in page
    assert f"Retry of publishing Harbour photographs, job {job.id}" in answer
