"""Passwords: argon2id hashes, comparison in constant time for known and unknown names, and a strength check."""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from ..errors import InvalidInputError, TooBusyError
from ..i18n import gettext as _, lazy_gettext as _l

LEAST, MOST = 12, 1000  # characters
HARD_TO_GUESS = 4  # zxcvbn score (0 to 4): more than 10^10 guesses
SHORTEST_NAME = 4  # characters; shorter names are part of many words
CHECKED_CHARACTERS = 72  # characters; more only make a password stronger, and zxcvbn would be slow
# Words that an attacker tries first (ASVS 5.0, 6.2.11). `check` adds the account's name.
GUESSED = ("dspace", "connector", "dspace connector", "dspaceconnector", "dspace-connector", "repository", "omeka")

BUSY = _l("Too many people sign in at the same moment. Wait a few seconds, then try again.")
AT_ONCE, WAITING = 2, 2  # a check needs 64 MiB for tens of milliseconds; a waiting check blocks a web thread

_hasher = PasswordHasher()
_few = threading.BoundedSemaphore(AT_ONCE)
_queue = threading.BoundedSemaphore(AT_ONCE + WAITING)


def check(password: str, name: str, field: str = "password") -> str:
    """Return the password unchanged if the account may use it. Raise InvalidInputError otherwise.

    It must be long and hard to guess. All characters are allowed (ASVS 5.0, 6.2.1 to 6.2.12).
    """
    if len(password) < LEAST:
        raise InvalidInputError(
            _("The password needs at least %(least)s characters: a few words together are good.", least=LEAST), field
        )
    if len(password) > MOST:
        raise InvalidInputError(_("The password has at most %(most)s characters.", most=MOST), field)
    if len(name) >= SHORTEST_NAME and name.casefold() in password.casefold():
        raise InvalidInputError(_("This password contains your name: choose one that does not."), field)
    from zxcvbn import zxcvbn  # here, because its lists of words take 12 MB, and few processes check a new password

    result = zxcvbn(password[:CHECKED_CHARACTERS], [*GUESSED, name, *name.split()])
    if result["score"] < HARD_TO_GUESS:
        raise InvalidInputError(
            _("This password is easy to guess: choose one that is less common, such as four words."), field
        )
    return password


def hash_password(password: str) -> str:
    """Return the salted hash of a password, for storage. Raise TooBusyError if too many checks wait."""
    with _turn():
        return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Return whether the password has this hash. Without a hash, return False after the same amount of work.

    Raise TooBusyError if too many checks wait.
    """
    with _turn():
        try:
            return _hasher.verify(stored or _nobody(), password) and stored is not None
        except VerifyMismatchError:
            return False


def is_outdated(stored: str) -> bool:
    """Return whether the hash was made with weaker parameters than the current ones."""
    return _hasher.check_needs_rehash(stored)


@contextmanager
def _turn() -> Iterator[None]:
    if not _queue.acquire(blocking=False):
        raise TooBusyError(BUSY)
    try:
        with _few:
            yield
    finally:
        _queue.release()


def _nobody() -> str:
    """Return a hash that no password matches. Comparing with it takes as long as with a real hash."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    work = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${work}${salt}${digest}"
