"""Jobs that apply a crosswalk again to the items that are held, and their undo."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from connector.catalogue import crosswalk_rules, history
from connector.extensions import db, transaction
from connector.imports.undo_effects import undo_effects
from connector.jobs import creation, lifecycle
from connector.jobs.attempt import JobAttempt
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job, State
from connector.remapping import remap_jobs, remapper
from connector.repositories import service
from connector.tasks import carry_out
from tests.imports.sample_importer import SampleImporter

TITLE_AS_ABSTRACT = {"dc.title": "dcterms:abstract"}


@pytest.fixture
def context(stocked_app):
    with stocked_app.app_context():
        yield


def use(terms: dict[str, str], ignored: tuple[str, ...] = ()) -> None:
    with transaction():
        crosswalk_rules.replace(service.get(1), terms, ignored)


def remap() -> int:
    job_id = remap_jobs.create(1)
    assert carry_out(job_id)
    db.session.expire_all()
    return job_id


def undo(job_id: int) -> int:
    undo_id = creation.create_undo(job_id)
    assert carry_out(undo_id)
    db.session.expire_all()
    return undo_id


def mapped() -> dict[int, dict]:
    db.session.expire_all()
    query = select(CatalogueItem.id, CatalogueItem.mapped_values, CatalogueItem.search_text, CatalogueItem.crosswalk_id)
    return {row.id: tuple(row[1:]) for row in db.session.execute(query)}


def titled() -> set[int]:
    """Return the items with a title in the source's data."""
    rows = db.session.execute(select(CatalogueItem.id, CatalogueItem.source_metadata))
    return {row.id for row in rows if any(entry["field"] == "dc.title" for entry in row.source_metadata)}


@pytest.mark.usefixtures("context")
def test_saved_rules_change_no_item_before_they_are_applied():
    before = mapped()

    use(TITLE_AS_ABSTRACT)

    assert mapped() == before
    assert crosswalk_rules.waiting_count(service.get(1)) == len(before)


@pytest.mark.usefixtures("context")
def test_a_job_applies_the_rules_to_all_items():
    use(TITLE_AS_ABSTRACT)

    job = lifecycle.get(remap())

    assert (job.state, job.clean) == (State.COMPLETED, True)
    assert (job.counts["updated"], job.done) == (len(titled()), job.expected)
    assert {item_id for item_id, (values, _, _) in mapped().items() if "dcterms:title" in values} == set()
    assert {item_id for item_id, (values, _, _) in mapped().items() if "dcterms:abstract" in values} >= titled()
    assert crosswalk_rules.waiting_count(service.get(1)) == 0


@pytest.mark.usefixtures("context")
def test_items_that_the_rules_do_not_touch_count_as_unchanged():
    use({"local.nowhere": "dcterms:title"})

    job = lifecycle.get(remap())

    assert (job.counts["updated"], job.counts["unchanged"]) == (0, job.expected)
    assert crosswalk_rules.waiting_count(service.get(1)) == 0


@pytest.mark.usefixtures("context")
def test_undo_gives_the_items_their_values_back_exactly():
    before = mapped()
    use(TITLE_AS_ABSTRACT)
    job_id = remap()
    predicted = undo_effects(job_id)

    counts = lifecycle.get(undo(job_id)).counts

    assert mapped() == before
    assert (counts["restored"], counts["kept"]) == (predicted["restored"], predicted["kept"]) == (len(titled()), 0)


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("newest_first", [True, False])
def test_undos_in_any_order_give_the_same_values(newest_first):
    before = mapped()
    use(TITLE_AS_ABSTRACT)
    first = remap()
    use({"dc.title": "dcterms:alternative"})
    second = remap()

    for job_id in (second, first) if newest_first else (first, second):
        predicted = undo_effects(job_id)
        counts = lifecycle.get(undo(job_id)).counts
        assert (counts["restored"], counts["kept"]) == (predicted["restored"], predicted["kept"])

    assert mapped() == before


@pytest.mark.usefixtures("context")
def test_undo_keeps_data_that_an_import_wrote_since():
    use(TITLE_AS_ABSTRACT)
    job_id = remap()
    with transaction():
        item = db.session.get_one(CatalogueItem, 1)
        item.source_metadata = [{"field": "dc.title", "value": "New", "language": None}]

    undo(job_id)

    assert db.session.get_one(CatalogueItem, 1).mapped_values == {"dcterms:title": [{"value": "New", "language": None}]}


@pytest.mark.usefixtures("context")
def test_a_stopped_job_goes_on_where_it_stopped(monkeypatch):
    use(TITLE_AS_ABSTRACT)
    monkeypatch.setattr(remapper, "ITEMS_PER_STEP", 10)
    write = remapper._write

    def stop_after_a_step(attempt: JobAttempt, *arguments):
        write(attempt, *arguments)
        attempt.stop.set()

    job_id = remap_jobs.create(1)
    with monkeypatch.context() as patch:
        patch.setattr(remapper, "_write", stop_after_a_step)
        carry_out(job_id)
    db.session.expire_all()
    stopped = lifecycle.get(job_id)
    assert (stopped.state, stopped.counts["updated"]) == (State.STOPPED, 10)

    lifecycle.resume(job_id)
    carry_out(job_id)

    db.session.expire_all()
    job = lifecycle.get(job_id)
    assert (job.state, job.counts["updated"]) == (State.COMPLETED, len(titled()))


@pytest.mark.usefixtures("context")
def test_items_that_are_deleted_while_they_are_mapped_are_left_out(monkeypatch):
    use(TITLE_AS_ABSTRACT)
    map_again = remapper._mapped_again

    def delete_one(*arguments):
        found = map_again(*arguments)
        with transaction():
            db.session.execute(db.delete(CatalogueItem).where(CatalogueItem.id == 1))
        return found

    monkeypatch.setattr(remapper, "_mapped_again", delete_one)
    job = lifecycle.get(remap())

    assert (job.state, job.done) == (State.COMPLETED, job.expected - 1)
    assert 1 not in mapped()


@pytest.mark.usefixtures("context")
def test_a_queued_job_with_the_same_rules_is_not_queued_twice():
    use(TITLE_AS_ABSTRACT)
    first = remap_jobs.create(1)

    assert remap_jobs.create(1) == first
    use({})
    assert remap_jobs.create(1) != first


@pytest.mark.usefixtures("context")
def test_the_history_of_an_item_shows_what_the_crosswalk_changed():
    use(TITLE_AS_ABSTRACT)
    job_id = remap()

    entry = next(history.of_item(1))

    assert entry.job.id == job_id
    assert [one["field"] for one in entry.differences["fields"]] == ["Abstract", "Title"]


@pytest.mark.usefixtures("context")
def test_rules_as_before_need_no_job():
    use(TITLE_AS_ABSTRACT)
    use({})

    assert crosswalk_rules.waiting_count(service.get(1)) == 0
    assert remap_jobs.create_if_waiting(1) is None
    assert db.session.scalar(select(func.count()).select_from(CatalogueItem)) > 10


def test_the_start_of_an_import_maps_held_items_again_only_if_it_changes_the_ignored_fields(sample, app, client):
    SampleImporter(app, sample).run(files=False)
    with app.app_context():
        use(TITLE_AS_ABSTRACT)
    data = {
        "scope": f"collection:{sample.data.named('Harbour photographs').handle}",
        "item_set": "",
        "item_set_name": "",
    }

    def kinds(ignored):
        client.post("/repositories/1/", data={**data, "ignored": ignored})
        with app.app_context():
            return [job.kind for job in db.session.scalars(select(Job).where(Job.id > 1).order_by(Job.id))]

    assert kinds("") == ["import"]
    assert kinds("dc.rights") == ["import", "remap"]


@pytest.mark.parametrize("undone_first", ["import", "remapping"])
def test_an_import_uses_the_rules_and_each_undo_gives_back_what_it_changed(sample, app, undone_first):
    importer = SampleImporter(app, sample)
    importer.run(files=False)
    home = sample.data.named("Harbour photographs")
    edited = next(item for item in sample.data.items.values() if item.collection is home)
    with app.app_context():
        before = mapped()
        use(TITLE_AS_ABSTRACT)
    sample.data.edit(edited, "dc.title", ["Another title"])

    second = importer.run(files=False).id
    with app.app_context():
        after_import = mapped()
        third = remap()

    changed = [item_id for item_id in before if before[item_id] != after_import[item_id]]
    assert len(changed) == 1
    assert "Another title" in [one["value"] for one in after_import[changed[0]][0]["dcterms:abstract"]]
    for job_id in (second, third) if undone_first == "import" else (third, second):
        assert importer.undo(job_id).state == State.COMPLETED
    with app.app_context():
        assert mapped() == before


@pytest.mark.usefixtures("context")
def test_the_command_remaps_in_a_job_that_can_be_undone(stocked_app):
    use(TITLE_AS_ABSTRACT)

    result = stocked_app.test_cli_runner().invoke(args=["remap", "1", "--json"])

    found = json.loads(result.stdout)
    assert (result.exit_code, found["kind"], found["updated"]) == (0, "remap", len(titled()))
    assert lifecycle.get(found["job"]).can_undo
