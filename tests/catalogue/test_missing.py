"""Items missing at the source are listed. Only a person hides or removes them."""

from __future__ import annotations

import json

import pytest

from connector.catalogue import missing
from connector.catalogue.export import as_jsonl
from connector.catalogue.missing import MissingSelection
from connector.catalogue.search import Selection
from connector.dspace.records import SourceState
from connector.extensions import db, transaction, utcnow
from connector.imports.undo_effects import undo_effects
from connector.models.catalogue import CatalogueItem, Holding, Membership, StoredFile
from connector.models.changes import Change
from connector.models.repositories import Repository
from tests.imports.catalogue import stored_bytes, stored_rows
from tests.pages import words


@pytest.fixture
def missing_at_source(importer, dspace):
    """An importer whose source lost two of its three items, one of them with a file."""
    dspace.add("a", title="Alpha", files={"a.txt": b"aaa"})
    dspace.add("b", title="Beta")
    dspace.add("c", title="Gamma")
    importer.first = importer.run(files=True, item_set="A set").id
    dspace.edit("a", state=SourceState.WITHDRAWN)
    del dspace.items["b"]
    importer.run(files=True)
    return importer


def ids(app, *titles):
    with app.app_context():
        return list(db.session.scalars(db.select(CatalogueItem.id).where(CatalogueItem.title.in_(titles))))


def titles_in(app, **selection):
    with app.app_context():
        return {json.loads(line)["title"] for line in as_jsonl(Selection(**selection))}


def count(app, model):
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(model))


def test_the_list_shows_each_missing_item_with_its_state_in_words(missing_at_source, client):
    page = words(client.get("/missing/"))

    assert "Alpha Withdrawn at the source" in page
    assert "Beta No longer at the source" in page
    assert "Gamma" not in page


def test_an_import_alone_neither_hides_nor_removes(missing_at_source):
    assert titles_in(missing_at_source.app) == {"Alpha", "Beta", "Gamma"}


def test_the_list_is_kept_by_repository(missing_at_source, client):
    assert "Alpha" in words(client.get(f"/missing/?repository={missing_at_source.repository_id}"))
    assert "No items are missing at source." in words(client.get("/missing/?repository=99"))


def test_a_hidden_item_is_in_no_list_search_set_or_export_and_stays_within_reach(missing_at_source, client):
    client.post("/missing/", data={"do": "hide", "item": ids(missing_at_source.app, "Alpha")})

    assert titles_in(missing_at_source.app) == titles_in(missing_at_source.app, item_set_id=1) == {"Beta", "Gamma"}
    assert titles_in(missing_at_source.app, with_hidden=True) == {"Alpha", "Beta", "Gamma"}
    for address in ("/items/", "/items/?q=alpha", "/item-sets/1/"):
        assert "Alpha" not in words(client.get(address))
    assert "2" in words(client.get("/item-sets/")).split("A set")[1].split()[:2]
    assert "Hidden" in words(client.get("/missing/"))
    assert "Hidden from the lists here" in words(client.get(f"/items/{ids(missing_at_source.app, 'Alpha')[0]}/"))


def test_exports_leave_out_hidden_items_without_the_option(missing_at_source):
    with missing_at_source.app.app_context():
        missing.set_hidden(MissingSelection(), True)
        run = missing_at_source.app.test_cli_runner().invoke
        shown, every = run(args=["export"]), run(args=["export", "--hidden"])

    assert [json.loads(line)["title"] for line in shown.stdout.splitlines()] == ["Gamma"]
    assert len(every.stdout.splitlines()) == 3


def test_all_of_the_list_is_hidden_at_once_and_shown_again(missing_at_source, client):
    hidden = client.post("/missing/", data={"do": "hide", "every": "on"}, follow_redirects=True)
    assert "Hidden: 2 items." in words(hidden)
    assert titles_in(missing_at_source.app) == {"Gamma"}

    shown = client.post(
        "/missing/", data={"do": "show", "item": ids(missing_at_source.app, "Beta")}, follow_redirects=True
    )
    assert "Shown again: 1 item." in words(shown)
    assert titles_in(missing_at_source.app) == {"Beta", "Gamma"}


def test_an_item_hidden_here_that_comes_back_at_the_source_can_still_be_shown_again(missing_at_source, dspace, client):
    client.post("/missing/", data={"do": "hide", "every": "on"})
    dspace.edit("a", state=SourceState.PRESENT)
    missing_at_source.run()

    assert "Alpha At the source" in words(client.get("/missing/"))
    client.post("/missing/", data={"do": "show", "item": ids(missing_at_source.app, "Alpha")})
    assert titles_in(missing_at_source.app) == {"Alpha", "Gamma"}


def test_removal_asks_for_confirmation_with_the_number_of_items(missing_at_source, client):
    asked = client.post("/missing/", data={"do": "remove", "every": "on"})

    assert "Items removed 2 Files removed 1 Places in item sets 2 Beta Alpha" in words(asked)
    assert len(titles_in(missing_at_source.app)) == 3


def test_removing_takes_files_holdings_and_memberships_along(missing_at_source, client):
    done = client.post("/missing/", data={"do": "remove", "every": "on", "confirmed": "yes"}, follow_redirects=True)

    assert "Removed: 2 items." in words(done)
    assert titles_in(missing_at_source.app, with_hidden=True) == {"Gamma"}
    assert (
        count(missing_at_source.app, Holding),
        count(missing_at_source.app, Membership),
        count(missing_at_source.app, StoredFile),
    ) == (1, 1, 0)
    assert stored_bytes(missing_at_source.app) == stored_rows(missing_at_source.app) == set()


def test_the_jobs_keep_their_rows_of_a_removed_item_with_nothing_to_restore(missing_at_source):
    before = count(missing_at_source.app, Change)
    with missing_at_source.app.app_context():
        missing.remove(MissingSelection())
        orphans = db.session.scalars(db.select(Change).where(Change.item_id.is_(None))).all()

        assert {change.source_key for change in orphans} == {"1/a", "1/b"}
        assert all(change.before is None for change in orphans)
    assert count(missing_at_source.app, Change) == before


def test_items_that_are_present_at_the_source_are_never_removed(missing_at_source):
    with missing_at_source.app.app_context():
        db.session.execute(db.update(CatalogueItem).values(is_hidden=True, state_since=utcnow()))
        db.session.commit()

        assert missing.preview(MissingSelection())["items"] == missing.remove(MissingSelection()) == 2
    assert titles_in(missing_at_source.app, with_hidden=True) == {"Gamma"}


def test_a_removed_item_that_comes_back_at_the_source_is_imported_again(missing_at_source, dspace):
    with missing_at_source.app.app_context():
        missing.remove(MissingSelection())
    dspace.edit("a", state=SourceState.PRESENT)

    job = missing_at_source.run()

    assert (job.counts["added"], job.clean) == (1, True)
    assert titles_in(missing_at_source.app) == {"Alpha", "Gamma"}


def test_an_import_whose_items_were_removed_can_be_undone(missing_at_source):
    with missing_at_source.app.app_context():
        missing.remove(MissingSelection(tuple(ids(missing_at_source.app, "Alpha"))))
        told = undo_effects(missing_at_source.first)
    undo = missing_at_source.undo(missing_at_source.first)

    assert (told["gone"], told["removed"], undo.counts["removed"]) == (1, 2, 2)
    assert undo.message == "1 item was no longer here: removed or taken down before."
    assert titles_in(missing_at_source.app, with_hidden=True) == set()


def test_all_of_a_page_is_hidden_at_once(missing_at_source, client):
    shown = ids(missing_at_source.app, "Alpha")

    client.post("/missing/", data={"do": "hide", "whole_page": "on", "shown": shown})

    assert titles_in(missing_at_source.app) == {"Beta", "Gamma"}


@pytest.mark.parametrize("data", [{"do": "hide"}, {"do": "remove"}])
def test_an_action_without_ticked_items_asks_to_tick_some(missing_at_source, client, data):
    page = client.post("/missing/", data=data)

    assert page.status_code == 422
    assert "No item is ticked. Tick items, or “All items of this list”." in words(page)
    assert "Alpha" in words(page)


def test_an_unknown_action_is_refused(missing_at_source, client):
    assert client.post("/missing/", data={"do": "burn", "every": "on"}).status_code == 422


def test_repositories_with_the_same_name_are_shown_with_their_hosts(stocked_app, stocked_client):
    with stocked_app.app_context(), transaction():
        known = db.session.scalar(db.select(Repository))
        twin = {"address_key": "twin", "site_url": "https://twin.example.org", "api_url": "x", "endpoint": "x"}
        db.session.add(Repository(**twin, generation=9, version="9.3", name=known.name))
        name = known.name

    page = stocked_client.get("/missing/").get_data(as_text=True)

    assert f">{name} (twin.example.org)</option>" in page
    assert f">{name}</option>" not in page


def test_the_list_of_a_repository_reads_no_item_that_is_not_missing(stocked_app):
    with stocked_app.app_context():
        keys = missing.missing_items(MissingSelection(repository_id=1)).with_only_columns(
            *missing.LAST_NOTICED_FIRST.columns
        )
        query = keys.compile(db.engine, compile_kwargs={"literal_binds": True})
        [step] = [step.detail for step in db.session.execute(db.text(f"EXPLAIN QUERY PLAN {query}"))]

    assert step == "SCAN item USING INDEX ix_item_gone"
