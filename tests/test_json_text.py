"""JSON text is the same as that of the standard library, for every text that metadata may have."""

from __future__ import annotations

import json

from hypothesis import given, strategies as st
from markupsafe import Markup

from connector import json_text

TEXTS = st.text(st.characters(exclude_categories=[]))  # with NUL and halves of surrogate pairs
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | TEXTS.map(Markup),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(VALUES)
def test_text_has_the_value_for_both_readers(value):
    text = json_text.encode(value)
    assert json_text.decode(text) == json.loads(text) == value


@given(VALUES)
def test_ascii_text_is_that_of_the_standard_library(value):
    assert json_text.encode_ascii(value) == json.dumps(value, separators=(",", ":"))


@given(VALUES | st.floats(allow_nan=False, allow_infinity=False))
def test_text_of_earlier_versions_is_read(value):
    assert json_text.decode(json.dumps(value)) == value
