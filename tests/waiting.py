"""Helpers for tests of waiting jobs: run work in a thread, and wait for a condition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connector.jobs.attempt import stop_here
from tests.imports.fake_repository_importer import FakeRepositoryImporter


@contextmanager
def working(importer: FakeRepositoryImporter, job_id: int) -> Iterator[None]:
    """Run the job in a thread to its end. Stop it if the block fails."""
    thread = threading.Thread(target=importer.work, args=(job_id,), daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        stop_here(job_id)
        raise
    finally:
        thread.join()


def until(is_so: Callable[[], bool]) -> None:
    """Check a condition repeatedly. The time limit of the test ends it."""
    pause = threading.Event()
    while not is_so():
        pause.wait(0.05)
