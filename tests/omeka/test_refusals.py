"""The reasons of refusals, read from recorded answers."""

from __future__ import annotations

import pytest

from connector.omeka.refusals import Refusal, refusal_in

from .recordings import exchange


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (145, Refusal.FILE_TYPE),
        (147, Refusal.FILE_TYPE),
        (162, Refusal.TOO_LARGE),
        (201, Refusal.REQUIRED_VALUE),
        (56, None),
        (60, None),
    ],
)
def test_a_recorded_refusal_has_its_reason(number, reason):
    assert refusal_in(exchange(number).body) == reason


@pytest.mark.parametrize("answer", [None, "An error page", [], {"errors": None}, {"errors": "file"}])
def test_an_answer_of_another_form_has_no_reason(answer):
    assert refusal_in(answer) is None
