"""Passwords: hashed with argon2id, compared in the same time for all, refused where easy to guess."""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from ..errors import Busy, InvalidInputError

LEAST, MOST = 12, 1000  # characters
HARD_TO_GUESS = 4  # of zxcvbn's scores 0 to 4: more than 10^10 guesses
TELLING = 4  # characters: shorter names stand in many other words
JUDGED = 72  # characters; what comes after makes it only harder, and judging it would take long
# Words that everybody would try here (ASVS 5.0, 6.2.11); the account's own name comes to them.
OBVIOUS = ("dspace", "connector", "dspace connector", "dspaceconnector", "dspace-connector", "repository", "omeka")

BUSY = "Too many people sign in at the same moment. Wait a few seconds, then try again."
AT_ONCE, WAITING = 2, 2  # each check takes 64 MiB for some tens of milliseconds; those that wait hold a web thread

_hasher = PasswordHasher()
_few = threading.BoundedSemaphore(AT_ONCE)
_queue = threading.BoundedSemaphore(AT_ONCE + WAITING)


def check(password: str, name: str, field: str = "password") -> str:
    """The password, exactly as typed, where it may be chosen by the account of this name. Raises InvalidInputError.

    Any characters will do, as long as it is long enough and hard to guess (ASVS 5.0, 6.2.1 to 6.2.12).
    """
    if len(password) < LEAST:
        raise InvalidInputError(
            f"The password needs at least {LEAST} characters: a few words together are good.", field
        )
    if len(password) > MOST:
        raise InvalidInputError(f"The password has at most {MOST} characters.", field)
    if len(name) >= TELLING and name.casefold() in password.casefold():
        raise InvalidInputError("This password contains your name: choose one that does not.", field)
    judged = zxcvbn(password[:JUDGED], [*OBVIOUS, name, *name.split()])
    if judged["score"] < HARD_TO_GUESS:
        raise InvalidInputError(
            "This password is easy to guess: choose one that is less common, such as four words.", field
        )
    return password


def hashed(password: str) -> str:
    """Return its hash with a salt of its own, as it is stored. Raises Busy as `matches` does."""
    with _turn():
        return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Return whether this is the password with that hash. Where there is none, return False after the same work.

    Raises Busy while more checks wait than may.
    """
    with _turn():
        try:
            return _hasher.verify(stored or _nobody(), password) and stored is not None
        except VerifyMismatchError:
            return False


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with less work than is done today."""
    return _hasher.check_needs_rehash(stored)


@contextmanager
def _turn() -> Iterator[None]:
    if not _queue.acquire(blocking=False):
        raise Busy(BUSY)
    try:
        with _few:
            yield
    finally:
        _queue.release()


def _nobody() -> str:
    """A hash that no password has; to compare with it takes the same work, also the first time."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    work = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${work}${salt}${digest}"
