"""Owner, sites and links to files of published items, as a person chose them for a destination."""

from __future__ import annotations

import pytest

from connector.extensions import db
from connector.jobs import creation, report
from connector.models.catalogue import CatalogueFile, FileStatus
from connector.models.jobs import State
from connector.models.publishing import FileMode, PublishedItem
from connector.publishing import destinations
from connector.tasks import carry_out

from .conftest import added
from .steps import counts, first_published, held, publish

NAME = "Odd metadata"
PHOTOGRAPHS = "Harbour photographs"


@pytest.fixture
def app(stocked_app):
    stocked_app.config["MAX_OUTAGE_SECONDS"] = 60
    with stocked_app.app_context():
        yield stocked_app


def change(number: int, **members) -> None:
    destination = destinations.get(number)
    for name, value in members.items():
        setattr(destination, name, value)
    db.session.commit()


def ids(omeka, member: str) -> list[list[int]]:
    return [[one["o:id"] for one in item[member]] for item in omeka.all_of("items")]


def test_new_items_have_the_chosen_owner_and_sites(app, omeka):
    omeka.add_site("Everything", assigns_new_items=True)
    chosen, owner = omeka.add_site("Exhibition"), omeka.add_user("editor").id

    publish(added(omeka, owner_id=owner, site_ids=[chosen]))

    assert ids(omeka, "o:site") == [[chosen]] * held()
    assert {item["o:owner"]["o:id"] for item in omeka.all_of("items")} == {owner}


def test_without_a_choice_omeka_decides_on_owner_and_sites(app, omeka):
    everything = omeka.add_site("Everything", assigns_new_items=True)

    job = publish(added(omeka))

    assert ids(omeka, "o:site") == [[everything]] * held()
    assert {item["o:owner"]["o:id"] for item in omeka.all_of("items")} == {omeka.admin.id}
    assert job.clean


def test_a_site_that_is_chosen_later_shows_the_items_that_are_there_and_an_undo_takes_them_out(app, omeka):
    library = added(omeka)
    publish(library)
    change(library, site_ids=[omeka.add_site("Exhibition")])

    job = publish(library)
    job_id, updated, after = job.id, counts(job, "updated"), ids(omeka, "o:site")
    again = counts(publish(library), "updated")
    assert carry_out(creation.create_undo(job_id))

    assert (updated, after, again) == ({"updated": held()}, [[1]] * held(), {"updated": 0})
    assert ids(omeka, "o:site") == [[]] * held()


def test_an_item_that_a_person_took_out_of_a_site_stays_out(app, omeka):
    library = added(omeka, site_ids=[omeka.add_site("Exhibition")])
    publish(library)
    _, there = first_published(omeka)
    omeka.edit(there["o:id"], o__site=[])

    job = publish(library)

    assert (counts(job, "updated"), omeka.resources[there["o:id"]]["o:site"]) == ({"updated": 0}, [])


def test_a_site_to_which_the_key_may_not_add_items_is_named_with_each_item(app, omeka):
    library = added(omeka, site_ids=[omeka.add_site("Exhibition")])
    omeka.users[omeka.admin.identity].role = "editor"

    job = publish(library)

    reasons = [problem["reason"] for problem in report.problems(job)]
    assert counts(job, "added") == {"added": held()}
    assert reasons == ["The user of the key may not add it to all chosen sites in Omeka S."] * held()


@pytest.mark.parametrize("member", ["owner", "site"])
def test_a_job_ends_at_once_if_the_chosen_owner_or_site_was_deleted_in_omeka(app, omeka, member):
    owner, site = omeka.add_user("editor"), omeka.add_site("Exhibition")
    library = added(omeka, owner_id=owner.id) if member == "owner" else added(omeka, site_ids=[site])
    del omeka.users[owner.identity]
    omeka.sites.clear()

    job = publish(library)

    sentences = {
        "owner": "The chosen owner is no longer a user in Omeka S. Choose another one.",
        "site": "A chosen site is no longer in Omeka S. Choose the sites of the destination again.",
    }
    assert (job.state, job.message, omeka.all_of("items")) == (State.FAILED, sentences[member], [])


# Links to files


def parts(omeka) -> list[dict]:
    return [value for item in omeka.all_of("items") for value in item.get("dcterms:hasPart", ())]


def file_rows() -> list[CatalogueFile]:
    ids = db.session.scalars(db.select(PublishedItem.item_id)).all()
    query = db.select(CatalogueFile).where(CatalogueFile.item_id.in_(ids)).order_by(CatalogueFile.id)
    return list(db.session.scalars(query))


def test_files_are_links_with_their_names_and_no_file_is_uploaded(app, omeka):
    job = publish(added(omeka, files=FileMode.LINKS), PHOTOGRAPHS)

    shown = {value["o:label"] for value in parts(omeka)}
    rows = [row for row in file_rows() if row.bundle == "ORIGINAL"]
    assert (len(parts(omeka)), omeka.files, job.counts["files_sent"]) == (len(rows), {}, 0)
    assert shown == {row.description or row.name for row in rows}
    assert all(value["type"] == "uri" and "/bitstream" in value["@id"] for value in parts(omeka))


def test_links_to_restricted_files_are_private_and_missing_files_have_none(app, omeka):
    library = added(omeka, files=FileMode.LINKS)
    publish(library, PHOTOGRAPHS)
    restricted, missing, *others = (row for row in file_rows() if row.bundle == "ORIGINAL")
    restricted.content_is_restricted, missing.status = True, FileStatus.MISSING.value
    db.session.commit()

    publish(library, PHOTOGRAPHS)

    assert len(parts(omeka)) == 1 + len(others)
    assert sorted(value["is_public"] for value in parts(omeka)) == [False] + [True] * len(others)


def test_a_file_beside_the_deposited_ones_is_a_link_only_if_it_is_stored(app, omeka):
    library = added(omeka, files=FileMode.LINKS)
    publish(library, PHOTOGRAPHS)
    deposited = len(parts(omeka))
    thumbnail = next(row for row in file_rows() if row.bundle == "THUMBNAIL")
    thumbnail.sha256 = next(row.sha256 for row in file_rows() if row.sha256)
    db.session.commit()

    publish(library, PHOTOGRAPHS)

    assert len(parts(omeka)) == deposited + 1


def test_links_are_removed_when_the_choice_changes_but_not_where_somebody_edited_them(app, omeka):
    library = added(omeka, files=FileMode.LINKS)
    publish(library, PHOTOGRAPHS)
    _, there = first_published(omeka)
    edited = [{**value, "o:label": "Theirs"} for value in there["dcterms:hasPart"]]
    omeka.edit(there["o:id"], dcterms__hasPart=edited)
    change(library, files=FileMode.NONE.value)

    publish(library, PHOTOGRAPHS)

    assert {value["o:label"] for value in parts(omeka)} == {"Theirs"}


def test_an_undo_takes_links_out_of_items_that_were_there_before(app, omeka):
    library = added(omeka)
    publish(library, PHOTOGRAPHS)
    change(library, files=FileMode.LINKS.value)
    job = publish(library, PHOTOGRAPHS)
    before = len(parts(omeka))

    assert carry_out(creation.create_undo(job.id))

    assert (before > 0, parts(omeka), len(omeka.all_of("items"))) == (True, [], held(PHOTOGRAPHS))
