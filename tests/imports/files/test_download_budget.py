"""The total download limit of an import. Files beyond it are named, and come later."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.errors import JobStoppedError, ServerError, TooLargeError
from connector.extensions import db
from connector.imports.files.download_budget import DownloadBudget
from connector.jobs import counters

from ..catalogue import records
from ..steps import can_retry, retry


def statuses(importer) -> dict[str, str]:
    """What became of each file, by the title of its item."""
    return {record["source_id"]: record["files"][0]["fate"] for record in records(importer.app)}


def allow(limit: int | None, spent: int = 0) -> DownloadBudget:
    return DownloadBudget(limit, spent, threading.Event())


def three_files(dspace) -> None:
    for number in range(3):
        dspace.add(f"i{number}", files={"a.bin": bytes([number]) * 400})


def test_files_beyond_the_total_limit_are_listed_with_it_and_are_no_problem(importer, dspace, client):
    three_files(dspace)

    job = importer.run(files=True, files_limit=1000)

    assert (job.counts["files_stored"], job.counts["files_too_large"], job.clean, job.counts["bytes"]) == (
        2,
        1,
        True,
        800,
    )
    assert "total download limit of 1.0 kB" in client.get(f"/jobs/{job.id}/").text


def test_a_retry_and_the_next_import_have_limits_of_their_own(importer, dspace):
    three_files(dspace)
    first = importer.run(files=True, files_limit=500)
    assert (first.counts["files_stored"], first.counts["files_too_large"]) == (1, 2)
    assert can_retry(importer, first.id)

    second = retry(importer, first.id)
    third = importer.run(files=True, files_limit=500)

    assert (second.counts["files_stored"], second.counts["files_too_large"]) == (2, 1)
    assert (third.counts["files_stored"], third.counts["files_too_large"], len(dspace.downloads)) == (3, 0, 3)
    assert not can_retry(importer, third.id)


def test_a_file_larger_than_the_total_limit_is_not_offered_for_a_retry(importer, dspace):
    dspace.add("i0", files={"a.bin": b"x" * 400})

    job = importer.run(files=True, files_limit=300)

    assert (job.counts["files_too_large"], can_retry(importer, job.id), dspace.downloads) == (1, False, [])


def test_a_resumed_job_has_only_the_rest_of_its_limit(importer, dspace):
    three_files(dspace)
    job_id = importer.create(files=True, files_limit=900)
    with importer.app.app_context():
        counters.add(db.session.connection(), job_id, {"bytes": 600})
        db.session.commit()

    assert importer.work(job_id)

    job = importer.job(job_id)
    assert (job.counts["files_stored"], job.counts["files_too_large"], job.counts["bytes"]) == (0, 3, 600)


def test_equal_files_count_once_and_stored_files_do_not_count(importer, dspace):
    dspace.add("i0", files={"a.bin": b"x" * 400})
    importer.run(files=True)
    dspace.add("i1", files={"b.bin": b"x" * 400})
    dspace.add("i2", files={"c.bin": b"y" * 400})
    dspace.add("i3", files={"d.bin": b"y" * 400})

    job = importer.run(files=True, files_limit=400)

    assert (job.counts["files_stored"], job.counts["files_too_large"], job.counts["bytes"]) == (4, 0, 400)


def test_failed_downloads_do_not_count_against_the_limit(importer, dspace):
    three_files(dspace)
    dspace.width = 1  # otherwise i0 may come last, when the others have used the limit
    dspace.file_errors = {"i0/a.bin": ServerError("It answered with 500.")}

    job = importer.run(files=True, files_limit=800)

    assert statuses(importer) == {"i0": "failed", "i1": "stored", "i2": "stored"}
    assert job.counts["files_too_large"] == 0


@pytest.mark.timing
def test_concurrent_downloads_reserve_bytes_and_return_the_rest():
    allowance = allow(1000, spent=100)
    first, second = allowance.share(600), allowance.share(200)
    with pytest.raises(TooLargeError, match="total download limit"):
        allowance.share(901)

    first.settle(0)
    second.settle(200)

    allowance.share(700).settle(700)
    with pytest.raises(TooLargeError):
        allowance.share(1)


@pytest.mark.timing
def test_a_file_waits_for_bytes_that_others_reserved_and_return():
    allowance = allow(1000)
    first = allowance.share(700)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(allowance.share, 400)
        with pytest.raises(TimeoutError):
            waits.result(0.05)

        first.settle(600)

        waits.result().settle(400)
    with pytest.raises(TooLargeError):
        allowance.share(1)


@pytest.mark.timing
def test_a_file_is_refused_when_others_use_the_rest_of_the_limit():
    allowance = allow(1000)
    first = allowance.share(700)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(allowance.share, 400)
        first.settle(700)

        with pytest.raises(TooLargeError):
            waits.result()


@pytest.mark.timing
def test_a_stop_ends_the_wait():
    stop = threading.Event()
    allowance = DownloadBudget(1000, 0, stop)
    allowance.share(700)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(allowance.share, 400)
        stop.set()

        with pytest.raises(JobStoppedError):
            waits.result()


def test_a_file_of_unknown_size_may_use_only_the_rest_of_the_limit():
    allowance, came = allow(1000), []
    share = allowance.share(None)
    write = share.with_reservation(came.append)
    write(b"x" * 600)
    write(b"x" * 400)

    with pytest.raises(TooLargeError):
        write(b"x")

    assert sum(map(len, came)) == 1000


def test_a_second_attempt_at_a_file_reserves_no_bytes_twice():
    allowance = allow(500)
    share = allowance.share(None)
    for _ in range(3):
        share.with_reservation(lambda piece: None)(b"x" * 500)

    share.settle(500)

    with pytest.raises(TooLargeError):
        allowance.share(1)


def test_without_a_limit_all_files_are_downloaded():
    allowance = allow(None, spent=10**15)
    allowance.share(10**15).settle(10**15)
    allowance.share(None).with_reservation(lambda piece: None)(b"x")
