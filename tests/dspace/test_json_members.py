"""Members of JSON objects: a missing one, one of another type or a number that is too large is a bad response."""

import json

import pytest

from connector.dspace.json_members import label, optional, required, text
from connector.errors import BadResponseError

URL = "https://repository.example/rest/items/1"
LARGEST = 2**53 - 1


@pytest.mark.parametrize("number", [0, -1, LARGEST, -LARGEST])
def test_integers_are_read_unchanged(number):
    assert required({"size": number}, "size", int, URL) == number


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", "9223372036854775808", "1" + "0" * 400])
def test_an_integer_that_is_too_large_is_a_bad_answer(text):
    with pytest.raises(BadResponseError, match="“size” is too large"):
        optional({"size": json.loads(text)}, "size", int, URL)


@pytest.mark.parametrize("text", ["true", "false", "1e400", "-1e400", "5.0", '"5"', "[]"])
def test_values_that_are_no_integers_are_bad_responses(text):
    with pytest.raises(BadResponseError, match="“size” is missing or of another type"):
        required({"size": json.loads(text)}, "size", int, URL)


def test_booleans_are_read_where_they_are_expected():
    assert required({"withdrawn": True}, "withdrawn", bool, URL) is True


@pytest.mark.parametrize("row", [{}, {"size": None}])
def test_a_missing_member_is_an_error_only_where_it_is_required(row):
    assert optional(row, "size", int, URL) is None
    with pytest.raises(BadResponseError, match="missing"):
        required(row, "size", int, URL)


@pytest.mark.parametrize("row", [None, [], "text", 1])
def test_a_row_that_is_no_object_is_a_bad_answer(row):
    with pytest.raises(BadResponseError):
        optional(row, "size", int, URL)


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b"])
def test_a_string_that_cannot_be_stored_is_a_bad_answer_unless_it_is_a_label_or_metadata(odd):
    row = {"handle": odd}

    with pytest.raises(BadResponseError, match="“handle” has characters"):
        optional(row, "handle", str, URL)
    assert label(row, "handle", URL) == "a\N{REPLACEMENT CHARACTER}b"
    assert text(row, "handle", URL) == odd
    assert label({}, "handle", URL) is None
