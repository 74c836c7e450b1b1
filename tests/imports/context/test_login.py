"""Imports with a login: restricted content is marked, and a login that expires loses nothing."""

from __future__ import annotations

import pytest

from connector.dspace.login import MOST_RENEWALS
from connector.dspace.records import ScopeKind
from connector.extensions import transaction
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.repositories import discovery, service
from tests.pages import words
from tests.sample import SampleRepository, laboratory

from ..sample_importer import SampleImporter

GENERATIONS = [5, 6, 9]


@pytest.fixture(params=GENERATIONS)
def importer(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        yield SampleImporter(app, sample)


@pytest.fixture
def dspace9(app):
    with SampleRepository(9) as sample:
        yield SampleImporter(app, sample)


def without_what_passes(records: dict[str, dict]) -> dict[str, dict]:
    return {title: {k: v for k, v in record.items() if k not in ("id", "jobs")} for title, record in records.items()}


EMBARGO = ("Embargoed file beside an open one", "embargoed.txt")


PRIVATE = {"Private item"}  # administrators get it


def test_items_that_need_a_login_are_imported_and_marked(importer):
    anonymous = importer.run()
    before = importer.records()
    importer.sign_in()

    signed_in = importer.run()

    assert "Restricted item" not in before
    assert (anonymous.clean, signed_in.clean) == (True, True), (anonymous.message, signed_in.message)
    assert importer.restricted() == {"Restricted item"} | PRIVATE
    assert importer.file("Restricted item", "file.txt")["fate"] == "stored"
    assert importer.file("Restricted item", "file.txt")["restricted"] is True
    assert (importer.file(*EMBARGO)["fate"], importer.file(*EMBARGO)["restricted"]) == ("stored", True)
    assert importer.file(EMBARGO[0], "open.txt")["restricted"] is False
    assert set(before) | {"Restricted item"} | PRIVATE == set(importer.records())


def test_a_first_import_with_login_sets_the_same_marks(importer):
    importer.sign_in()

    job = importer.run()

    assert job.clean, job.message
    assert importer.restricted() == {"Restricted item"} | PRIVATE
    assert importer.file(*EMBARGO)["restricted"] is True


def test_a_test_import_with_login_marks_restricted_items(dspace9):
    dspace9.sample.data.restrict(dspace9.sample.data.named("The Aldermouth Gazette, No. 1 (5 March 1887)"))
    dspace9.sign_in()
    with dspace9.app.app_context():
        handle = dspace9.sample.data.named("Aldermouth Gazette").handle
        scope = discovery.find(dspace9.repository_id, ScopeKind.COLLECTION, handle).scope
        dspace9._worked(queueing.create(service.source_for(dspace9.repository_id, scope), ImportOptions(test=3)))

    assert len(dspace9.records()) == 3
    assert dspace9.restricted() == {"The Aldermouth Gazette, No. 1 (5 March 1887)"}


def test_items_that_become_public_lose_their_mark_without_an_update(importer):
    importer.sign_in()
    importer.run()
    item = importer.sample.data.named("Restricted item")
    item.readable = True
    importer.sample.data.edit(item, "dc.subject", ["no matter"])  # so that every generation reads it again
    embargoed = importer.sample.data.named(EMBARGO[0]).bitstreams[1]
    importer.sample.data.embargo(embargoed)
    embargoed.readable = True

    job = importer.run(full=True)

    assert importer.restricted() == PRIVATE
    assert importer.file("Restricted item", "file.txt")["restricted"] is False
    assert importer.file(*EMBARGO)["restricted"] is False
    assert (job.counts["updated"], job.clean) == (1, True)


def test_items_that_become_restricted_are_marked_by_the_next_import_without_an_update(importer):
    importer.sign_in()
    importer.run()
    item = importer.sample.data.named("No file")
    item.readable = False
    importer.sample.data.changes += 1
    item.indexed_at = importer.sample.data.clock()

    job = importer.run(full=True)

    assert importer.restricted() == {"Restricted item", "No file"} | PRIVATE
    assert (job.counts["updated"], job.counts["added"], job.counts["vanished"]) == (0, 0, 0)


def test_undo_of_the_import_with_login_keeps_the_items_of_the_earlier_import(importer):
    importer.run()
    before = without_what_passes(importer.records())
    importer.sign_in()
    job = importer.run()

    importer.undo(job.id)

    assert without_what_passes(importer.records()) == before


def test_an_unchanged_run_by_login_changes_nothing(importer):
    importer.sign_in()
    importer.run()
    before = without_what_passes(importer.records())

    again = importer.run()

    assert (again.counts["added"], again.counts["updated"], again.counts["vanished"], again.clean) == (0, 0, 0, True)
    assert without_what_passes(importer.records()) == before


def test_restricted_files_are_downloaded_after_a_login_although_no_item_changed(importer):
    """The counts of items agree with what is held, and no time stamp has moved: only somebody else is looking."""
    importer.sample.data.delete(importer.sample.data.named("Restricted item"))
    importer.run()
    importer.sign_in()

    job = importer.run()

    assert job.counts["added"] == len(PRIVATE)
    assert importer.file(*EMBARGO)["fate"] == "stored"
    assert importer.file("Closed bundle", "inside.txt")["fate"] == "stored"


def test_an_unchanged_run_by_login_is_proved_by_a_few_requests(dspace9):
    dspace9.app.config["RECHECK_RUNS"] = 0
    dspace9.sign_in()
    dspace9.run()

    assert dspace9.run().counts["requests"] < 15


def reads_in_full(importer: SampleImporter, **options) -> bool:
    """Whether an import of what is held reads items that no list shows as changed."""
    importer.app.config["RECHECK_RUNS"] = 0
    importer.sample.reset()
    importer.run(**options)
    return any("expand=" in path or "embed=" in path for _, path in importer.sample.requests)


def reads_details_always(importer: SampleImporter) -> bool:
    """Whether lists with details cost no more than light ones, so that each run reads these (DSpace 5 and 6)."""
    return importer.sample.generation < 7


def test_a_second_run_by_login_only_lists_and_tries_no_file_again(importer):
    file = importer.sample.data.named(EMBARGO[0]).bitstreams[1]
    names = (f"/{file.uuid}/content", f"/{file.uuid}/retrieve", f"/{file.number}/retrieve")
    importer.sample.faults.add(lambda target: target.endswith(names), times=None, status=403)
    importer.sign_in()
    importer.run()
    assert importer.file(*EMBARGO)["fate"] == "restricted"

    assert reads_in_full(importer) is reads_details_always(importer)
    assert not any("retrieve" in path or "content" in path for _, path in importer.sample.requests)


def test_the_first_run_after_the_login_was_forgotten_reads_everything_and_the_second_only_lists(importer):
    importer.sign_in()
    importer.run()
    importer.sign_out()

    assert reads_in_full(importer)
    assert reads_in_full(importer) is reads_details_always(importer)


def test_an_import_with_several_logins_proves_nothing_to_the_next(importer):
    importer.run()
    importer.sign_in()
    with importer.app.app_context():
        job_id = queueing.create(1, ImportOptions(files=True))
        with transaction():
            lifecycle.get(job_id).cursor = {"login": None}  # as an attempt without login leaves it
        importer._worked(job_id)

    assert reads_in_full(importer)
    assert reads_in_full(importer) is reads_details_always(importer)


@pytest.mark.parametrize("life", range(2, 62, 15))
def test_a_login_that_expires_at_any_request_loses_nothing(app, life):
    with SampleRepository(9, content=laboratory) as sample:
        importer = SampleImporter(app, sample)
        importer.sign_in()
        sample.logins.lives = [life]

        job = importer.run()

        assert (job.state, job.clean, job.counts["failed"], job.counts["vanished"]) == ("completed", True, 0, 0), (
            job.message
        )
        assert importer.restricted() == {"Restricted item"} | PRIVATE
        assert importer.file(*EMBARGO)["fate"] == "stored"
        assert sample.logins.lives == []


def test_an_item_read_while_the_login_had_lapsed_is_read_again_with_its_files(importer):
    """It was listed to anybody, but without the file that is closed to them."""
    importer.sign_in()
    ended = []

    def end(target: str) -> None:
        is_page = "sort=dc.date.accessioned" in target or "/items?expand=metadata" in target
        if is_page and not ended:
            importer.sample.logins.lapse()
            ended.append(target)

    importer.sample.faults.add(end, times=None)

    job = importer.run()

    assert ended
    assert (job.state, job.clean, job.counts["updated"]) == ("completed", True, 0), job.message
    assert importer.file(*EMBARGO)["fate"] == "stored"
    assert importer.file("Closed bundle", "inside.txt")["fate"] == "stored"


def test_a_login_that_expires_in_a_first_import_is_renewed_and_loses_nothing(importer):
    importer.sign_in()
    importer.run()
    whole = without_what_passes(importer.records())
    first = importer.run()
    importer.undo(1)
    importer.undo(first.id)
    assert importer.records() == {}
    importer.sample.logins.lives = [9, 13]

    job = importer.run()

    assert (job.state, job.clean) == ("completed", True), job.message
    assert without_what_passes(importer.records()) == whole


@pytest.mark.parametrize("life", [2, 3, 8])
def test_a_login_that_expires_in_a_later_import_marks_nothing_as_missing(importer, life):
    importer.sign_in()
    importer.run()
    before = without_what_passes(importer.records())
    importer.sample.logins.lives = [life]

    job = importer.run(full=life % 2 == 0)

    assert (job.state, job.counts["vanished"], job.counts["updated"], job.counts["failed"]) == ("completed", 0, 0, 0), (
        job.message
    )
    assert without_what_passes(importer.records()) == before


def test_a_login_that_expires_during_reconciliation_marks_nothing(importer):
    """The item moves out of the listing, and the login ends before it is asked for."""
    importer.sign_in()
    importer.run()
    item = importer.sample.data.named("Restricted item")
    importer.sample.data.withdraw(item)
    ended = []

    def end(target: str) -> None:
        if not ended and f"items/{item.number if importer.sample.generation == 5 else item.uuid}" in target:
            importer.sample.logins.lapse()
            ended.append(target)

    importer.sample.faults.add(end, times=None)

    job = importer.run()

    assert ended
    assert job.counts["vanished"] == 1
    assert importer.records()["Restricted item"]["source_state"] in ("withdrawn", "hidden")
    assert importer.sample.logins.made == 1 + 2 * 2 + 1  # to keep it; to find and to read in each run; to renew it


def test_an_import_fails_after_a_few_renewals_of_the_login(importer):
    importer.sign_in()
    importer.sample.logins.lives = [4] * 100
    importer.sample.reset()

    job = importer.run()

    assert job.state == "failed"
    assert job.message == f"The repository has ended our login {MOST_RENEWALS + 1} times within an hour."
    assert importer.posts <= 1 + 1 + MOST_RENEWALS  # to find the scope, to begin, and to renew
    assert not {"Restricted item"} & {t for t, r in importer.records().items() if r["source_state"] != "present"}


def test_a_failed_job_resumes_at_its_cursor(dspace9):
    dspace9.sign_in()
    dspace9.sample.logins.lives = [9] * 6
    failed = dspace9.run()
    dspace9.sample.logins.lives = []

    job = dspace9.resume(failed.id)

    assert (failed.state, job.state, job.clean) == ("failed", "completed", True)
    assert dspace9.restricted() == {"Restricted item"} | PRIVATE


def test_a_refused_login_fails_the_job_with_its_sentence_and_is_tried_once(dspace9):
    dspace9.sign_in()
    dspace9.run()
    with dspace9.app.app_context():
        job_id = queueing.create(1, ImportOptions(files=True))
    dspace9.sample.faults.add(lambda target: target.endswith("/authn/login"), times=None, status=401)
    dspace9.sample.reset()

    with dspace9.app.app_context():
        job = dspace9._worked(job_id)

    assert (job.state, job.message) == ("failed", "The repository does not accept this name and password.")
    assert dspace9.posts == 1
    assert job.counts["vanished"] == 0


def test_restricted_content_is_not_reused_for_another_file(dspace9):
    """An embargoed file with the same bytes as a restricted one is asked for by itself."""
    data = dspace9.sample.data
    first, second = data.named("Restricted item"), data.named("No file")
    data.add_file(first, "same.txt", b"the same bytes\n")
    dspace9.sign_in()
    dspace9.run()
    dspace9.sign_out()
    data.embargo(data.add_file(second, "copy.txt", b"the same bytes\n"))

    dspace9.run()

    assert dspace9.file("No file", "copy.txt")["fate"] == "restricted"


def test_a_public_file_with_the_content_of_a_restricted_one_is_downloaded_and_public(dspace9):
    data = dspace9.sample.data
    data.add_file(data.named("Restricted item"), "same.txt", b"the same bytes\n")
    dspace9.sign_in()
    dspace9.run()
    data.add_file(data.named("No file"), "copy.txt", b"the same bytes\n")

    dspace9.run()

    assert (dspace9.file("No file", "copy.txt")["fate"], dspace9.file("No file", "copy.txt")["restricted"]) == (
        "stored",
        False,
    )


def test_pages_and_exports_mark_restricted_items_and_files(dspace9, client):
    dspace9.sign_in()
    dspace9.run()
    restricted, embargoed = (dspace9.records()[title]["id"] for title in ("Restricted item", EMBARGO[0]))

    assert "Restricted This item is not public at the source" in words(client.get(f"/items/{restricted}/"))
    assert "stored restricted" in words(client.get(f"/items/{restricted}/"))
    assert "Restricted item Special, Sam · 2022-03-04 restricted" in words(client.get("/items/"))
    assert words(client.get("/items/")).count(" restricted ") == 2
    page = words(client.get(f"/items/{embargoed}/"))
    assert "Not open to the public" not in page
    assert page.count("stored restricted") == 1
    restricted = [title for title, record in dspace9.records().items() if record["restricted"]]
    assert sorted(restricted) == ["Private item", "Restricted item"]


def test_an_import_without_login_asks_nothing_twice(dspace9):
    dspace9.sample.reset()

    dspace9.run(files=False)

    asked = [path for _, path in dspace9.sample.requests]
    assert not any("authn" in path or "resourceid" in path for path in asked)
