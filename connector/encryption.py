"""Encryption of stored secrets with the secret key of this app, so that a copy of the database alone reveals none."""

from __future__ import annotations

import base64
from enum import StrEnum

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import InvalidInputError
from .i18n import lazy_gettext as _l


class KeyPurpose(StrEnum):
    """The purpose of a key. The secret key also signs cookies, and each purpose has its own key (RFC 5869, 3.2).

    The keys are derived from the values, so the values never change.
    """

    PASSWORD = "password of a repository"
    TWO_STEP = "second factor of an account"
    API_KEY = "key of a destination"


CHANGED = {
    KeyPurpose.PASSWORD: _l(
        "The password of %(owner)s cannot be decrypted because the secret key has changed. Enter it again."
    ),
    KeyPurpose.TWO_STEP: _l(
        "The two-step sign-in secret of %(owner)s cannot be decrypted because the secret key has changed. "
        "A recovery code lets them in, or an administrator removes it."
    ),
    KeyPurpose.API_KEY: _l(
        "The key of %(owner)s cannot be decrypted because the secret key has changed. Enter it again."
    ),
}


def seal(text: str, key: str, use: KeyPurpose = KeyPurpose.PASSWORD) -> str:
    """Return the encrypted text, different each time. Only `unseal` with the same key and purpose can decrypt it."""
    return _box(key, use).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, key: str, whose: str, use: KeyPurpose = KeyPurpose.PASSWORD) -> str:
    """Return the decrypted text. Raise InvalidInputError, which names its owner `whose`, if the key has changed."""
    try:
        return _box(key, use).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise InvalidInputError(CHANGED[use] % {"owner": whose}, "password") from error


def _box(key: str, use: KeyPurpose) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=use.value.encode()).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
