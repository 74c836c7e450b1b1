"""Encrypted passwords can be decrypted with the same key only."""

import pytest

from connector.encryption import seal, unseal
from connector.errors import InvalidInputError

PASSWORD = "grün & geheim"


def test_encrypted_text_can_be_decrypted_with_the_same_key():
    assert unseal(seal(PASSWORD, "key"), "key", "Sample Library") == PASSWORD


def test_an_encrypted_password_is_unreadable_and_different_each_time():
    once, again = seal(PASSWORD, "key"), seal(PASSWORD, "key")

    assert once != again
    assert PASSWORD not in once


@pytest.mark.parametrize("sealed", [seal(PASSWORD, "old key"), "damaged", ""], ids=["by another", "damaged", "empty"])
def test_a_password_encrypted_with_another_key_is_refused_with_the_repository(sealed):
    with pytest.raises(InvalidInputError) as caught:
        unseal(sealed, "new key", "Sample Library")

    assert str(caught.value) == (
        "The password of Sample Library cannot be decrypted because the secret key has changed. Enter it again."
    )
    assert caught.value.field == "password"
