"""Old states of items are deleted, so that the history does not grow for ever. Undo says so."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.results.retention import prune
from connector.imports.start import queueing
from connector.imports.undo_effects import undo_effects
from connector.jobs import creation, lifecycle
from connector.models.changes import Change
from connector.models.jobs import Job, Kind
from connector.models.previews import PreviewRow, SampleItem
from connector.tasks import periodic_tasks
from tests.thoroughness import share

from ..catalogue import records, stored_bytes, titles

LONG_AGO = timedelta(days=400)


def pruned(importer, runs=1, days=0):
    importer.app.config.update(UNDO_HISTORY_RUNS=runs, UNDO_HISTORY_DAYS=days)
    with importer.app.app_context():
        return asdict(prune())


def jobs_with_states(app) -> list[int]:
    with app.app_context():
        kept = db.select(Change.job_id).where(Change.before.is_not(None)).distinct()
        return sorted(db.session.scalars(kept))


def make_old(app, job_id: int) -> None:
    with app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == job_id).values(ended_at=utcnow() - LONG_AGO))


@pytest.fixture
def three_imports(importer, dspace):
    """Three imports: of two items, then with one of them and one more, then with that one changed again."""
    dspace.add("a", title="First", files={"a.txt": b"first"})
    dspace.add("b")
    importer.run(files=True)
    dspace.edit("a", title="Second", files={"a.txt": b"second"})
    dspace.add("c")
    importer.run(files=True)
    dspace.edit("a", title="Third", files={"a.txt": b"third"})
    importer.run(files=True)
    return importer


@pytest.mark.parametrize(
    ("runs", "days", "old", "kept"),
    [
        (1, 0, (), [3]),
        (2, 0, (), [2, 3]),
        (0, 0, (1, 2, 3), [2, 3]),
        (1, 30, (), [2, 3]),
        (1, 30, (2, 3), [3]),
        (1, 500, (2, 3), [2, 3]),
    ],
)
def test_states_are_kept_before_the_last_runs_and_days_whichever_is_longer(three_imports, runs, days, old, kept):
    for job_id in old:
        make_old(three_imports.app, job_id)

    pruned(three_imports, runs, days)

    assert jobs_with_states(three_imports.app) == kept


def test_each_source_keeps_its_own_last_runs(three_imports, dspace):
    for _ in range(5):
        three_imports.run("c2")

    pruned(three_imports, 2)

    assert jobs_with_states(three_imports.app) == [2, 3]


def test_stored_files_that_only_pruned_states_need_are_deleted(three_imports):
    before = stored_bytes(three_imports.app)

    gone = pruned(three_imports)

    assert (gone["states"], gone["files"]) == (1, 1)
    assert (len(before), len(stored_bytes(three_imports.app))) == (3, 2)
    assert pruned(three_imports) == {"states": 0, "files": 0, "previews": 0}


def test_undo_of_a_pruned_import_removes_added_items_and_reports_the_changes_that_stay(three_imports):
    pruned(three_imports)
    with three_imports.app.app_context():
        will = undo_effects(2)

    undo = three_imports.undo(2)

    assert (will["removed"], will["restored"], will["kept"], will["lasting"]) == (1, 0, 0, 1)
    assert (undo.counts["removed"], undo.counts["restored"], undo.counts["kept"]) == (1, 0, 0)
    assert titles(three_imports.app) == {"a": "Third", "b": "A title"}
    assert "1 item that it changed stays as it is" in undo.message


def test_items_that_an_undo_removes_are_not_counted_as_staying(importer, dspace):
    dspace.add("a", collections=("c1", "c2"))
    first = importer.run("c1")
    dspace.edit("a", title="Another title")
    second = importer.run("c2")
    importer.run("c2")
    importer.undo(first.id)
    pruned(importer)

    with importer.app.app_context():
        will = undo_effects(second.id)

    assert (second.counts["updated"], will["removed"], will["lasting"]) == (1, 1, 0)


def test_states_kept_by_later_imports_are_restored_after_pruning(three_imports):
    pruned(three_imports)

    undo = three_imports.undo(3)

    assert undo.counts["restored"] == 1
    assert titles(three_imports.app)["a"] == "Second"
    assert "stays as it is" not in undo.message


def test_undo_in_any_order_gives_the_state_before_the_runs_that_were_kept(three_imports):
    pruned(three_imports)

    three_imports.undo(2)
    three_imports.undo(3)

    assert titles(three_imports.app) == {"a": "Second", "b": "A title"}


def test_the_page_counts_the_changes_that_undo_cannot_restore(three_imports, client):
    whole = client.get("/jobs/3/undo").text
    pruned(three_imports)

    page = client.get("/jobs/2/undo").text

    assert "The earlier state of 1 item is no longer kept" in page
    assert "no longer kept" not in whole


def test_active_jobs_and_jobs_being_undone_keep_their_states(three_imports, dspace):
    with three_imports.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == 2).values(state="queued"))
    pruned(three_imports)
    queued = jobs_with_states(three_imports.app)
    with three_imports.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == 2).values(state="stopped"))
    with three_imports.app.app_context():
        creation.create_undo(2)
    pruned(three_imports)

    assert (queued, jobs_with_states(three_imports.app)) == ([2, 3], [2, 3])


def test_a_resumed_import_is_pruned_again_later(three_imports):
    with three_imports.app.app_context(), transaction():
        db.session.execute(db.update(Job).where(Job.id == 2).values(state="stopped"))
    pruned(three_imports)
    noted = three_imports.job(2).pruned_at

    with three_imports.app.app_context():
        lifecycle.resume(2)

    assert noted is not None
    assert three_imports.job(2).pruned_at is None


def test_undos_do_not_count_as_last_imports_of_a_source(three_imports, dspace):
    dspace.edit("b", title="Another")
    last = three_imports.run(files=True)
    three_imports.undo(last.id)

    pruned(three_imports, 2)

    assert jobs_with_states(three_imports.app) == [3]


def test_pruning_changes_nothing_but_the_history(three_imports):
    before = records(three_imports.app)

    pruned(three_imports)

    assert records(three_imports.app) == before


def test_pruning_in_many_small_transactions_deletes_all_states(importer, dspace):
    for number in range(450):
        dspace.add(f"i{number}")
    importer.run()
    for number in range(450):
        dspace.edit(f"i{number}", title="Another title")
    importer.run()
    importer.run()

    gone = pruned(importer)

    assert (gone["states"], jobs_with_states(importer.app)) == (450, [])


def test_the_prune_command_prints_how_much_was_deleted(three_imports):
    three_imports.app.config.update(UNDO_HISTORY_RUNS=1)
    flask = three_imports.app.test_cli_runner()

    with three_imports.app.app_context():
        told = flask.invoke(args=["prune", "--json"])
        again = flask.invoke(args=["prune"])

    assert (told.exit_code, json.loads(told.output)) == (0, {"states": 1, "files": 1, "previews": 0})
    assert "Deleted: 0 earlier states of items, 0 files, results of 0 previews." in again.output


def test_workers_prune_automatically(three_imports):
    three_imports.app.config.update(UNDO_HISTORY_RUNS=1)

    with three_imports.app.app_context():
        periodic_tasks.prune()

    assert jobs_with_states(three_imports.app) == [3]


def test_rows_of_previews_are_deleted_a_day_after_their_end(importer, dspace):
    dspace.add("a")
    imports = [importer.create(collection) for collection in ("c1", "c2")]
    with importer.app.app_context():
        sources = [lifecycle.get(job_id).source_id for job_id in imports]
        old, new = (queueing.create(source_id, ImportOptions(), kind=Kind.PREVIEW) for source_id in sources)
        with transaction():
            for job_id in (old, new):
                db.session.add_all(
                    PreviewRow(job_id=job_id, action="new", source_key=key, data={}) for key in ("1/a", "1/b")
                )
                db.session.add(SampleItem(job_id=job_id, source_key="1/a", data={}))
            db.session.execute(db.update(Job).values(state="completed", ended_at=utcnow() - timedelta(hours=23)))
            db.session.execute(db.update(Job).where(Job.id == old).values(ended_at=utcnow() - LONG_AGO))

    with importer.app.app_context():
        told = importer.app.test_cli_runner().invoke(args=["prune"])

    assert told.output.rstrip().endswith(", results of 1 preview.")
    with importer.app.app_context():
        assert db.session.scalars(db.select(PreviewRow.job_id)).all() == [new, new]
        assert db.session.scalars(db.select(SampleItem.job_id)).all() == [new]


def size(app) -> int:
    """Bytes of the database, pages included that are free just now."""
    with app.app_context():
        pages, of = (db.session.scalar(db.text(f"PRAGMA {name}")) for name in ("page_count", "page_size"))
        return pages * of


ITEMS, DAYS = share(10_000), share(365)
MOST = 1_000_000 / 365  # bytes: a megabyte in a year


def test_daily_runs_without_changes_hardly_grow_the_database(importer, dspace):
    dspace.page_size, dspace.can_select = 100, True
    for number in range(ITEMS):
        dspace.add(str(number))
    dspace.server_time += timedelta(days=365)
    importer.run()
    importer.app.config["UNDO_HISTORY_RUNS"] = 30
    importer.run()  # the tree of holdings by their last job has its lasting form after this one
    dspace.count = lambda scope, subset=None: 0 if subset else ITEMS  # as it would count, at once
    before = size(importer.app)

    for _ in range(DAYS):
        dspace.server_time += timedelta(days=1)
        dspace.traffic.add(requests=2, answers=2, seconds=0.31, bytes=4_321)
        dspace.traffic.record_success(
            0.123, "/server/api/discover/search/objects?dsoType=item&size=1&query=lastIndexed"
        )
        job = importer.run()
        with importer.app.app_context():
            prune()

    assert (job.counts["unchanged"], job.clean, dspace.listings) == (ITEMS, True, ["complete"])
    assert size(importer.app) - before < MOST * DAYS
