"""Passwords at rest: sealed with the secret key of this app, so that a copy of the database alone gives none away."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import InvalidInput

# The secret key signs cookies, too: each use has a key of its own (RFC 5869, 3.2).
_USE = b"password of a repository"


def seal(text: str, key: str) -> str:
    """The text as only `unseal` with the same key can read it; another one each time."""
    return _box(key).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, key: str, whose: str) -> str:
    """What was sealed. Raises InvalidInput, which names `whose` password it was, where the key is another one now."""
    try:
        return _box(key).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        sentence = f"The password of {whose} cannot be read any more: the secret key has changed. Type it again."
        raise InvalidInput(sentence, "password") from error


def _box(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_USE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
