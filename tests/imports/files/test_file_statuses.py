"""Each file has the right status: verified or not, with another checksum, missing, closed or open again."""

from __future__ import annotations

import hashlib

import pytest

from connector.catalogue.checksums import comparable
from connector.dspace.records import FileAccess
from connector.errors import (
    AddressNotAllowedError,
    CertificateError,
    NotFoundError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
)
from connector.extensions import db, transaction
from connector.imports.files.announced_file import Announced
from connector.jobs import report
from connector.models.catalogue import CatalogueFile, FileStatus

from ..catalogue import records, stored_bytes

PARTS = "9b2cf535f27731c974343645a3985328-7"  # the ETag of an object store


def file_of(importer) -> dict:
    return records(importer.app)[0]["files"][0]


def problems_of(importer, job) -> list[str]:
    with importer.app.app_context():
        found = [problem["reason"] for problem in report.problems(job)]
        db.session.rollback()
    return found


@pytest.mark.parametrize("announced", [(PARTS, "MD5"), (None, None), ("abc", "CRC32")])
def test_a_file_without_a_usable_checksum_is_stored_unverified(importer, dspace, announced):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.checksums["i0/a.txt"] = announced

    job = importer.run(files=True)

    assert (job.clean, job.counts["files_unverified"], len(dspace.downloads)) == (True, 1, 1)
    assert (file_of(importer)["fate"], file_of(importer)["path"] is not None) == ("unverified", True)


@pytest.mark.parametrize("name", ["SHA-1", "sha256", "SHA_512", None])
def test_checksums_of_other_algorithms_are_compared(importer, dspace, name):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.checksums["i0/a.txt"] = (
        getattr(hashlib, (name or "sha256").lower().replace("-", "").replace("_", ""))(b"bytes").hexdigest(),
        name,
    )

    assert importer.run(files=True).counts["files_stored"] == 1


def test_a_checksum_of_the_wrong_length_is_ignored():
    assert comparable("ab" * 20, "MD5") is None
    assert comparable("AB" * 16, "md5").digits == "ab" * 16


def test_a_wrong_checksum_at_the_source_is_reported_once_without_further_downloads(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.checksums["i0/a.txt"] = ("0" * 32, "MD5")

    first, second = importer.run(files=True), importer.run(files=True, full=True)

    assert (first.clean, first.counts["files_differs"], second.clean, second.counts["files_differs"]) == (
        False,
        1,
        True,
        1,
    )
    assert len(dspace.downloads) == 2  # two that are alike
    assert "another checksum" in problems_of(importer, second)[0]
    assert len(stored_bytes(importer.app)) == 1


@pytest.mark.parametrize("has_right_size", [True, False])
def test_a_file_that_differs_at_every_download_is_tried_by_full_checks_and_retries_alone(
    importer, dspace, has_right_size
):
    dspace.add("i0", files={"a.pdf": b"cover 0"})
    dspace.checksums["i0/a.pdf"] = ("0" * 32, "MD5")
    download = dspace.download

    def made_anew(id, sink, *, limit=None):
        number = len(dspace.downloads) % 10
        dspace.served[id] = f"cover {number}".encode() + (b"" if has_right_size else b"!")
        return download(id, sink, limit=limit)

    dspace.download = made_anew

    def downloads(**options) -> tuple[int, int]:
        dspace.downloads.clear()
        job = importer.run(files=True, **options)
        return len(dspace.downloads), job.counts["files_damaged"]

    assert downloads() == (2, 1)
    assert downloads() == (0, 1)
    assert downloads(full=True) == (2, 1)
    assert downloads() == (0, 1)
    assert downloads(retry=1)[0] == 0  # a later run was the last to look at it
    assert downloads(retry=4)[0] == 2
    dspace.edit("i0", files={"a.pdf": b"another size"})
    assert downloads()[0] == 2


def test_a_file_that_is_damaged_alike_is_tried_again_by_the_next_run(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.served["i0/a.txt"] = b"cut"
    importer.run(files=True)
    dspace.served.clear()

    assert importer.run(files=True).counts["files_stored"] == 1


def test_an_earlier_version_of_a_file_stays_until_the_new_one_is_stored(importer, dspace):
    dspace.add("i0", files={"a.txt": b"as it was"})
    importer.run(files=True)
    earlier = file_of(importer)["path"]
    dspace.edit("i0", files={"a.txt": b"as it is now"})
    dspace.served["i0/a.txt"] = b"broken"

    damaged = importer.run(files=True)
    kept = file_of(importer)
    dspace.served.clear()
    importer.run(files=True)

    assert (damaged.counts["files_damaged"], kept["path"], kept["outdated"]) == (1, earlier, True)
    assert (file_of(importer)["fate"], file_of(importer)["outdated"]) == ("stored", False)
    assert file_of(importer)["path"] != earlier


@pytest.mark.parametrize(
    "error", [AddressNotAllowedError("10.1.2.3 may not be reached."), CertificateError("Expired.")]
)
def test_a_file_that_redirects_to_a_refused_address_fails_alone(importer, dspace, error):
    dspace.add("i0", files={"a.txt": b"aaa", "b.txt": b"bbb"})
    dspace.file_errors["i0/a.txt"] = error

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_failed"], job.counts["files_stored"]) == ("completed", False, 1, 1)
    assert str(error) in problems_of(importer, job)[0]


def test_a_stored_file_stays_unchanged_when_its_access_check_fails(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    importer.run(files=True)
    with importer.app.app_context(), transaction():
        db.session.execute(db.update(CatalogueFile).values(content_is_restricted=True))
    dspace.edit("i0", title="Another title")
    dspace.file_errors["i0/a.txt"] = ServerError("The repository answered with an error (500).")

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["updated"]) == ("completed", True, 1), job.message
    assert (file_of(importer)["fate"], file_of(importer)["restricted"]) == ("stored", True)


@pytest.mark.parametrize("error", [NotFoundError("The application is not deployed."), ServerError("It starts.")])
def test_attempts_while_the_repository_is_away_do_not_count_against_the_file(importer, dspace, error):
    dspace.add("i0", files={"a.txt": b"aaa"})
    download = dspace.download

    def check():
        if dspace.now < 600:
            raise error

    dspace.ping = check
    dspace.download = lambda *args, **options: check() or download(*args, **options)

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_stored"]) == ("completed", True, 1)
    assert dspace.now >= 600


def test_a_file_that_is_missing_at_one_attempt_only_is_stored(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    download = dspace.download
    answers = [NotFoundError("The application is not deployed.")]

    def restarting(id, sink, *, limit=None):
        if answers:
            raise answers.pop(0)
        return download(id, sink, limit=limit)

    dspace.download = restarting

    job = importer.run(files=True)

    assert (job.clean, job.counts["files_stored"]) == (True, 1)


def test_a_missing_file_is_a_problem_once_and_retried_by_the_next_import_and_a_full_check(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa", "b.txt": b"bbb"})
    dspace.file_errors["i0/a.txt"] = NotFoundError("not there")
    tried = []

    runs = []
    for options in ({}, {}, {}, {"full": True}):
        dspace.downloads.clear()
        runs.append(importer.run(files=True, **options).clean)
        tried.append("i0/a.txt" in dspace.downloads)

    assert runs == [False, True, True, True]
    assert tried == [True, True, False, True]


def test_the_message_counts_failed_and_missing_files_apart(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa", "b.txt": b"bbb", "c.txt": b"ccc"})
    dspace.file_errors["i0/a.txt"] = NotFoundError("not there")
    dspace.file_errors["i0/b.txt"] = RequestRejectedError("refused")

    first, second = importer.run(files=True), importer.run(files=True, full=True)

    assert "1 file could not be downloaded. 1 file is listed at the source, but is missing there." in first.message
    assert "missing there" not in second.message


def test_the_reason_of_a_damaged_file_is_a_sentence_and_checksums_are_technical_details(importer, dspace):
    dspace.add("i0", files={"a.txt": b"bytes"})
    dspace.served["i0/a.txt"] = b"other bytes"

    job = importer.run(files=True)

    with importer.app.app_context():
        [problem] = report.problems(job)
        db.session.rollback()
    assert problem["reason"] == (
        "File “a.txt”: damaged. The file is not what the source announces. The next import tries again."
    )
    announced, downloaded = (hashlib.md5(content).hexdigest() for content in (b"bytes", b"other bytes"))
    assert problem["technical_details"] == [
        f"Announced: MD5 {announced}, 5 bytes",
        f"Downloaded: MD5 {downloaded}, 11 bytes",
    ]


def test_a_missing_file_that_an_undo_restored_is_tried_by_the_next_run(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa", "b.txt": b"bbb"})
    dspace.file_errors["i0/a.txt"] = NotFoundError("not there")
    for _ in range(2):
        importer.run(files=True)
    dspace.edit("i0", title="Another")
    importer.undo(importer.run(files=True).id)
    dspace.file_errors.clear()

    job = importer.run(files=True)

    assert job.counts["files_stored"] == 2


def test_a_missing_file_store_is_reported_when_all_files_are_missing_and_the_next_import_retries(importer, dspace):
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": bytes([number])})
        dspace.file_errors[f"i{number}/a.txt"] = NotFoundError("not there")

    first, second = importer.run(files=True), importer.run(files=True)
    dspace.file_errors.clear()
    third = importer.run(files=True)

    assert (first.clean, first.counts["files_failed"], first.counts["files_missing"]) == (False, 4, 0)
    assert "file store" in first.message
    assert (second.clean, third.clean, third.counts["files_stored"]) == (False, True, 4)


def test_a_file_that_becomes_restricted_is_kept_and_public_again_when_the_source_opens_it(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    importer.run(files=True)
    stored = stored_bytes(importer.app)
    dspace.file_errors["i0/a.txt"] = RestrictedError("Not for you.")

    closed = importer.run(files=True, full=True)
    then = file_of(importer)
    dspace.file_errors.clear()
    opened = importer.run(files=True, full=True)

    assert (closed.counts["files_restricted"], then["fate"], then["restricted"]) == (1, "restricted", True)
    assert stored_bytes(importer.app) == stored
    assert (opened.counts["files_stored"], file_of(importer)["restricted"], len(dspace.downloads)) == (1, False, 1)


def test_a_closed_file_is_found_by_the_rolling_recheck_without_importing_files(importer, dspace):
    importer.app.config["RECHECK_RUNS"] = 1
    dspace.add("10", files={"a.txt": b"aaa"})
    importer.run(files=True)
    dspace.file_errors["10/a.txt"] = RestrictedError("Not for you.")

    importer.run(files=False)

    with importer.app.app_context():
        file = db.session.scalars(db.select(CatalogueFile)).one()
        assert (file.status, file.content_is_restricted, file.is_stored) == (FileStatus.RESTRICTED, True, True)


def test_a_full_check_downloads_a_file_that_became_public_and_old_reasons_name_their_job(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    dspace.file_errors["i0/a.txt"] = RestrictedError("Not for you.")
    importer.run(files=True)
    dspace.file_errors.clear()

    second = importer.run(files=True)
    told = problems_of(importer, second)
    third = importer.run(files=True, full=True)

    assert "(As of job 1.)" in told[0]
    assert (second.counts["files_restricted"], third.counts["files_stored"]) == (1, 1)


def test_a_web_page_is_not_stored_as_a_file_without_size_and_checksum():
    unknown = Announced(None, None, "application/pdf")

    assert unknown.is_web_page_instead("text/html", b"")
    assert unknown.is_web_page_instead(None, b"\n<!DOCTYPE html>")
    assert not unknown.is_web_page_instead("application/pdf", b"%PDF")
    assert not Announced(None, None, "text/html").is_web_page_instead("text/html", b"<html>")


def test_the_chosen_bundles_are_downloaded_and_files_in_others_counted(importer, dspace, client):
    dspace.add("i0", files={"a.txt": b"aaa", "license.txt": b"yes"})

    first = importer.run(files=True)
    second = importer.run(files=True, bundles=("ORIGINAL", "LICENSE"))

    assert (first.counts["files_stored"], first.other_bundles) == (1, {"LICENSE": 1})
    assert "Files in other bundles" in client.get(f"/jobs/{first.id}/").text
    assert (second.counts["files_stored"], second.other_bundles) == (2, None)


def test_a_refused_file_with_the_access_status_open_leaves_its_item_unchanged(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    dspace.file_errors["i0/a.txt"] = RestrictedError("This file is not open to the public.")
    importer.run(files=True)
    dspace.file_access = lambda item_id, ids: {id: FileAccess(True) for id in ids}

    job = importer.run(files=True, full=True)

    assert (job.counts["updated"], job.counts["unchanged"], job.counts["files_restricted"]) == (0, 1, 1)


def test_a_stored_file_with_the_access_status_open_stays_restricted_while_it_is_refused(importer, dspace):
    dspace.add("i0", files={"a.txt": b"aaa"})
    importer.run(files=True)
    with importer.app.app_context(), transaction():
        db.session.execute(db.update(CatalogueFile).values(content_is_restricted=True))
    dspace.file_access = lambda item_id, ids: {id: FileAccess(True) for id in ids}
    dspace.file_errors["i0/a.txt"] = RestrictedError("This file is not open to the public.")

    importer.run(files=False, full=True)

    assert file_of(importer)["restricted"]


@pytest.mark.parametrize(("number", "is_told"), [(1, False), (3, True)])
def test_many_files_that_become_restricted_at_once_are_reported_as_a_problem(importer, dspace, number, is_told):
    names = [f"{index}.txt" for index in range(4)]
    dspace.add("i0", files={name: name.encode() for name in names})
    importer.run(files=True)
    for name in names[:number]:
        dspace.file_errors[f"i0/{name}"] = RestrictedError("This file is not open to the public.")

    closing = importer.run(files=True, full=True)
    dspace.file_errors.clear()
    opening = importer.run(files=True, full=True)

    assert (closing.clean, f"has closed {number} of the 4 stored files" in closing.message) == (not is_told, is_told)
    assert closing.counts["files_restricted"] == number
    assert (opening.clean, opening.counts["files_stored"]) == (True, 4)
