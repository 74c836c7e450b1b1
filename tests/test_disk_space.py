"""A job waits before the disk is full, every page says so, and the job continues when there is room again."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.errors import JobStoppedError
from connector.jobs.attempt import stop_here
from connector.models.jobs import WaitReason
from connector.storage import disk_space
from connector.storage.disk_space import Room
from tests.imports.fake_repository_importer import FakeRepositoryImporter
from tests.imports.fakes import FakeDSpace
from tests.pages import words
from tests.waiting import until, working

MARGIN = 500_000_000  # bytes that others on this machine may write or remove meanwhile


class FullDisk:
    """A file takes so much of the disk that less is free than is to stay free."""

    def __init__(self, instance: Path):
        self._file = instance / "taken"
        self.least = disk_space.free(instance) - MARGIN
        if self.least <= MARGIN:
            pytest.skip("There is too little room on the disk of this machine.")
        with open(self._file, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 * MARGIN)

    def clear(self) -> None:
        self._file.unlink(missing_ok=True)


@pytest.fixture
def full(app) -> Iterator[FullDisk]:
    full = FullDisk(app.config["INSTANCE"])
    app.config["MIN_FREE_DISK"] = full.least
    yield full
    full.clear()


@pytest.fixture
def importer(app) -> FakeRepositoryImporter:
    importer = FakeRepositoryImporter(app, FakeDSpace())
    for number in range(7):
        importer.dspace.add(f"i{number}", files={f"{number}.txt": b"bytes %d" % number})
    return importer


def says_it_waits(importer: FakeRepositoryImporter, job_id: int) -> bool:
    return importer.job(job_id).wait_reason == WaitReason.DISK_SPACE


def test_a_job_waits_for_disk_space_and_continues_automatically(full, importer):
    job_id = importer.create(files=True)

    with working(importer, job_id):
        until(lambda: says_it_waits(importer, job_id))
        assert (importer.job(job_id).state, importer.job(job_id).counts["seen"]) == ("running", 0)
        full.clear()

    job = importer.job(job_id)
    assert (job.state, job.clean, job.counts["seen"], job.counts["files_stored"]) == ("completed", True, 7, 7)


def test_a_job_that_waits_for_disk_space_can_be_stopped(full, importer):
    job_id = importer.create(files=True)

    with working(importer, job_id):
        until(lambda: says_it_waits(importer, job_id))
        importer.stop(job_id)

    assert importer.job(job_id).state == "stopped"


def test_a_download_does_not_start_without_enough_disk_space(app, importer):
    app.config["MIN_FREE_DISK"] = 1
    job_id = importer.create(files=True)
    importer.dspace.add("large", files={"large.bin": Announced(b"announced as more than fits")})
    app.config["MAX_FILE_BYTES"] = 2**62

    with working(importer, job_id):
        until(lambda: says_it_waits(importer, job_id))
        assert "are to come" in importer.job(job_id).wait_detail
        stop_here(job_id)

    assert "large.bin" not in " ".join(importer.dspace.downloads)


class Announced(bytes):
    """Bytes whose source says that they are very many."""

    def __len__(self) -> int:
        return 2**60


class Doing:
    """As much of a run as Room needs."""

    def __init__(self):
        self.stop, self.waits = threading.Event(), []

    def waiting(self, reason: WaitReason, detail: str) -> None:
        self.waits.append((reason, detail))
        if detail:
            self.stop.set()


def test_a_running_download_waits_when_others_fill_the_disk(app, full):
    run, written = Doing(), []
    write = Room(app.config["INSTANCE"], full.least, run).with_space_check(written.append)

    with pytest.raises(JobStoppedError):
        for _ in range(3):
            write(bytes(disk_space.EVERY // 2))

    assert len(written) == 1
    assert [reason for reason, _ in run.waits] == [WaitReason.DISK_SPACE] * 2
    assert run.waits[-1][1] == ""


def test_without_a_minimum_no_job_waits_for_disk_space(app, full):
    Room(app.config["INSTANCE"], 0, Doing()).wait(2**62)


def test_the_free_space_is_that_of_the_smaller_disk(app):
    instance, small = app.config["INSTANCE"], Path("/dev/shm")
    if not small.is_dir() or room_on(small) >= room_on(instance) - MARGIN:
        pytest.skip("There is no second, smaller disk on this machine.")

    (instance / "files").rmdir()
    (instance / "files").symlink_to(small)

    assert disk_space.free(instance) < room_on(instance) - MARGIN


def test_pages_work_without_the_files_folder_and_report_it(app, client):
    folder = app.config["INSTANCE"] / "files"
    folder.rmdir()

    pages = [client.get(path) for path in ("/", "/items/", "/metrics", "/readyz")]

    assert [page.status_code for page in pages] == [200, 200, 200, 503]
    sentence = "The files folder cannot be used: No such file or directory. Is its disk there?"
    assert all(sentence in words(page) for page in pages[:2])
    assert ("connector_items" in pages[2].text, "connector_free_bytes" in pages[2].text) == (True, False)
    assert "disk" in pages[3].text


def room_on(folder: Path) -> int:
    there = os.statvfs(folder)
    return there.f_bavail * there.f_frsize


def test_every_page_says_that_the_disk_is_almost_full(full, client):
    for address in ("/", "/imports/", "/items/", "/no/such/page"):
        assert "The disk is almost full" in words(client.get(address, follow_redirects=True))

    full.clear()

    assert "almost full" not in words(client.get("/", follow_redirects=True))
