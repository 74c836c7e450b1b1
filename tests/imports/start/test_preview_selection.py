"""Ticks in a preview: they last from page to page, and only ticked items are imported."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from connector.catalogue import takedown
from connector.extensions import db, transaction
from connector.imports.results.retention import forget_previews_before
from connector.imports.start.preview_rows import PreviewAction
from connector.models.catalogue import CatalogueItem
from connector.models.jobs import Job, Kind
from connector.models.previews import PreviewRow
from tests.pages import buttons, links, neighbours, ways, words
from tests.thoroughness import share

from ..catalogue import titles
from ..steps import row_ids


@pytest.fixture
def long_preview(importer, dspace):
    """A preview of three pages: 40 new ones, and of 20 that are held each with another title."""
    for number in range(20):
        dspace.add(f"old{number:02}", title=f"Old {number:02}")
    importer.run()
    for number in range(20):
        dspace.edit(f"old{number:02}", title=f"Changed {number:02}")
    for number in range(40):
        dspace.add(f"new{number:02}", title=f"New {number:02}")
    return importer.preview()


@pytest.fixture
def parameter_counts(app) -> list[int]:
    """How many values went with each statement."""
    counted: list[int] = []

    def count(connection, cursor, statement, parameters, context, executemany):
        counted.append(0 if executemany else len(parameters))

    with app.app_context():
        event.listen(db.engine, "after_cursor_execute", count)
    return counted


def ticked(app, job) -> list[str]:
    """The ids at the source of what is ticked."""
    with app.app_context():
        mine = (PreviewRow.job_id == job.id, PreviewRow.ticked)
        return list(db.session.scalars(db.select(PreviewRow.source_id).where(*mine).order_by(PreviewRow.id)))


def boxes(page) -> tuple[list[int], list[int]]:
    """The rows that a page offers to tick, and those that are ticked there."""
    found = re.findall(
        r'<input type="checkbox" name="row" value="(\d+)"[^>]*?( checked)?>', page.get_data(as_text=True)
    )
    return [int(row) for row, _ in found], [int(row) for row, checked in found if checked]


def press(client, page, *, tick=(), to=None, do=None):
    """Tick just these of what a page shows, press a button of its form, and give the page that this leads to."""
    data = {"shown": boxes(page)[0], "row": list(tick)} | ({"do": do} if do else {})
    return client.post(to or page.request.full_path, data=data, follow_redirects=True)


def choose(client, job, rows):
    """Tick these rows and import them; gives the answer."""
    return client.post(f"/jobs/{job.id}/preview/", data={"do": "ticked", "shown": rows, "row": rows})


def test_ticks_last_from_page_to_page_and_back(importer, long_preview, client):
    first = client.get(f"/jobs/{long_preview.id}/preview/")
    one, other = boxes(first)[0][:2]

    second = press(client, first, tick=[one, other], to=neighbours(first)["Next"])
    third_row = boxes(second)[0][3]
    third = press(client, second, tick=[third_row], to=neighbours(second)["Next"])
    back = press(client, third, to=neighbours(third)["Previous"])

    assert second.request.full_path == neighbours(first)["Next"]
    assert "2 of 60 ticked" in words(second)
    assert "3 of 60 ticked" in words(third)
    assert boxes(back)[1] == [third_row]
    assert boxes(client.get(f"/jobs/{long_preview.id}/preview/"))[1] == [one, other]


def test_unticking_on_a_page_keeps_the_ticks_of_other_pages(long_preview, client):
    first = client.get(f"/jobs/{long_preview.id}/preview/")
    one, other = boxes(first)[0][:2]
    second = press(client, first, tick=[one, other], to=neighbours(first)["Next"])
    press(client, second, tick=boxes(second)[0][:1], to=f"/jobs/{long_preview.id}/preview/")

    page = press(client, client.get(f"/jobs/{long_preview.id}/preview/"), tick=[other])

    assert boxes(page)[1] == [other]
    assert "2 of 60 ticked" in words(page)


def test_links_to_other_kinds_of_changes_keep_the_ticks(long_preview, client):
    page = client.get(f"/jobs/{long_preview.id}/preview/")
    kinds = [to for to in ways(page) if "show=" in to]

    shown = press(client, page, tick=boxes(page)[0][:3], to=kinds[1])

    assert kinds == [f"/jobs/{long_preview.id}/preview/?show=new", f"/jobs/{long_preview.id}/preview/?show=changed"]
    assert shown.request.full_path == kinds[1]
    assert "3 of 60 ticked" in words(shown)


@pytest.mark.parametrize(
    ("do", "number", "is_among"),
    [
        ("tick", 25, lambda id: True),
        ("new", 41, lambda id: id.startswith("new") or id == "old00"),
        ("changed", 20, lambda id: id.startswith("old")),
        ("none", 0, lambda id: False),
    ],
)
def test_many_items_can_be_ticked_at_once(importer, long_preview, client, do, number, is_among):
    """On the page one is ticked by hand, old00, which stays so beside the new ones."""
    page = client.get(neighbours(client.get(f"/jobs/{long_preview.id}/preview/"))["Next"])
    by_hand = row_ids(importer.app, long_preview, "changed")[0]
    assert by_hand in boxes(page)[0]

    after = press(client, page, tick=[by_hand], do=do)

    assert f"{number} of 60 ticked" in words(after)
    assert len(ticked(importer.app, long_preview)) == number
    assert all(map(is_among, ticked(importer.app, long_preview)))
    assert after.request.full_path == page.request.full_path


def test_ticking_all_is_offered_only_for_existing_kinds_of_changes(importer, dspace, client):
    dspace.add("i0")

    page = client.get(f"/jobs/{importer.preview().id}/preview/")

    assert buttons(page, "do") == ["tick", "new", "none", "all", "ticked"]


def test_items_ticked_on_all_pages_are_imported(importer, long_preview, client):
    first = client.get(f"/jobs/{long_preview.id}/preview/?show=new")
    second = press(client, first, tick=boxes(first)[0][:2], to=neighbours(first)["Next"])

    job_page = press(client, second, tick=boxes(second)[0][:1], do="ticked")
    importer.work(3)

    job = importer.job(3)
    assert job_page.request.path == "/jobs/3/"
    assert (job.counts["seen"], job.counts["added"], job.expected, job.clean) == (3, 3, 3, True)
    assert {id for id in titles(importer.app) if id.startswith("new")} == {"new00", "new01", "new25"}


def test_missing_and_unchanged_items_cannot_be_ticked(importer, preview_job, client):
    rows = row_ids(importer.app, preview_job, "vanished") + row_ids(importer.app, preview_job, "unchanged")

    client.post(f"/jobs/{preview_job.id}/preview/", data={"shown": rows, "row": rows})

    assert ticked(importer.app, preview_job) == []


def test_no_row_of_another_preview_is_ticked(importer, preview_job, client):
    other = importer.preview(files=True)
    rows = row_ids(importer.app, other, "new")

    client.post(f"/jobs/{preview_job.id}/preview/", data={"shown": rows, "row": rows})

    assert ticked(importer.app, other) == []


def test_a_form_with_more_rows_than_a_page_is_read_as_one_page(long_preview, client, parameter_counts):
    rows = list(range(10_000, 50_000))

    answer = client.post(f"/jobs/{long_preview.id}/preview/", data={"shown": rows[:20_000], "row": rows[20_000:]})

    assert answer.status_code == 303
    assert 50 < max(parameter_counts) < 100


def test_nothing_can_be_ticked_while_the_preview_is_active(importer, preview_job, client):
    assert boxes(client.get(f"/jobs/{preview_job.id}/preview/"))[0] != []
    with importer.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == preview_job.id).values(state="running"))

    page = client.get(f"/jobs/{preview_job.id}/preview/")

    assert "Another title" in words(page)
    assert boxes(page)[0] == []
    assert buttons(page, "do") == []
    assert f"/jobs/{preview_job.id}/preview/?show=new" in links(page)


def test_only_ticked_items_are_imported_and_nothing_is_marked_as_missing(importer, preview_job, client):
    answer = choose(
        client,
        preview_job,
        row_ids(importer.app, preview_job, "changed") + row_ids(importer.app, preview_job, "vanished"),
    )
    importer.work(3)

    assert answer.location == "/jobs/3/"
    job = importer.job(3)
    assert (job.kind, job.state, job.clean, job.comment) == ("import", "completed", True, "")
    assert (job.counts["seen"], job.counts["updated"], job.counts["vanished"], job.counts["files_stored"]) == (
        1,
        1,
        0,
        6,
    )
    assert titles(importer.app)["i1"] == "Another title"
    assert "new" not in titles(importer.app)
    with importer.app.app_context():
        states = set(db.session.scalars(db.select(CatalogueItem.source_state)))
        assert states == {"present"}
    assert job.source.options == {"files": True, "item_set": "Every week"}


def test_an_import_after_one_of_ticked_items_adds_the_rest(importer, preview_job, client):
    choose(client, preview_job, row_ids(importer.app, preview_job, "changed"))
    importer.work(3)

    client.post(f"/jobs/{preview_job.id}/preview/", data={"do": "all"})
    importer.work(4)

    job = importer.job(4)
    assert (job.counts["added"], job.counts["updated"], job.counts["unchanged"], job.counts["vanished"]) == (1, 0, 4, 1)


def test_a_rerun_of_an_import_of_ticked_items_imports_all(importer, preview_job, client):
    choose(client, preview_job, row_ids(importer.app, preview_job, "changed"))
    importer.work(3)

    assert client.post("/jobs/3/rerun").location == "/jobs/4/"
    assert "only" not in importer.job(4).options


@pytest.mark.parametrize("rows", [[], ["vanished"], ["x"]])
def test_without_ticked_items_no_import_starts(importer, preview_job, client, rows):
    rows = [row_ids(importer.app, preview_job, "vanished")[0] if each == "vanished" else each for each in rows]

    page = client.get(choose(client, preview_job, rows).location)

    assert "Tick some new or changed items first" in words(page)
    assert client.get("/jobs/3/").status_code == 404


def test_an_import_of_ticked_items_is_not_merged_with_another_import(importer, preview_job, client):
    importer.create(files=True)

    page = client.get(choose(client, preview_job, row_ids(importer.app, preview_job, "new")).location)

    assert "Job 3 is importing this source" in words(page)
    assert ticked(importer.app, preview_job) == ["new"]


def test_a_full_import_is_not_merged_with_an_active_import_of_ticked_items(importer, preview_job, client):
    choose(client, preview_job, row_ids(importer.app, preview_job, "new"))

    page = client.post(f"/jobs/{preview_job.id}/preview/", data={"do": "all"}, follow_redirects=True)

    assert "Job 3 is importing this source" in words(page)
    assert client.get("/jobs/4/").status_code == 404


def test_a_full_import_from_a_preview_returns_the_active_full_import(importer, preview_job, client):
    importer.create(files=True)

    assert client.post(f"/jobs/{preview_job.id}/preview/", data={"do": "all"}).location == "/jobs/3/"


def test_another_preview_does_not_block_an_import_of_ticked_items(importer, preview_job, client):
    importer.create(kind=Kind.PREVIEW)

    assert choose(client, preview_job, row_ids(importer.app, preview_job, "new")).location == "/jobs/4/"


def test_an_import_of_ticked_items_is_independent_of_the_list_and_later_ticks(importer, dspace, preview_job, client):
    choose(client, preview_job, row_ids(importer.app, preview_job, "new"))
    choose(client, preview_job, row_ids(importer.app, preview_job, "changed"))
    with importer.app.app_context():
        assert forget_previews_before(preview_job.ended_at + timedelta(days=1)) == 1

    importer.work(3)

    assert (importer.job(3).counts["added"], importer.job(3).counts["updated"]) == (1, 0)


def test_a_resumed_import_of_ticked_items_reads_the_rest_and_deletes_its_list(importer, dspace, client):
    for number in range(120):
        dspace.add(f"i{number:03}")
    preview, read = importer.preview(), dspace.complete

    def stop_after_a_page(items):
        yield from read(items)
        importer.stop(2)

    client.post(f"/jobs/{preview.id}/preview/", data={"do": "new"})
    client.post(f"/jobs/{preview.id}/preview/", data={"do": "ticked"})
    dspace.complete = stop_after_a_page
    importer.work(2)
    stopped = importer.job(2)
    left = len(row_ids(importer.app, stopped, PreviewAction.CHOSEN))
    dspace.complete = read
    dspace.details.clear()
    job = importer.resume(2)

    assert (stopped.state, stopped.counts["seen"], left) == ("stopped", 80, 120)
    assert (job.state, job.clean, job.counts["seen"], job.counts["added"], job.expected) == (
        "completed",
        True,
        120,
        120,
        120,
    )
    assert len(dspace.details) == 40
    assert row_ids(importer.app, job, PreviewAction.CHOSEN) == []


def test_a_ticked_item_that_is_taken_down_is_not_read(importer, dspace, preview_job, client):
    choose(client, preview_job, row_ids(importer.app, preview_job, "new"))
    with importer.app.app_context():
        takedown.take_down(
            importer.repository_id, takedown.find_items(importer.repository_id, ["1/new"]), "a reason", True
        )

    importer.work(3)

    assert "new" not in titles(importer.app)
    assert (importer.job(3).state, importer.job(3).counts["seen"]) == ("completed", 0)


THOUSANDS = share(10_000, 4)


def test_thousands_are_ticked_and_imported_without_a_long_statement(importer, dspace, client, parameter_counts):
    dspace.page_size = 100
    for number in range(THOUSANDS):
        dspace.add(f"i{number:05}")
    job = importer.preview()

    client.post(f"/jobs/{job.id}/preview/", data={"do": "new"})
    client.post(f"/jobs/{job.id}/preview/", data={"do": "ticked"})
    importer.work(2)

    made = importer.job(2)
    assert (made.counts["added"], made.expected, made.clean) == (THOUSANDS, THOUSANDS, True)
    assert made.options == {"only": job.id}
    assert 0 < max(parameter_counts) < 1_000
