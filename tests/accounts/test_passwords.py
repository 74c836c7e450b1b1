"""Passwords: which are allowed, how they are stored, and that each check takes the same time."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from connector.accounts import passwords
from connector.errors import InvalidInputError

GOOD = "gentle otters fold paper maps"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "kq8#mP2vL9xw",
        "четыре слова подряд",
        "  spaces around count  ",
        "Ω≈ç√∫˜µ≤≥÷åß",
        "otter kite maple " * 20,
        "{{ 7 * 7 }}'\"; --",
    ],
)
def test_any_characters_make_a_password_if_it_is_long_and_hard_to_guess(password):
    assert passwords.check(password, "Anna") == password


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Passw0rd12345!",
        "123456789012",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "aaaaaaaaaaaa",
        "iloveyou1234",
        "administrator",
        "unbelievable",
        "dspaceconnector",
        "dspace-connector",
        "repository2026",
    ],
)
def test_passwords_that_are_easy_to_guess_are_refused(password):
    with pytest.raises(InvalidInputError, match="easy to guess"):
        passwords.check(password, "Anna")


def test_the_name_of_the_account_is_no_password_in_any_spelling():
    with pytest.raises(InvalidInputError, match="contains your name"):
        passwords.check("Josephine-Baker 7x#Qm", "josephine-baker")


@pytest.mark.parametrize("name", ["e", "Al", "Jo", "Ott"])
def test_a_password_may_contain_a_short_name(name):
    assert passwords.check("correct elephant battery almond jogging otter", name)


def test_a_repeated_short_name_is_no_password():
    with pytest.raises(InvalidInputError, match="easy to guess"):
        passwords.check("AlAlAlAlAlAlAl", "Al")


@pytest.mark.parametrize(("password", "says"), [("", "12"), ("kq8#mP2vL9x", "12"), ("kq8#" * 251, "1000")])
def test_a_password_has_12_to_1000_characters(password, says):
    with pytest.raises(InvalidInputError, match=says) as refused:
        passwords.check(password, "Anna", "new")

    assert refused.value.field == "new"


def test_a_password_is_stored_as_a_salted_argon2id_hash_as_rfc_9106_requires():
    one, two = passwords.hash_password(GOOD), passwords.hash_password(GOOD)

    assert extract_parameters(one) == RFC_9106_LOW_MEMORY
    assert one.startswith("$argon2id$")
    assert one != two
    assert not passwords.is_outdated(one)


def test_a_password_is_compared_exactly_as_typed():
    stored = passwords.hash_password(GOOD)

    assert passwords.matches(stored, GOOD)
    assert not passwords.matches(stored, GOOD.title())
    assert not passwords.matches(stored, GOOD + " ")


def test_all_characters_of_a_long_password_count():
    stored = passwords.hash_password("otter kite maple " * 20)

    assert not passwords.matches(stored, "otter kite maple " * 19)


def test_accounts_without_password_are_refused_after_the_same_work(monkeypatch):
    asked = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):
            asked.append(extract_parameters(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())

    assert not passwords.matches(None, "nobody's password")
    assert not passwords.matches(passwords.hash_password(GOOD), "nobody's password")
    assert asked == [RFC_9106_LOW_MEMORY] * 2


def test_a_hash_made_with_less_work_is_outdated():
    assert passwords.is_outdated(PasswordHasher(time_cost=1).hash(GOOD))


def test_a_check_without_account_creates_no_hash(monkeypatch):
    class Comparing(PasswordHasher):
        def hash(self, password, *, salt=None):
            raise AssertionError("twice the work")

    monkeypatch.setattr(passwords, "_hasher", Comparing(time_cost=1, memory_cost=64, parallelism=1))

    assert not passwords.matches(None, GOOD)
