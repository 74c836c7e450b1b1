"""A disk that is full or read-only: the job fails with a sentence, and can be resumed when there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sample import SampleRepository
from tests.tools import needs, path_of

from .databases import InTheFolder
from .life import STAGES, Life, Source

pytestmark = needs("mount")
IMPORT = STAGES[0]
ROOM = "size=64m,mode=777"
TO_THE_LAST_BYTE = {"CONNECTOR_MIN_FREE_DISK": "0"}  # or the job would wait before the disk is full


def mount(*options: str) -> None:
    subprocess.run([path_of("mount"), *options], capture_output=True, check=True)


class Disk:
    """A small disk of its own, in memory, under a life's files folder or its whole instance."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        mount("-t", "tmpfs", "-o", ROOM, "tmpfs", str(folder))

    def become(self, options: str) -> None:
        mount("-o", f"remount,{options}", str(self.folder))

    def end(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    with SampleRepository(9) as sample:
        source = Source(sample)
        source.at(IMPORT)
        yield source


@pytest.fixture(scope="module")
def expected(source, tmp_path_factory) -> dict[str, object]:
    alone = Life(tmp_path_factory.mktemp("expected") / "alone", source, InTheFolder())
    alone.go_on(IMPORT)
    return alone.outcome()


@pytest.fixture
def life(source, tmp_path) -> Life:
    life = Life(tmp_path / "life", source, InTheFolder())
    life.flask.environment |= TO_THE_LAST_BYTE
    assert life.flask("jobs")[0] == 0
    return life


@pytest.fixture
def files(life) -> Iterator[Disk]:
    """The disk under the files folder."""
    os.rmdir(life.folder / "instance" / "files")
    disk = Disk(life.folder / "instance" / "files")
    yield disk
    disk.end()


@pytest.mark.parametrize(
    ("trouble", "sentence"), [("size=100k", "The disk with the files folder is full."), ("ro", "Read-only file system")]
)
def test_a_full_files_folder_fails_the_job_and_it_can_resume(files, life, source, expected, trouble, sentence):
    files.become(trouble)
    command = [word.format(url=source.sample.url) for word in IMPORT.command]

    code, job = life.flask.json(*command)

    assert (code, job["state"]) == (2, "failed")
    assert sentence in job["message"]
    assert 0 < job["seen"] < 104
    files.become("rw," + ROOM)
    life.go_on(IMPORT)
    assert life.outcome() == expected


def test_a_full_disk_under_the_database_leaves_nothing_half_done(source, expected, tmp_path):
    life = Life(tmp_path / "life", source, InTheFolder())
    life.flask.environment |= TO_THE_LAST_BYTE
    disk = Disk(life.folder / "instance")
    try:
        assert life.flask("jobs")[0] == 0
        disk.become(f"size={shutil.disk_usage(disk.folder).used + 200_000}")
        code, _, err = life.flask(*[word.format(url=source.sample.url) for word in IMPORT.command])
        disk.become(ROOM)

        assert (code, "full" in err) == (2, True)
        life.go_on(IMPORT)
        assert life.outcome() == expected
    finally:
        disk.end()
