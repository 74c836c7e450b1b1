"""Errors of the system or a database become one sentence with advice."""

from __future__ import annotations

import errno
import os

import psycopg
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from connector.error_translation import FILES, translate
from connector.errors import ConflictError, DatabaseUnavailableError, StorageError


def refusal(number: int, file: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), file)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (refusal(errno.ENOSPC), "The disk cannot be used: No space left on device. Make room on the disk, "),
        (refusal(errno.EDQUOT, "/x/y"), "/x/y cannot be used: Disk quota exceeded. Make room on the disk, "),
        (refusal(errno.EROFS, "/x/y"), "/x/y cannot be used: Read-only file system. The account that DSpace "),
        (refusal(errno.EACCES, "/x/y"), "/x/y cannot be used: Permission denied. The account that DSpace "),
    ],
)
def test_errors_of_the_system_name_file_cause_and_advice(error, sentence):
    found = translate(error)

    assert isinstance(found, StorageError)
    assert str(found).startswith(sentence)


def test_every_advice_is_a_sentence():
    assert all(remedy.endswith(".") for remedy in FILES.values())


def test_expected_errors_are_kept_and_unexpected_ones_are_not_translated():
    conflict = ConflictError("Not now.")

    assert translate(conflict) is conflict
    assert translate(KeyError("x")) is translate(refusal(errno.EBADF)) is None


def test_only_an_unavailable_server_is_retryable():
    away = translate(OperationalError("", {}, psycopg.OperationalError("refused\n\tIs it running?")))
    wrong = translate(ProgrammingError("", {}, psycopg.errors.UndefinedTable("no such table")))

    assert isinstance(away, DatabaseUnavailableError)
    assert str(away).startswith("The database cannot be used now: refused Is it running? Start its server")
    assert isinstance(wrong, StorageError)
    assert str(wrong) == "The database cannot be used now: no such table."
