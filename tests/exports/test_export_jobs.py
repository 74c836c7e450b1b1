"""Jobs that export: what they leave out, how they go on, and how long their files are kept."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from connector.errors import ConflictError, InvalidInputError
from connector.exports import export_jobs, results
from connector.exports.contents import Contents
from connector.exports.export_kind import ExportOptions
from connector.extensions import db, transaction, utcnow
from connector.jobs import lifecycle
from connector.jobs.attempt import JobAttempt
from connector.models.catalogue import CatalogueItem
from connector.models.exports import ExportItem
from connector.models.jobs import Job, State
from connector.tasks import carry_out
from connector.tasks.periodic_tasks import prune

from .steps import FIELDS, export, exported


@pytest.fixture(autouse=True)
def context(stocked_app):
    with stocked_app.app_context():
        yield


def queued(form: str = "jsonl", *, with_restricted: bool = True) -> int:
    return export_jobs.create(select(CatalogueItem.id), ExportOptions(form, "||", with_restricted, FIELDS))


def first_item() -> CatalogueItem:
    return db.session.scalars(select(CatalogueItem).order_by(CatalogueItem.id).limit(1)).one()


def test_a_job_counts_its_items_and_the_bytes_of_its_file():
    job = lifecycle.get(export("jsonl"))

    assert (job.state, job.clean, job.message) == (State.COMPLETED, True, "")
    assert job.counts["seen"] == job.expected == len(db.session.scalars(select(CatalogueItem.id)).all())
    assert job.counts["bytes"] == results.of_job(job).path.stat().st_size


def test_restricted_items_are_only_in_an_export_that_includes_them():
    with transaction():
        first_item().is_restricted = True
    source_id = first_item().source_id

    assert source_id in exported("jsonl").read_text()
    assert source_id not in exported("jsonl", with_restricted=False).read_text()


def test_an_item_that_becomes_restricted_while_the_job_waits_is_left_out_and_counted():
    job_id = queued(with_restricted=False)
    with transaction():
        first_item().is_restricted = True

    assert carry_out(job_id)

    job = lifecycle.get(job_id)
    assert first_item().source_id not in results.of_job(job).path.read_text()
    assert not job.clean
    assert job.message.startswith("1 item is not in the file")


@pytest.mark.parametrize("with_restricted", [True, False])
def test_a_file_with_an_item_that_was_removed_since_cannot_be_downloaded(with_restricted):
    job_id = export("jsonl", with_restricted=with_restricted)
    assert results.downloadable(job_id)
    with transaction():
        db.session.execute(delete(CatalogueItem).where(CatalogueItem.id == first_item().id))

    with pytest.raises(ConflictError):
        results.downloadable(job_id)


def test_a_file_for_viewers_with_an_item_that_was_restricted_since_cannot_be_downloaded():
    for_viewers, for_editors = export("jsonl", with_restricted=False), export("jsonl")
    with transaction():
        first_item().is_restricted = True

    assert results.downloadable(for_editors)
    with pytest.raises(ConflictError):
        results.downloadable(for_viewers)


def test_an_export_of_no_items_is_refused():
    with pytest.raises(InvalidInputError):
        export_jobs.create(select(CatalogueItem.id).where(CatalogueItem.id < 0), ExportOptions("csv"))


def test_a_stopped_export_leaves_no_file_and_begins_again_when_it_is_resumed(monkeypatch):
    job_id = queued("bagit")
    record = Contents._record

    def stop_after_a_page(contents: Contents, number: int) -> None:
        record(contents, number)
        lifecycle.stop(job_id)
        contents._attempt.stop.set()

    with monkeypatch.context() as patch:
        patch.setattr(Contents, "_record", stop_after_a_page)
        assert carry_out(job_id)
    assert lifecycle.get(job_id).state == State.STOPPED
    assert list(results.folder().folder.iterdir()) == []

    lifecycle.resume(job_id)
    assert carry_out(job_id)

    db.session.expire_all()
    job = lifecycle.get(job_id)
    assert job.counts["seen"] == job.expected
    assert results.of_job(job)


def test_files_are_deleted_after_a_day_with_the_lists_of_their_items():
    old, new = export("csv"), export("jsonl")
    (results.folder().folder / "999").write_bytes(b"of a job that does not exist")
    with transaction():
        db.session.execute(update(Job).where(Job.id == old).values(ended_at=utcnow() - timedelta(hours=25)))

    prune()

    db.session.expire_all()
    assert [path.name for path in results.folder().folder.iterdir()] == [str(new)]
    assert set(db.session.scalars(select(ExportItem.job_id))) == {new}
    assert results.of_job(lifecycle.get(old)) is None


def test_a_job_whose_list_of_items_was_deleted_fails_with_the_reason():
    job_id = queued()
    with transaction():
        db.session.execute(delete(ExportItem))

    assert carry_out(job_id)

    job = lifecycle.get(job_id)
    assert (job.state, job.message) == (
        State.FAILED,
        "The items of this export are no longer known. Start a new export.",
    )


def test_an_export_waits_while_the_disk_is_almost_full(stocked_app, monkeypatch):
    waits = []
    stocked_app.config["MIN_FREE_DISK"] = 2**62
    job_id = queued()

    def note(self, reason, detail):
        waits.append(reason)
        if detail:
            self.stop.set()

    monkeypatch.setattr(JobAttempt, "waiting", note)

    assert carry_out(job_id)

    assert waits[0] == "disk space"
    assert lifecycle.get(job_id).state == State.STOPPED
