"""Sample items are varied, and shown as their pages would be. The catalogue does not keep them."""

from __future__ import annotations

import pytest

from connector.catalogue import takedown
from connector.dspace.records import Bitstream, Item, MetadataValue, ScopeKind
from connector.errors import NotFoundError
from connector.extensions import db, transaction
from connector.imports import sample_items
from connector.imports.sample_items import traits, various
from connector.imports.start import preview_selection, queueing
from connector.jobs import lifecycle, report
from connector.models.jobs import Job, Kind, PreviewRow, SampleItem
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
def shown(desk, dspace):
    """Sample items: three of twenty."""
    dspace.add("rich", title="Rich", files={"a.txt": b"a", "b.txt": b"b"})
    for number in range(20):
        dspace.add(f"i{number:02}", title=f"Title {number:02}")
    return desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=3)


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


def test_a_sample_reads_three_items_for_each_shown_item_and_writes_nothing_else(desk, dspace):
    for number in range(100):
        dspace.add(f"i{number}")
    before = dump(desk.app)
    source = before.pop("source")

    job = desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=4)

    assert (job.state, job.clean, job.counts["samples"], job.counts["failed"]) == ("completed", True, 4, 0)
    assert "Chosen from the first 100 items." in job.message
    assert len(dspace.details) == 12
    assert job.counts["requests"] == dspace.requests_made == 34 + 12
    after = dump(desk.app)
    assert source == []
    assert after.pop("source") != []
    assert after == before


def test_a_sample_considers_only_the_first_300_items(desk, dspace):
    dspace.page_size = 100
    for number in range(450):
        dspace.add(f"i{number}")

    desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=1)

    assert dspace.requests_made <= 3 + 1 + 3


def test_unreadable_items_are_reported_and_the_sample_is_not_clean(desk, dspace):
    for number in range(3):
        dspace.add(f"i{number}")
    dspace.broken_in_full.add("i1")

    job = desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert (job.clean, job.counts["samples"], job.counts["failed"]) == (False, 2, 1)
    assert "1 sample item could not be read." in job.message


def test_a_failed_sample_counts_its_requests(desk, dspace):
    def fail():
        raise NotFoundError("There is no collection c1.")

    dspace.add("i0")
    dspace.after_page = fail

    job = desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert job.state == "failed"
    assert job.counts["requests"] == dspace.requests_made > 0


def test_a_sample_of_an_empty_scope_says_that_it_is_empty(desk):
    job = desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert (job.state, job.clean, job.message) == ("completed", True, "There is no item to show.")


def test_a_stopped_sample_starts_again_and_shows_each_item_once(desk, dspace):
    for number in range(9):
        dspace.add(f"i{number}")
    job_id = desk.create(look=Kind.PREVIEW, samples_only=True, rehearse=3)
    dspace.before_page = lambda number: desk.stop(job_id)
    desk.work(job_id)
    assert desk.job(job_id).state == "stopped"
    dspace.before_page = lambda number: None

    job = desk.resume(job_id)

    assert job.counts["samples"] == len(sample_ids(desk.app, job)) == 3


def test_sample_items_are_listed_and_shown_as_finished_pages(desk, shown, client):
    listed = client.get(f"/jobs/{shown.id}/samples/")
    first, *_ = sample_ids(desk.app, shown)
    address = f"/jobs/{shown.id}/samples/{first}/"
    assert address in links(listed)
    page = client.get(address)

    assert "Rich" in words(listed)
    assert "2 values, 2 files" in words(listed)
    assert "Sample item 1 of 3: this is how its page would look. It is not in the catalogue." in words(page)
    assert "Original DSpace fields (2)" in words(page)
    assert "https://repo.example.org/items/" in page.get_data(as_text=True)
    for absent in ("Take this item down", "Imported by"):
        assert absent not in words(page)


def test_sample_pages_link_to_the_next_item(desk, shown, client):
    first, second, third = sample_ids(desk.app, shown)

    page = client.get(f"/jobs/{shown.id}/samples/{second}/")

    assert {f"/jobs/{shown.id}/samples/{first}/", f"/jobs/{shown.id}/samples/{third}/"} < set(links(page))


def test_done_removes_the_sample_items_and_their_pages_say_so(desk, shown, client):
    first, *_ = sample_ids(desk.app, shown)

    client.post(f"/jobs/{shown.id}/done")

    assert sample_ids(desk.app, shown) == []
    assert client.get(f"/jobs/{shown.id}/samples/{first}/").status_code == 404
    assert "Results of a preview are kept for one day." in words(client.get(f"/jobs/{shown.id}/samples/"))


def test_the_sample_button_starts_a_sample_of_the_chosen_number(desk, dspace, client):
    dspace.add("i0")
    desk.run()

    answer = client.post("/sources/1/preview", data={"samples_only": "yes", "number": "7"})

    assert answer.location == "/jobs/2/"
    assert (desk.job(2).kind, desk.job(2).options) == ("preview", {"rehearse": 7, "samples_only": True})


@pytest.mark.parametrize("number", ["0", "51", "-1", "x", "", "9" * 5000])
def test_other_numbers_are_refused_with_a_sentence(desk, dspace, client, number):
    dspace.add("i0")
    desk.run()

    answer = client.post("/sources/1/preview", data={"samples_only": "yes", "number": number})

    assert answer.status_code == 422
    assert "Choose 1 to 50 sample items." in words(answer)


def test_sample_items_have_their_own_labels_and_can_be_repeated(desk, shown, client):
    page = client.get(f"/jobs/{shown.id}/")
    row = client.get(f"/jobs/{shown.id}/row")
    again = client.post(f"/jobs/{shown.id}/preview-again")

    assert "Sample items of Collection c1" in words(page)
    assert "Shown 3 Failed 0" in words(page)
    assert "Sample items: Collection c1" in words(row)
    assert "Shown: 3" in words(row)
    repeated = desk.job(int(again.location.split("/")[2]))
    assert repeated.options == {"rehearse": 3, "samples_only": True}


@pytest.mark.parametrize("generation", [10, 6, 4])
def test_every_item_of_the_sample_makes_a_page(app, generation):
    app.config["WTF_CSRF_ENABLED"] = False
    with SampleRepository(generation) as sample, app.app_context():
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named("Odd metadata").handle).scope
        source_id = service.source_for(repository_id, scope)
        job_id = queueing.create(source_id, {"rehearse": sample_items.MOST, "samples_only": True}, kind=Kind.PREVIEW)
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
    assert chosen == (True, 5_000_000, True, False), "the first import from its page is as it was looked at"


@pytest.mark.parametrize(("scope", "status"), [("", 422), ("nonsense:1", 422), ("collection:1/none", 404)])
def test_a_missing_scope_is_not_sampled(app, client, sample, scope, status):
    with app.app_context():
        discovery.connect(sample.url, "rest", None)

    answer = client.post("/repositories/1/samples", data={"scope": scope, "item_set": ""})

    assert answer.status_code == status


@pytest.mark.parametrize("table", [PreviewRow, SampleItem])
def test_takedown_removes_an_item_from_previews_although_it_is_not_stored(desk, dspace, table):
    for number in range(3):
        dspace.add(f"i{number}")
    job = desk.run(look=Kind.PREVIEW, rehearse=3)

    with desk.app.app_context():
        named = takedown.find_items(desk.repository_id, ["1/i1"])
        takedown.take_down(desk.repository_id, named, "a reason", also_unknown=True)
        shown = set(db.session.scalars(db.select(table.source_key).where(table.job_id == job.id)))

    assert shown == {"1/i0", "1/i2"}


def test_excluded_items_are_not_sampled(desk, dspace):
    for number in range(3):
        dspace.add(f"i{number}")
    with desk.app.app_context():
        named = takedown.find_items(desk.repository_id, ["1/i1"])
        takedown.take_down(desk.repository_id, named, "a reason", also_unknown=True)

    job = desk.run(look=Kind.PREVIEW, samples_only=True, rehearse=3)

    assert job.counts["samples"] == 2
    assert "i1" not in dspace.details


def test_a_sample_starts_again_if_its_process_died_after_writing_rows(desk, shown):
    with desk.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == shown.id).values(state="queued"))

    desk.work(shown.id)

    again = desk.job(shown.id)
    assert (again.state, again.counts["samples"], len(sample_ids(desk.app, again))) == ("completed", 3, 3)


def test_a_preview_has_changes_and_sample_items(desk, dspace, client):
    for number in range(5):
        dspace.add(f"i{number}", title=f"Title {number}")

    job = desk.run(look=Kind.PREVIEW, rehearse=2)
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


def test_the_sample_items_are_there_before_the_changes_and_are_read_once(desk, dspace):
    for number in range(9):
        dspace.add(f"i{number}")
    job_id = desk.create(look=Kind.PREVIEW, rehearse=2)
    pages = []

    def stop_at_second_page(number):
        pages.append(number)
        if len(pages) == 5:  # of three pages that are listed for the sample, and then those of the changes
            desk.stop(job_id)

    dspace.before_page = stop_at_second_page
    desk.work(job_id)
    stopped = desk.job(job_id)
    shown = sample_ids(desk.app, stopped)
    dspace.before_page = lambda number: None

    job = desk.resume(job_id)

    assert (stopped.state, stopped.counts["samples"]) == ("stopped", 2)
    assert sample_ids(desk.app, job) == shown
    assert (job.state, job.counts["seen"], job.counts["added"]) == ("completed", 9, 9)


def test_a_sample_item_that_cannot_be_read_is_one_problem_of_the_preview(desk, dspace):
    for number in range(3):
        dspace.add(f"i{number}")
    dspace.broken_in_full.add("i1")

    job = desk.run(look=Kind.PREVIEW, rehearse=3)

    with desk.app.app_context():
        found = list(report.problems(lifecycle.get(job.id)))
    assert (job.clean, job.counts["samples"], job.counts["failed"]) == (False, 2, 1)
    assert [problem["handle"] for problem in found] == ["1/i1"]
    assert "1 sample item could not be read." in job.message


def test_an_import_of_a_preview_does_not_inherit_its_sample_items(desk, dspace):
    dspace.add("i0")
    job = desk.run(look=Kind.PREVIEW, rehearse=3, files=True)

    with desk.app.app_context():
        made = preview_selection.import_all(job.id)

    assert desk.job(made).options == {"files": True}


def test_a_preview_without_sample_items_says_so(desk, dspace, client):
    dspace.add("i0")
    desk.run()

    answer = client.post("/sources/1/preview", data={"number": "0"})

    assert desk.job(2).options == {}
    assert answer.location == "/jobs/2/"
    desk.work(2)
    assert "This preview has no sample items." in words(client.get("/jobs/2/samples/"))


def test_a_preview_of_only_sample_items_lists_no_changes(desk, shown, client):
    page = client.get(f"/jobs/{shown.id}/preview/")

    assert "This preview read only sample items." in words(page)
    assert "All changes" not in words(page)
    assert "Import all" not in words(page)
