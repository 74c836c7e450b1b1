"""The pages of previews and sample items, from the button that starts them to the import."""

from __future__ import annotations

import re

from connector.models.jobs import Kind
from tests.pages import links, neighbours, ways, words

from .steps import row_ids


def shown_titles(page) -> list[str]:
    return re.findall(r'<span class="name" dir="auto">([^<]*)</span>', page.get_data(as_text=True))


def test_the_preview_button_of_a_job_starts_a_preview_of_its_source(app, importer, dspace, client):
    dspace.add("i0")
    job = importer.run(files=True, test=1)

    page = client.get(f"/jobs/{job.id}/")
    answer = client.post(f"/jobs/{job.id}/preview-again")

    assert "Preview import" in words(page)
    assert answer.location == "/jobs/2/"
    made = importer.job(2)
    assert (made.kind, made.options) == ("preview", {"files": True, "rehearse": 10})


def test_the_preview_button_of_a_source_uses_its_options(importer, dspace, client):
    dspace.add("i0")
    importer.run(item_set="Kept")

    page = client.get("/sources/1/")
    answer = client.post("/sources/1/preview")

    assert 'action="/sources/1/preview"' in page.get_data(as_text=True)
    assert answer.location == "/jobs/2/"
    assert importer.job(2).options == {"item_set": "Kept", "rehearse": 10}


def test_the_page_of_a_preview_speaks_in_the_conditional(preview_job, client):
    page = client.get(f"/jobs/{preview_job.id}/")

    assert "Preview of Collection c1" in words(page)
    assert "Would be new 1 Would change 1 Unchanged 3 Failed 0 Missing at source 1" in words(page)
    assert "The catalogue was not changed" in words(page)
    assert f"/jobs/{preview_job.id}/preview/" in links(page)
    for absent in ("Re-run", "Undo", "Retry"):
        assert absent not in words(page)


def test_past_imports_names_previews_and_offers_no_undo_or_rerun(preview_job, client):
    page = client.get(f"/jobs/{preview_job.id}/row")

    assert "Preview: Collection c1" in words(page)
    assert "Would be new: 1 Would change: 1 Unchanged: 3 Failed: 0 Missing at source: 1" in words(page)
    assert b"checkbox" not in page.data


def test_the_list_shows_all_changes_or_those_of_one_kind(preview_job, client):
    everything = client.get(f"/jobs/{preview_job.id}/preview/")
    by_kind = {
        kind: shown_titles(client.get(f"/jobs/{preview_job.id}/preview/?show={kind}"))
        for kind in ("new", "changed", "vanished", "unchanged")
    }

    assert shown_titles(everything) == ["&lt;b&gt;New&lt;/b&gt;", "Another title", "Title 2"]
    assert by_kind == {
        "new": ["&lt;b&gt;New&lt;/b&gt;"],
        "changed": ["Another title"],
        "vanished": ["Title 2"],
        "unchanged": ["Title 0", "Title 3", "Title 4"],
    }


def test_a_change_is_shown_before_and_after(preview_job, client):
    page = client.get(f"/jobs/{preview_job.id}/preview/?show=changed")

    assert "dc.title en Title 1 en Another title" in words(page)
    assert "File b.txt not there there" in words(page)


def test_missing_items_cannot_be_ticked_and_the_page_says_why(preview_job, client):
    page = client.get(f"/jobs/{preview_job.id}/preview/?show=vanished")

    assert b"checkbox" not in page.data
    assert "Missing items cannot be ticked. Only “Import all” marks them as missing." in words(page)
    assert "No longer at the source." in words(page)


def test_done_removes_the_list_and_keeps_the_job(importer, preview_job, client):
    answer = client.post(f"/jobs/{preview_job.id}/done")

    assert answer.location == f"/jobs/{preview_job.id}/"
    assert row_ids(importer.app, preview_job, "new") == []
    assert "Results of a preview are kept for one day" in words(client.get(f"/jobs/{preview_job.id}/"))
    assert "Results of a preview are kept for one day" in words(client.get(f"/jobs/{preview_job.id}/preview/"))


def test_a_preview_without_its_rows_cannot_be_resumed(importer, dspace, client):
    for number in range(9):
        dspace.add(f"i{number}")
    job_id = importer.create(kind=Kind.PREVIEW)
    dspace.before_page = lambda number: importer.stop(job_id) if number == 1 else None
    importer.work(job_id)
    client.post(f"/jobs/{job_id}/done")

    answer = client.post(f"/jobs/{job_id}/resume")

    assert answer.status_code == 409
    assert "Start a new preview" in words(answer)
    assert b"/resume" not in client.get(f"/jobs/{job_id}/").data


def test_an_active_preview_cannot_be_removed_and_says_that_it_is_running(importer, client):
    job_id = importer.create(kind=Kind.PREVIEW)

    assert client.post(f"/jobs/{job_id}/done").status_code == 409
    assert "The preview is still running" in words(client.get(f"/jobs/{job_id}/preview/"))


def test_a_preview_is_neither_undone_nor_run_again(preview_job, client):
    assert client.get(f"/jobs/{preview_job.id}/undo").status_code == 409
    assert client.post(f"/jobs/{preview_job.id}/rerun").status_code == 409


def test_an_import_has_no_preview_list(importer, dspace, client):
    dspace.add("i0")
    job = importer.run()

    assert client.get(f"/jobs/{job.id}/preview/").status_code == 404
    assert client.post(f"/jobs/{job.id}/done").status_code == 409


def test_pages_of_a_long_preview_keep_the_chosen_kind(importer, dspace, client):
    for number in range(30):
        dspace.add(f"i{number:02}", title=f"Title {number:02}")
    job = importer.preview()

    page = client.get(f"/jobs/{job.id}/preview/?show=new")

    assert len(shown_titles(page)) == 25
    following = neighbours(page)["Next"]
    assert "show=new" in following
    assert following in ways(page)
    assert len(shown_titles(client.get(following))) == 5
