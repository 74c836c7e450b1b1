"""Passwords: what may be one, how it is kept, and that checking one takes the same work for everybody."""

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
def test_what_is_easy_to_guess_is_refused(password):
    with pytest.raises(InvalidInputError, match="easy to guess"):
        passwords.check(password, "Anna")


def test_the_name_of_the_account_is_no_password_for_it_however_it_is_written():
    with pytest.raises(InvalidInputError, match="contains your name"):
        passwords.check("Josephine-Baker 7x#Qm", "josephine-baker")


@pytest.mark.parametrize("name", ["e", "Al", "Jo", "Ott"])
def test_a_name_of_a_few_letters_may_stand_in_it_as_it_does_in_many_words(name):
    assert passwords.check("correct elephant battery almond jogging otter", name)


def test_a_short_name_makes_no_password_either_by_being_said_again_and_again():
    with pytest.raises(InvalidInputError, match="easy to guess"):
        passwords.check("AlAlAlAlAlAlAl", "Al")


@pytest.mark.parametrize(("password", "says"), [("", "12"), ("kq8#mP2vL9x", "12"), ("kq8#" * 251, "1000")])
def test_its_length_is_12_to_1000_characters(password, says):
    with pytest.raises(InvalidInputError, match=says) as refused:
        passwords.check(password, "Anna", "new")

    assert refused.value.field == "new"


def test_it_is_kept_as_an_argon2id_hash_with_the_work_that_rfc_9106_asks_for_and_a_salt_of_its_own():
    one, two = passwords.hashed(GOOD), passwords.hashed(GOOD)

    assert extract_parameters(one) == RFC_9106_LOW_MEMORY
    assert one.startswith("$argon2id$")
    assert one != two
    assert not passwords.is_outdated(one)


def test_it_is_compared_exactly_as_typed():
    stored = passwords.hashed(GOOD)

    assert passwords.matches(stored, GOOD)
    assert not passwords.matches(stored, GOOD.title())
    assert not passwords.matches(stored, GOOD + " ")


def test_the_end_of_a_long_one_counts():
    stored = passwords.hashed("otter kite maple " * 20)

    assert not passwords.matches(stored, "otter kite maple " * 19)


def test_where_there_is_no_password_the_answer_is_no_after_the_same_work(monkeypatch):
    asked = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):
            asked.append(extract_parameters(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())

    assert not passwords.matches(None, "nobody's password")
    assert not passwords.matches(passwords.hashed(GOOD), "nobody's password")
    assert asked == [RFC_9106_LOW_MEMORY] * 2


def test_a_hash_made_with_less_work_is_outdated():
    assert passwords.is_outdated(PasswordHasher(time_cost=1).hash(GOOD))


def test_to_compare_with_nobodys_hash_makes_no_hash_first(monkeypatch):
    class Comparing(PasswordHasher):
        def hash(self, password, *, salt=None):
            raise AssertionError("twice the work")

    monkeypatch.setattr(passwords, "_hasher", Comparing(time_cost=1, memory_cost=64, parallelism=1))

    assert not passwords.matches(None, GOOD)
