"""Sizes as people type them, and as the form shows them again."""

from __future__ import annotations

import pytest

from connector.errors import InvalidInputError
from connector.imports.input_checks import check_limit, check_size, check_test, size_text


@pytest.mark.parametrize(
    ("text", "size"),
    [("", None), ("20000", 20_000), ("200 b", 200), ("500 MB", 5 * 10**8), ("1,5gb", 15 * 10**8), ("2 TB", 2 * 10**12)],
)
def test_a_size_is_understood_with_and_without_a_unit(text, size):
    assert check_size(text) == size


@pytest.mark.parametrize("size", [None, 1, 999, 1_000, 1_500_000_000, 1_234_567, 2 * 10**12])
def test_a_size_is_shown_as_it_will_be_parsed(size):
    assert check_size(size_text(size)) == size


@pytest.mark.parametrize("check", [check_limit, check_test, check_size])
@pytest.mark.parametrize("text", ["²", "-1", "1e3", "9" * 5000])
def test_numbers_that_cannot_be_used_are_refused_at_any_length(check, text):
    with pytest.raises(InvalidInputError):
        check(text)
