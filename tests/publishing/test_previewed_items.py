"""A preview of publishing names the items that it would create, adopt and change."""

from __future__ import annotations

import json

import pytest

from connector.extensions import db
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import Job
from connector.models.publishing import PublishedItem
from connector.publishing import previewed_items, publish_jobs
from connector.publishing.job_kind import PUBLISH_PREVIEW
from connector.publishing.previewed_items import MOST
from connector.tasks import carry_out
from tests.pages import links, words

from .steps import change_title, first_published, held, job_of, publish, source

NAME = "Odd metadata"


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


def preview(destination: int) -> Job:
    job_id = publish_jobs.create(source(NAME), destination, kind=PUBLISH_PREVIEW)
    assert carry_out(job_id)
    return job_of(job_id)


def named(job: Job, *, with_restricted: bool = True) -> dict[str, list[int]]:
    groups = previewed_items.groups(job, with_restricted=with_restricted)
    return {group.action: [item.id for item in group.items] for group in groups}


def first_held() -> int:
    return db.session.scalars(db.select(Holding.item_id).where(Holding.source_id == source(NAME)).limit(1)).one()


def test_items_to_create_are_named(library):
    job = preview(library)

    [group] = previewed_items.groups(job, with_restricted=True)
    assert (group.action, group.count, len(group.items)) == ("added", held(), held())


def test_only_items_to_change_are_named_once_all_are_published(library, omeka):
    publish(library)
    item = first_published(omeka)[0]
    item_id = item.id
    change_title(item, "New")

    assert named(preview(library)) == {"updated": [item_id]}


def test_items_to_adopt_are_named(library, omeka):
    publish(library)
    ids = sorted(db.session.scalars(db.select(PublishedItem.item_id)))
    db.session.execute(db.delete(PublishedItem))
    db.session.commit()

    assert named(preview(library)) == {"adopted": ids}


def test_at_most_the_first_items_of_each_action_are_named(library):
    job = preview(library)
    row = dict(db.session.execute(db.select(CatalogueItem.__table__).limit(1)).one()._mapping)
    del row["id"]
    copies = [row | {"source_key": f"copy {number}", "handle": None} for number in range(MOST)]
    db.session.execute(db.insert(CatalogueItem.__table__), copies)
    new = db.session.scalars(db.select(CatalogueItem.id).where(CatalogueItem.source_key.like("copy %"))).all()

    previewed_items.add(job.id, ((number, "added") for number in new))
    db.session.commit()

    assert len(named(job)["added"]) == MOST


def test_readers_who_may_not_see_restricted_titles_get_no_such_item(library):
    item_id, *others = sorted(db.session.scalars(db.select(Holding.item_id).where(Holding.source_id == source(NAME))))
    db.session.get_one(CatalogueItem, item_id).is_restricted = True
    db.session.commit()

    job = preview(library)

    assert (named(job)["added"], named(job, with_restricted=False)["added"]) == ([item_id, *others], others)


@pytest.mark.parametrize("is_selection", [False, True])
def test_the_page_of_a_preview_publishes_what_it_looked_at(library, stocked_client, is_selection):
    item_id = first_held()
    if is_selection:
        [job_id] = publish_jobs.create_for(
            db.select(CatalogueItem.id).where(CatalogueItem.id == item_id), library, kind=PUBLISH_PREVIEW
        )
    else:
        job_id = publish_jobs.create(source(NAME), library, kind=PUBLISH_PREVIEW)
    assert carry_out(job_id)
    address = f"/publish/previewed/{job_id}"
    assert address in stocked_client.get(f"/jobs/{job_id}/").text

    location = stocked_client.post(address).location
    publishing = int(location.split("/")[-2])

    assert carry_out(publishing)
    assert job_of(publishing).counts["added"] == (1 if is_selection else held())


def test_only_previews_are_published_from_their_page(library, stocked_client):
    job = publish(library)

    assert stocked_client.post(f"/publish/previewed/{job.id}").status_code == 404
    assert "/publish/previewed/" not in stocked_client.get(f"/jobs/{job.id}/").text


def test_the_page_and_the_command_list_the_items(app, library, stocked_client):
    job = preview(library)

    ids = named(job)["added"]
    page = stocked_client.get(f"/jobs/{job.id}/")
    result = app.test_cli_runner().invoke(args=["publish", "--source", NAME, "--to", "Library", "--dry-run", "--json"])

    assert f"To create: {held()}" in words(page)
    assert all(f"/items/{number}/" in links(page) for number in ids)
    assert len(json.loads(result.stdout)["items"]["added"]) == held()
