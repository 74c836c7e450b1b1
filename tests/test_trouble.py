"""What the system or a database refuses is told in one sentence, with what to do about it."""

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
def test_what_the_system_refuses_names_the_file_the_cause_and_the_remedy(error, sentence):
    found = translate(error)

    assert isinstance(found, StorageError)
    assert str(found).startswith(sentence)


def test_every_remedy_is_a_sentence():
    assert all(remedy.endswith(".") for remedy in FILES.values())


def test_an_error_of_the_tree_stands_for_itself_and_a_fault_of_ours_for_none():
    conflict = ConflictError("Not now.")

    assert translate(conflict) is conflict
    assert translate(KeyError("x")) is translate(refusal(errno.EBADF)) is None


def test_only_a_server_that_does_not_answer_is_worth_another_try():
    away = translate(OperationalError("", {}, psycopg.OperationalError("refused\n\tIs it running?")))
    wrong = translate(ProgrammingError("", {}, psycopg.errors.UndefinedTable("no such table")))

    assert isinstance(away, DatabaseUnavailableError)
    assert str(away).startswith("The database cannot be used now: refused Is it running? Start its server")
    assert isinstance(wrong, StorageError)
    assert str(wrong) == "The database cannot be used now: no such table."
