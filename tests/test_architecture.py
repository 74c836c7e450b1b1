"""The picture of the layers shows the imports as they are."""

from __future__ import annotations

from tests.architecture import DOCUMENT, picture


def test_the_document_shows_the_layers_as_they_are():
    assert picture() in DOCUMENT.read_text(), "run make picture"
