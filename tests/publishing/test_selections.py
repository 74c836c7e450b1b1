"""Publishing selected items, and previews that write nothing at the destination."""

from __future__ import annotations

import pytest

from connector.extensions import db
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import Job, State
from connector.models.publishing import PublishedItem, PublishedSet
from connector.publishing import destinations, publish_jobs
from connector.publishing.job_kind import PUBLISH_PREVIEW
from connector.tasks import carry_out
from tests.pages import words

from .conftest import added
from .steps import change_title, counts, held, identifiers, job_of, literal, publish, source


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


def items_of(name: str) -> list[int]:
    mine = db.select(Holding.item_id).where(Holding.source_id == source(name)).order_by(Holding.item_id)
    return list(db.session.scalars(mine))


def publish_items(destination: int, *item_ids: int, **values) -> list[Job]:
    chosen = db.select(CatalogueItem.id).where(CatalogueItem.id.in_(item_ids))
    jobs = publish_jobs.create_for(chosen, destination, **values)
    assert all(map(carry_out, jobs))
    return [job_of(job_id) for job_id in jobs]


def preview(destination: int, name: str = "Odd metadata") -> Job:
    job_id = publish_jobs.create(source(name), destination, kind=PUBLISH_PREVIEW)
    assert carry_out(job_id)
    return job_of(job_id)


def expected(job: Job) -> dict[str, int]:
    names = {*PUBLISH_PREVIEW.counters} - {"requests"}
    return {name: number for name in names if (number := job.counts[name])}


def test_only_the_selected_items_are_published_in_the_item_set_of_their_source(library, omeka):
    first, second, *_ = items_of("Odd metadata")

    [job] = publish_items(library, first, second)

    assert (job.state, counts(job, "seen", "added")) == (State.COMPLETED, {"seen": 2, "added": 2})
    assert (len(identifiers(omeka)), job.expected) == (2, 2)
    [item_set] = omeka.all_of("item_sets")
    assert all(item["o:item_set"][0]["o:id"] == item_set["o:id"] for item in omeka.all_of("items"))


def test_the_source_is_published_later_without_a_second_copy_of_selected_items(library, omeka):
    publish_items(library, items_of("Odd metadata")[0])

    job = publish(library)

    assert counts(job, "added", "unchanged") == {"added": held() - 1, "unchanged": 1}
    assert len(set(identifiers(omeka))) == len(identifiers(omeka)) == held()
    assert len(omeka.all_of("item_sets")) == 1


def test_an_item_of_a_source_that_it_has_left_is_published(library, omeka):
    item_id = items_of("Odd metadata")[0]
    db.session.execute(db.update(Holding).where(Holding.item_id == item_id).values(left_at=db.func.now()))
    db.session.commit()

    [job] = publish_items(library, item_id)

    assert counts(job, "added") == {"added": 1}


def test_a_queued_job_takes_over_more_items_and_a_running_job_does_not(library):
    first, second, third, *_ = items_of("Odd metadata")
    chosen = [db.select(CatalogueItem.id).where(CatalogueItem.id == one) for one in (first, second, third)]
    queued, again = (publish_jobs.create_for(one, library) for one in chosen[:2])
    db.session.execute(db.update(Job).where(Job.id.in_(queued)).values(state=State.RUNNING.value, attempt=1))
    db.session.commit()

    other = publish_jobs.create_for(chosen[2], library)

    assert queued == again != other


def test_a_preview_counts_what_would_be_created_and_writes_nothing(library, omeka):
    job = preview(library)

    assert (job.state, expected(job)) == (State.COMPLETED, {"seen": held(), "added": held()})
    assert omeka.resources == {}
    assert set(omeka.writes()) == {("POST", "/api/media"), ("POST", "/api/sites")}  # the checks of the key
    for table in (PublishedItem, PublishedSet):
        assert db.session.scalars(db.select(table)).all() == []


def test_a_preview_counts_changes_conflicts_and_deleted_items(library, omeka):
    publish(library)
    rows = db.session.scalars(db.select(PublishedItem).order_by(PublishedItem.id)).all()
    changed, both, deleted = rows[:3]
    omeka.edit(both.omeka_id, dcterms__title=[literal("Theirs")])
    del omeka.resources[deleted.omeka_id]
    for row in (changed, both):
        change_title(db.session.get_one(CatalogueItem, row.item_id), "Ours")
    omeka.requests.clear()

    job = preview(library)

    others = held() - 2
    assert expected(job) == {
        "seen": held(),
        "updated": 1,
        "deleted_there": 1,
        "conflicts": 1,
        "unchanged": others,
    }
    assert [one for one in omeka.writes() if one != ("POST", "/api/media")] == []
    assert counts(publish(library), "updated", "conflicts", "deleted_there") == {
        "updated": 1,
        "conflicts": 1,
        "deleted_there": 1,
    }


def test_a_preview_counts_items_that_would_be_adopted(library, omeka):
    publish(library)
    destinations.remove(library)

    job = preview(added(omeka))

    assert expected(job) == {"seen": held(), "adopted": held()}


def test_a_preview_names_items_that_cannot_be_published(app, omeka):
    required = [{"o:property": {"o:id": 44}, "o:is_required": True}]
    omeka.templates.append({"o:id": 2, "o:label": "Strict", "o:resource_template_property": required})

    job = preview(added(omeka, template_id=2))

    assert (job.clean, expected(job)) == (False, {"seen": held(), "failed": held()})


def test_the_page_of_a_preview_shows_its_numbers(app, library):
    job = preview(library)

    page = app.test_client().get(f"/jobs/{job.id}/")

    assert "Preview of the publishing of Odd metadata" in words(page)
    assert f"To create {held()}" in words(page)


def test_the_command_publishes_an_item_and_previews_an_item_set(app, library, omeka):
    item_id = items_of("Odd metadata")[0]
    run = app.test_cli_runner().invoke

    shown = run(args=["publish", "--item-set", "1", "--to", "Library", "--dry-run", "--json"])
    before = dict(omeka.resources)
    done = run(args=["publish", "--item", str(item_id), "--to", "Library", "--json"])
    both = run(args=["publish", "--item", "1", "--source", "1", "--to", "Library"])

    assert (shown.exit_code, before) == (0, {})
    assert '"kind": "publish_preview"' in shown.stdout
    assert (done.exit_code, len(identifiers(omeka))) == (0, 1)
    assert both.exit_code == 2
