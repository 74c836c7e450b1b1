"""Sample items are varied, and shown as their pages would be. The catalogue does not keep them."""

from __future__ import annotations

import pytest

from connector.catalogue import takedown
from connector.dspace.records import Bitstream, Item, MetadataValue, ScopeKind
from connector.errors import NotFoundError
from connector.extensions import db, transaction
from connector.imports import sample_items
from connector.imports.import_options import ImportOptions
from connector.imports.sample_items import traits, various
from connector.imports.start import preview_selection, queueing
from connector.jobs import lifecycle, report
from connector.models.jobs import Job, Kind
from connector.models.previews import PreviewRow, SampleItem
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.pages import hidden_fields, links, words
from tests.sample import SampleRepository

from .catalogue import dump
from .steps import sample_ids


def item(id, *values, files=(), name="A title") -> Item:
    """An item of these (field, value) or (field, value, language), and of files of these types."""
    metadata = tuple(MetadataValue(*value) for value in values)
    bitstreams = tuple(Bitstream(f"{id}/{n}", "ORIGINAL", f"f{n}", media_type=kind) for n, kind in enumerate(files))
    return Item(id, None, name, None, metadata, bitstreams)


def ids(items) -> list[str]:
    return [item.id for item in items]


@pytest.fixture
def preview_job(importer, dspace):
    """Sample items: three of twenty."""
    dspace.add("rich", title="Rich", files={"a.txt": b"a", "b.txt": b"b"})
    for number in range(20):
        dspace.add(f"i{number:02}", title=f"Title {number:02}")
    return importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=3)


PLAIN = ("dc.title", "Same")


def test_a_sample_starts_with_the_items_with_most_values_most_files_and_longest_text():
    every = [
        item("plain", PLAIN),
        item("long", ("dc.title", "x" * 5000)),
        item("files", PLAIN, files=["text/plain"] * 9),
        item("rich", *[PLAIN] * 30),
    ]

    assert ids(various(every, 3)) == ["long", "files", "rich"]


def test_a_sample_continues_with_items_that_have_unique_fields():
    every = [item(f"p{n}", PLAIN, PLAIN, PLAIN, files=["text/plain"] * 3) for n in range(20)]
    odd = [
        item("language", ("dc.title", "Ο τίτλος", "el")),
        item("kind", ("dc.type", "Musical score")),
        item("image", files=["image/tiff"]),
        item("nameless", name=None),
    ]

    assert set(ids(odd)) < set(ids(various([*every, *odd], 6)))


def test_samples_of_equal_items_are_spread_evenly():
    every = [Item(f"i{n}", None, "Light", None) for n in range(30)]

    assert ids(various(every, 3)) == ["i0", "i10", "i20"]


@pytest.mark.parametrize("number", [1, 4, 7, 99])
def test_a_sample_has_the_requested_number_or_all_items(number):
    every = [item(f"i{n}", *[PLAIN] * n) for n in range(7)]

    chosen = ids(various(every, number))

    assert len(chosen) == len(set(chosen)) == min(number, 7)
    assert chosen == sorted(chosen)


def test_items_with_and_without_title_differ():
    assert traits(item("a", name=None)) - traits(item("b")) == {("title", None)}


def test_a_sample_reads_three_items_for_each_shown_item_and_writes_nothing_else(importer, dspace):
    for number in range(100):
        dspace.add(f"i{number}")
    before = dump(importer.app)
    source = before.pop("source")

    job = importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=4)

    assert (job.state, job.clean, job.counts["samples"], job.counts["failed"]) == ("completed", True, 4, 0)
    assert "Chosen from the first 100 items." in job.message
    assert len(dspace.details) == 12
    assert job.counts["requests"] == dspace.requests_made == 34 + 12
    after = dump(importer.app)
    assert source == []
    assert after.pop("source") != []
    assert after == before


def test_a_sample_considers_only_the_first_300_items(importer, dspace):
    dspace.page_size = 100
    for number in range(450):
        dspace.add(f"i{number}")

    importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=1)

    assert dspace.requests_made <= 3 + 1 + 3


def test_unreadable_items_are_reported_and_the_sample_is_not_clean(importer, dspace):
    for number in range(3):
        dspace.add(f"i{number}")
    dspace.broken_in_full.add("i1")

    job = importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert (job.clean, job.counts["samples"], job.counts["failed"]) == (False, 2, 1)
    assert "1 sample item could not be read." in job.message


def test_a_failed_sample_counts_its_requests(importer, dspace):
    def fail():
        raise NotFoundError("There is no collection c1.")

    dspace.add("i0")
    dspace.after_page = fail

    job = importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert job.state == "failed"
    assert job.counts["requests"] == dspace.requests_made > 0


def test_a_sample_of_an_empty_scope_says_that_it_is_empty(importer):
    job = importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert (job.state, job.clean, job.message) == ("completed", True, "There is no item to show.")


def test_a_stopped_sample_starts_again_and_shows_each_item_once(importer, dspace):
    for number in range(9):
        dspace.add(f"i{number}")
    job_id = importer.create(kind=Kind.PREVIEW, samples_only=True, rehearse=3)
    dspace.before_page = lambda number: importer.stop(job_id)
    importer.work(job_id)
    assert importer.job(job_id).state == "stopped"
    dspace.before_page = lambda number: None

    job = importer.resume(job_id)

    assert job.counts["samples"] == len(sample_ids(importer.app, job)) == 3


def test_sample_items_are_listed_and_shown_as_finished_pages(importer, preview_job, client):
    listed = client.get(f"/jobs/{preview_job.id}/samples/")
    first, *_ = sample_ids(importer.app, preview_job)
    address = f"/jobs/{preview_job.id}/samples/{first}/"
    assert address in links(listed)
    page = client.get(address)

    assert "Rich" in words(listed)
    assert "2 values, 2 files" in words(listed)
    assert "Sample item 1 of 3: this is how its page would look. It is not in the catalogue." in words(page)
    assert "Original DSpace fields (2)" in words(page)
    assert "https://repo.example.org/items/" in page.get_data(as_text=True)
    for absent in ("Take this item down", "Imported by"):
        assert absent not in words(page)


def test_sample_pages_link_to_the_next_item(importer, preview_job, client):
    first, second, third = sample_ids(importer.app, preview_job)

    page = client.get(f"/jobs/{preview_job.id}/samples/{second}/")

    assert {f"/jobs/{preview_job.id}/samples/{first}/", f"/jobs/{preview_job.id}/samples/{third}/"} < set(links(page))


def test_done_removes_the_sample_items_and_their_pages_say_so(importer, preview_job, client):
    first, *_ = sample_ids(importer.app, preview_job)

    client.post(f"/jobs/{preview_job.id}/done")

    assert sample_ids(importer.app, preview_job) == []
    assert client.get(f"/jobs/{preview_job.id}/samples/{first}/").status_code == 404
    assert "Results of a preview are kept for one day." in words(client.get(f"/jobs/{preview_job.id}/samples/"))


def test_the_sample_button_starts_a_sample_of_the_chosen_number(importer, dspace, client):
    dspace.add("i0")
    importer.run()

    answer = client.post("/sources/1/preview", data={"samples_only": "yes", "number": "7"})

    assert answer.location == "/jobs/2/"
    assert (importer.job(2).kind, importer.job(2).options) == ("preview", {"rehearse": 7, "samples_only": True})


@pytest.mark.parametrize("number", ["0", "51", "-1", "x", "", "9" * 5000])
def test_other_numbers_are_refused_with_a_sentence(importer, dspace, client, number):
    dspace.add("i0")
    importer.run()

    answer = client.post("/sources/1/preview", data={"samples_only": "yes", "number": number})

    assert answer.status_code == 422
    assert "Choose 1 to 50 sample items." in words(answer)


def test_sample_items_have_their_own_labels_and_can_be_repeated(importer, preview_job, client):
    page = client.get(f"/jobs/{preview_job.id}/")
    row = client.get(f"/jobs/{preview_job.id}/row")
    again = client.post(f"/jobs/{preview_job.id}/preview-again")

    assert "Sample items of Collection c1" in words(page)
    assert "Shown 3 Failed 0" in words(page)
    assert "Sample items: Collection c1" in words(row)
    assert "Shown: 3" in words(row)
    repeated = importer.job(int(again.location.split("/")[2]))
    assert repeated.options == {"rehearse": 3, "samples_only": True}


@pytest.mark.parametrize("generation", [10, 6, 4])
def test_every_item_of_the_sample_makes_a_page(app, generation):
    app.config["WTF_CSRF_ENABLED"] = False
    with SampleRepository(generation) as sample, app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named("Odd metadata").handle).scope
        source_id = service.source_for(repository_id, scope)
        job_id = queueing.create(
            source_id, ImportOptions(rehearse=sample_items.MOST, samples_only=True), kind=Kind.PREVIEW
        )
        assert carry_out(job_id)
        ids = [row.id for row in db.session.scalars(db.select(SampleItem))]

    answers = [app.test_client().get(f"/jobs/{job_id}/samples/{row_id}/") for row_id in ids]

    assert len(answers) > 3
    assert {answer.status_code for answer in answers} == {200}


def test_a_scope_that_was_never_imported_is_sampled_from_its_estimate(app, client, sample):
    handle = sample.data.named("Harbour photographs").handle
    with app.app_context():
        discovery.connect(sample.url, "rest", None)
    scope = {"scope": f"collection:{handle}"}
    settings = {"item_set": "collection", "file_limit": "5 MB", "files": "y", "estimate": "y"}
    page = client.post("/repositories/1/", data=settings | scope)

    answer = client.post("/repositories/1/samples", data=hidden_fields(page) | scope)

    assert 'formaction="/repositories/1/samples"' in page.get_data(as_text=True)
    assert answer.location == "/jobs/1/"
    with app.app_context():
        assert carry_out(1)
        job = lifecycle.get(1)
        assert (job.kind, job.clean, job.counts["samples"], job.source.name) == (
            "preview",
            True,
            10,
            "Harbour photographs",
        )
        kept = job.source.options
    chosen = (kept["files"], kept["file_limit"], kept["item_set_from_collection"], "rehearse" in kept)
    assert chosen == (True, 5_000_000, True, False), "the first import from its page is as it was preview_job at"


@pytest.mark.parametrize(("scope", "status"), [("", 422), ("nonsense:1", 422), ("collection:1/none", 404)])
def test_a_missing_scope_is_not_sampled(app, client, sample, scope, status):
    with app.app_context():
        discovery.connect(sample.url, "rest", None)

    answer = client.post("/repositories/1/samples", data={"scope": scope, "item_set": ""})

    assert answer.status_code == status


@pytest.mark.parametrize("table", [PreviewRow, SampleItem])
def test_takedown_removes_an_item_from_previews_although_it_is_not_stored(importer, dspace, table):
    for number in range(3):
        dspace.add(f"i{number}")
    job = importer.run(kind=Kind.PREVIEW, rehearse=3)

    with importer.app.app_context():
        named = takedown.find_items(importer.repository_id, ["1/i1"])
        takedown.take_down(importer.repository_id, named, "a reason", also_unknown=True)
        sampled = set(db.session.scalars(db.select(table.source_key).where(table.job_id == job.id)))

    assert sampled == {"1/i0", "1/i2"}


def test_excluded_items_are_not_sampled(importer, dspace):
    for number in range(3):
        dspace.add(f"i{number}")
    with importer.app.app_context():
        named = takedown.find_items(importer.repository_id, ["1/i1"])
        takedown.take_down(importer.repository_id, named, "a reason", also_unknown=True)

    job = importer.run(kind=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert job.counts["samples"] == 2
    assert "i1" not in dspace.details


def test_a_sample_starts_again_if_its_process_died_after_writing_rows(importer, preview_job):
    with importer.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == preview_job.id).values(state="queued"))

    importer.work(preview_job.id)

    again = importer.job(preview_job.id)
    assert (again.state, again.counts["samples"], len(sample_ids(importer.app, again))) == ("completed", 3, 3)


def test_a_preview_has_changes_and_sample_items(importer, dspace, client):
    for number in range(5):
        dspace.add(f"i{number}", title=f"Title {number}")

    job = importer.run(kind=Kind.PREVIEW, rehearse=2)
    page = words(client.get(f"/jobs/{job.id}/"))
    changes, samples = (client.get(f"/jobs/{job.id}/{part}/") for part in ("preview", "samples"))

    assert (job.state, job.clean, job.counts["added"], job.counts["samples"], job.counts["seen"]) == (
        "completed",
        True,
        5,
        2,
        5,
    )
    assert "Would be new 5 Would change 0 Unchanged 0 Failed 0 Sample items 2" in page
    for answer in (changes, samples):
        assert {f"/jobs/{job.id}/preview/", f"/jobs/{job.id}/samples/"} <= set(links(answer))
    assert changes.get_data(as_text=True).count('class="name"') == 5
    assert samples.get_data(as_text=True).count('class="name"') == 2


def test_the_sample_items_are_there_before_the_changes_and_are_read_once(importer, dspace):
    for number in range(9):
        dspace.add(f"i{number}")
    job_id = importer.create(kind=Kind.PREVIEW, rehearse=2)
    pages = []

    def stop_at_second_page(number):
        pages.append(number)
        if len(pages) == 5:  # of three pages that are listed for the sample, and then those of the changes
            importer.stop(job_id)

    dspace.before_page = stop_at_second_page
    importer.work(job_id)
    stopped = importer.job(job_id)
    sampled = sample_ids(importer.app, stopped)
    dspace.before_page = lambda number: None

    job = importer.resume(job_id)

    assert (stopped.state, stopped.counts["samples"]) == ("stopped", 2)
    assert sample_ids(importer.app, job) == sampled
    assert (job.state, job.counts["seen"], job.counts["added"]) == ("completed", 9, 9)


def test_a_sample_item_that_cannot_be_read_is_one_problem_of_the_preview(importer, dspace):
    for number in range(3):
        dspace.add(f"i{number}")
    dspace.broken_in_full.add("i1")

    job = importer.run(kind=Kind.PREVIEW, rehearse=3)

    with importer.app.app_context():
        found = list(report.problems(lifecycle.get(job.id)))
    assert (job.clean, job.counts["samples"], job.counts["failed"]) == (False, 2, 1)
    assert [problem["handle"] for problem in found] == ["1/i1"]
    assert "1 sample item could not be read." in job.message


def test_an_import_of_a_preview_does_not_inherit_its_sample_items(importer, dspace):
    dspace.add("i0")
    job = importer.run(kind=Kind.PREVIEW, rehearse=3, files=True)

    with importer.app.app_context():
        made = preview_selection.import_all(job.id)

    assert importer.job(made).options == {"files": True}


def test_a_preview_without_sample_items_says_so(importer, dspace, client):
    dspace.add("i0")
    importer.run()

    answer = client.post("/sources/1/preview", data={"number": "0"})

    assert importer.job(2).options == {}
    assert answer.location == "/jobs/2/"
    importer.work(2)
    assert "This preview has no sample items." in words(client.get("/jobs/2/samples/"))


def test_a_preview_of_only_sample_items_lists_no_changes(importer, preview_job, client):
    page = client.get(f"/jobs/{preview_job.id}/preview/")

    assert "This preview read only sample items." in words(page)
    assert "All changes" not in words(page)
    assert "Import all" not in words(page)
