"""Messages for the next page fit into a cookie."""

from __future__ import annotations

import random

import pytest
from flask import session

from connector.web import flash_messages


@pytest.fixture
def flash_all(app):
    """Return a function that flashes messages: the size of the cookie in bytes, and the messages."""

    def flash(*texts: str) -> tuple[int, list[str]]:
        with app.test_request_context():
            for text in texts:
                flash_messages.flash(text)
            cookie = app.session_interface.get_signing_serializer(app).dumps(dict(session))
            return len(cookie), [text for _, text in session["_flashes"]]

    return flash


def test_a_message_with_a_long_name_keeps_its_beginning_and_its_end(flash_all):
    _, [text] = flash_all("“" + 1000 * "x" + "” is forgotten.")

    assert len(text) < 300
    assert text.startswith("“xxx")
    assert text.endswith("xxx” is forgotten.")


def test_many_messages_with_long_names_leave_the_cookie_far_below_4_kb(flash_all):
    letters = random.Random(7)
    names = ["".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(400)) for _ in range(30)]

    size, texts = flash_all(*(f"“{name}” was not undone." for name in names))

    assert size < 3800
    assert texts[-1] == "Some messages are not shown."
    assert texts.count(texts[-1]) == 1
